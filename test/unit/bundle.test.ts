import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from '../../setup/bundle.ts';

test('the bundle holds nothing of what dockerode loads for SSH, gRPC and build contexts', async () => {
  const { code, inputs } = await bundle();
  const unused = inputs.filter((path) =>
    /node_modules\/(ssh2|cpu-features|@grpc|protobufjs|@protobufjs|tar-fs|asn1|debug|readable-stream)\//.test(path),
  );
  assert.deepEqual(unused, []);
  // Strings that minifying keeps: a header of gRPC, a message of SSH's protocol, ssh2's native module.
  for (const trace of ['grpc-status', 'ssh-userauth', 'sshcrypto']) {
    assert.equal(code.includes(trace), false, trace);
  }
});

test('what the bundle leaves out says so when it is used', async () => {
  const { code } = await bundle();
  assert.match(code, /ssh2 is not part of this bundle/);
});

test('what reads a pipeline is not in it: that runs in a sandbox', async () => {
  const { inputs } = await bundle();
  const readers = inputs.filter((path) => /node_modules\/(?:gitlab-ci-local|yaml)\/|src\/local\/reader\//.test(path));
  assert.deepEqual(readers, []);
});
