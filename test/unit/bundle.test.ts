import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from '../../setup/bundle.ts';

test('the bundle holds nothing of what dockerode loads for SSH, gRPC and build contexts', async () => {
  const { code, inputs } = await bundle('everything');
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
  const { code } = await bundle('everything');
  assert.match(code, /ssh2 is not part of this bundle/);
});

test('what reads a pipeline is not in it: that runs in a sandbox', async () => {
  const { inputs } = await bundle('everything');
  const readers = inputs.filter((path) => /node_modules\/(?:gitlab-ci-local|yaml)\/|src\/local\/reader\//.test(path));
  assert.deepEqual(readers, []);
});

test('that of the stages has nothing of the commands for people', async () => {
  const { inputs } = await bundle('stages');
  const commands = inputs.filter((path) =>
    /^src\/(?:commands|diagnosis|doctor|host-setup|init|local|player)\/|toml-eslint-parser/.test(path),
  );
  assert.deepEqual(commands, []);
});
