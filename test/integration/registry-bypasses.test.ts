import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JobInput } from '../../src/player/job.ts';
import { forgetImage, freshImage, type TestRunner, testRunner } from './registry-job.ts';
import { type RegistryProxy, startRegistryProxy } from './registry-proxy.ts';
import { type RegistryServer, startRegistry } from './registry-server.ts';

/*
 * Ways around a policy that allows one group of one registry, by pull policy `always` alone. None may come so far as to ask a
 * registry, and the names that are meant must work: so the table refuses what it should, and not everything.
 */

let registry: RegistryServer;
let proxy: RegistryProxy;
let [any, pinned]: TestRunner[] = [];
let image: Awaited<ReturnType<typeof freshImage>>;
let digest = '';

before(async () => {
  registry = await startRegistry();
  proxy = await startRegistryProxy(registry);
  // Of a digest of its own: Podman 4 takes `<any name>@<digest>` for each image that has it, also when it is to remove it.
  image = await freshImage(1);
  for (const path of ['allowed/tool:1', 'secret/tool:1']) await registry.push(image.name, path);
  digest = await registry.digest('allowed/tool', '1');
  const rules = (more: object) => ({ allow: [`${proxy.address}/allowed/*`], pullPolicies: ['always'], ...more });
  any = await testRunner({}, { images: rules({}), services: rules({}) });
  const byDigest = { digest: 'required' };
  pinned = await testRunner({}, { images: rules(byDigest), services: rules(byDigest) });
});

after(async () => {
  for (const name of ['tool:1', `tool@${digest}`]) await forgetImage(`${proxy.address}/allowed/${name}`);
  for (const one of [image, any, pinned, proxy, registry]) await one?.[Symbol.asyncDispose]();
});

type Refused = 'policy-image-refused' | 'policy-pull-policy-refused' | 'image-reference-invalid';

/** The runner, the name of the image (ADDRESS and DIGEST in it are replaced), and how it is refused. */
const ways: Record<string, readonly ['any' | 'pinned', string, Refused, JobInput?]> = {
  'another group': ['any', 'ADDRESS/secret/tool:1', 'policy-image-refused'],
  'a group within the group': ['any', 'ADDRESS/allowed/sub/tool:1', 'policy-image-refused'],
  'a group that begins the same': ['any', 'ADDRESS/allowed-evil/tool:1', 'policy-image-refused'],
  'a way up': ['any', 'ADDRESS/allowed/../secret/tool:1', 'image-reference-invalid'],
  'a way up, encoded': ['any', 'ADDRESS/allowed/..%2fsecret/tool:1', 'image-reference-invalid'],
  'two slashes': ['any', 'ADDRESS//secret/tool:1', 'image-reference-invalid'],
  'a tag where a digest is required': ['pinned', 'ADDRESS/allowed/tool:1', 'policy-image-refused'],
  'a tag that looks like a digest': ['pinned', 'ADDRESS/allowed/tool:sha256-0123', 'policy-image-refused'],
  'another digest algorithm': ['pinned', `ADDRESS/allowed/tool@md5:${'0'.repeat(32)}`, 'image-reference-invalid'],
  '@ twice': ['any', 'ADDRESS/secret/tool:1@ADDRESS/allowed/tool@DIGEST', 'image-reference-invalid'],
  'two digests': ['pinned', 'ADDRESS/allowed/tool@DIGEST@DIGEST', 'image-reference-invalid'],
  'a user before the host': ['any', 'ADDRESS@evil.example/allowed/tool:1', 'image-reference-invalid'],
  'upper case in the path': ['any', 'ADDRESS/Allowed/tool:1', 'image-reference-invalid'],
  'no port': ['any', '127.0.0.1/allowed/tool:1', 'policy-image-refused'],
  'another port': ['any', '127.0.0.1:1/allowed/tool:1', 'policy-image-refused'],
  'a port with a zero before it': ['any', '127.0.0.1:0PORT/allowed/tool:1', 'image-reference-invalid'],
  'another name of the same host': ['any', 'localhost:PORT/allowed/tool:1', 'policy-image-refused'],
  'the address in another spelling': ['any', '127.1:PORT/allowed/tool:1', 'policy-image-refused'],
  'the default registry': ['any', 'allowed/tool:1', 'policy-image-refused'],
  'a registry that ends the same': ['any', 'evil.example/ADDRESS/allowed/tool:1', 'image-reference-invalid'],
  'a dot after the host': ['any', '127.0.0.1.:PORT/allowed/tool:1', 'image-reference-invalid'],
  'a dot after the path': ['any', 'ADDRESS/allowed/tool.:1', 'image-reference-invalid'],
  'library/ before the path': ['any', 'ADDRESS/library/allowed/tool:1', 'policy-image-refused'],
  'library/ alone': ['any', 'library/tool:1', 'policy-image-refused'],
  'an archive': ['any', 'docker-archive:/etc/hostname', 'image-reference-invalid'],
  'an archive with the name that is allowed': [
    'any',
    'docker-archive:/tmp/x.tar:ADDRESS/allowed/tool:1',
    'image-reference-invalid',
  ],
  'a folder': ['any', 'oci:/tmp/x:1', 'image-reference-invalid'],
  'a transport before the name that is allowed': ['any', 'docker://ADDRESS/allowed/tool:1', 'image-reference-invalid'],
  'the local store': ['any', 'containers-storage:ADDRESS/allowed/tool:1', 'image-reference-invalid'],
  'a variable that a variable names': [
    'any',
    '$FIRST/tool:1',
    'image-reference-invalid',
    { variables: { FIRST: '$$SECOND', SECOND: 'ADDRESS/allowed' } },
  ],
  'a pull policy that is not allowed': [
    'any',
    'ADDRESS/allowed/tool:1',
    'policy-pull-policy-refused',
    { image: { name: '', pullPolicy: ['never'] } },
  ],
  'two of them': [
    'any',
    'ADDRESS/allowed/tool:1',
    'policy-pull-policy-refused',
    { image: { name: '', pullPolicy: ['if-not-present', 'never'] } },
  ],
  'one in upper case': [
    'any',
    'ADDRESS/allowed/tool:1',
    'policy-pull-policy-refused',
    { image: { name: '', pullPolicy: ['ALWAYS'] } },
  ],
};

function filled(text: string): string {
  const port = proxy.address.replace(/^.*:/, '');
  return text.replaceAll('ADDRESS', proxy.address).replaceAll('PORT', port).replaceAll('DIGEST', digest);
}

function runnerOf(which: 'any' | 'pinned'): TestRunner {
  const runner = which === 'any' ? any : pinned;
  assert.ok(runner);
  return runner;
}

suite('a policy is not got around by', () => {
  for (const [what, [which, name, code, more = {}]] of Object.entries(ways)) {
    test(what, async () => {
      const before = proxy.calls.length;
      const pullPolicy = typeof more.image === 'object' ? more.image.pullPolicy : undefined;
      const variables = Object.fromEntries(
        Object.entries((more.variables ?? {}) as Record<string, string>).map(([key, value]) => [key, filled(value)]),
      );
      const asked = { name: filled(name), ...(pullPolicy !== undefined && { pullPolicy }) };
      const image = await runnerOf(which).prepare(asked, { variables });
      assert.equal(image.exitCode, 1, image.log);
      assert.ok(image.log.includes(`(${code}: `), image.log);
      // The same as a service, beside an image that is fine.
      const fine = filled(`ADDRESS/allowed/tool@DIGEST`);
      const service = await runnerOf(which).prepare(fine, { variables, services: [{ ...asked, alias: 'x' }] });
      assert.equal(service.exitCode, 1, service.log);
      const expected = code === 'policy-image-refused' ? 'policy-services-refused' : code;
      assert.ok(service.log.includes(`(${expected}: `), service.log);
      assert.equal(proxy.calls.length, before, 'no registry is asked');
    });
  }
});

test('what is meant is had, by tag and by digest, in whatever case the host is', async () => {
  for (const [which, name] of [
    ['any', 'ADDRESS/allowed/tool:1'],
    ['any', 'ADDRESS/allowed/tool:2@DIGEST'],
    ['pinned', 'ADDRESS/allowed/tool@DIGEST'],
  ] as const) {
    const { exitCode, log } = await runnerOf(which).prepare(filled(name));
    assert.equal(exitCode, 0, log);
  }
});
