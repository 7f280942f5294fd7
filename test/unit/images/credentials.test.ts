import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { inspect } from 'node:util';
import { Credentials, gatherCredentials } from '../../../src/images/credentials.ts';
import type { RegistryLogin } from '../../../src/images/docker-config.ts';
import { parseImageReference } from '../../../src/sandbox/image-reference.ts';
import { Secret } from '../../../src/secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-credentials-'));
after(() => rmSync(folder, { recursive: true }));

const login = (address: string, username: string): RegistryLogin => ({
  address,
  username,
  password: 'p',
  identityToken: undefined,
});
const config = (logins: Record<string, string>) =>
  JSON.stringify({
    auths: Object.fromEntries(Object.entries(logins).map(([address, username]) => [address, { username }])),
  });

/** Whose login an image gets. */
function userFor(credentials: Credentials, image: string): string | undefined {
  return credentials.for(parseImageReference(image))?.login.reveal().username;
}

function known(...addresses: string[]): Credentials {
  const credentials = new Credentials();
  credentials.add(
    'test',
    addresses.map((address) => login(address, address)),
  );
  return credentials;
}

const host = 'registry.example.com';

suite('a login is for', () => {
  for (const [address, image, whether] of [
    ['registry.example.com', 'registry.example.com/group/tool:1', true],
    ['registry.example.com', `registry.example.com/tool@sha256:${'0'.repeat(64)}`, true],
    ['Registry.Example.com', 'registry.EXAMPLE.com/group/tool', true],
    ['registry.example.com/', 'registry.example.com/group/tool', true],
    [`https://${host}/v2/`, 'registry.example.com/group/tool', true],
    ['registry.example.com:5000', 'registry.example.com:5000/group/tool', true],
    ['registry.example.com/group', 'registry.example.com/group/tool', true],
    ['registry.example.com/group/tool', 'registry.example.com/group/tool:1', true],
    ['registry.example.com/group/tool:1', 'registry.example.com/group/tool:2', true],
    ['docker.io', 'debian:12', true],
    ['index.docker.io', 'debian:12', true],
    ['https://index.docker.io/v1/', 'debian:12', true],
    ['https://index.docker.io/v1/', 'index.docker.io/group/tool', true],
    ['docker.io/group', 'group/tool', true],

    ['registry.example.com', 'registry.example.com.evil.org/group/tool', false],
    ['registry.example.com', 'evil.org/registry.example.com/tool', false],
    ['registry.example.com', 'registry.example.comm/group/tool', false],
    ['registry.example.com', 'eregistry.example.com/group/tool', false],
    ['registry.example.com', 'example.com/group/tool', false],
    ['registry.example.com', 'registry.example.com:443/group/tool', false],
    ['registry.example.com:443', 'registry.example.com/group/tool', false],
    ['registry.example.com/group', 'registry.example.com/groups/tool', false],
    ['registry.example.com/group', 'registry.example.com/grou/tool', false],
    ['registry.example.com/group', 'registry.example.com/other/group', false],
    ['registry.example.com/group/tool', 'registry.example.com/group', false],
    ['docker.io/group', 'debian:12', false],
    ['docker.io', 'localhost/tool', false],
    ['', 'debian:12', false],
    ['https://', 'debian:12', false],
  ] as const) {
    test(`${address || '(nothing)'} ${whether ? '' : 'not '}${image}`, () => {
      assert.equal(userFor(known(address), image), whether ? address : undefined);
    });
  }

  test('the longest path that has one', () => {
    const credentials = known('a.example.com', 'a.example.com/group/tool', 'a.example.com/group');
    assert.equal(userFor(credentials, 'a.example.com/group/tool/sub:1'), 'a.example.com/group/tool');
    assert.equal(userFor(credentials, 'a.example.com/group/other'), 'a.example.com/group');
    assert.equal(userFor(credentials, 'a.example.com/other'), 'a.example.com');
  });
});

suite('of several sources', () => {
  const operatorFile = (content: string): string => {
    const path = join(folder, 'auth.json');
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const gather = async (
    dockerAuthConfig: string | undefined,
    registryAuth?: string,
    job: readonly RegistryLogin[] = [],
    warn: (text: string) => Promise<void> = async () => assert.fail('warned'),
  ) =>
    gatherCredentials(
      { dockerAuthConfig, job: new Secret(job) },
      registryAuth === undefined ? {} : { registryAuth },
      warn,
    );

  test('the earlier one counts, for the same path', async () => {
    const file = operatorFile(config({ 'a.example.com': 'operator', 'b.example.com': 'operator' }));
    const job = ['a', 'b', 'c'].map((name) => login(`${name}.example.com`, 'job'));
    const credentials = await gather(config({ 'https://a.example.com/v1/': 'variable' }), file, job);
    assert.equal(userFor(credentials, 'a.example.com/tool'), 'variable');
    assert.equal(userFor(credentials, 'b.example.com/tool'), 'operator');
    assert.equal(userFor(credentials, 'c.example.com/tool'), 'job');
    assert.equal(userFor(credentials, 'd.example.com/tool'), undefined);
    assert.equal(credentials.for(parseImageReference('b.example.com/tool'))?.source, 'the operator');
  });

  test('the longer path counts, wherever it is from', async () => {
    const credentials = await gather(config({ 'a.example.com': 'variable' }), undefined, [
      login('a.example.com/group', 'job'),
    ]);
    assert.equal(userFor(credentials, 'a.example.com/group/tool'), 'job');
    assert.equal(userFor(credentials, 'a.example.com/other/tool'), 'variable');
  });

  test('there may be none', async () => {
    for (const value of [undefined, '', ' \n']) {
      assert.equal(userFor(await gather(value), 'a.example.com/tool'), undefined);
    }
  });

  test("a variable that is wrong is the author's mistake, and is not quoted", async () => {
    await assert.rejects(gather('{"auths": TopSecret'), (error: Error & { code?: string; blame?: string }) => {
      assert.deepEqual([error.code, error.blame], ['registry-auth-invalid', 'job']);
      return !JSON.stringify([error.message, error.stack, error.cause]).includes('TopSecret');
    });
  });

  test('helpers of the variable are not run, and the job is told', async () => {
    const warnings: string[] = [];
    const value = JSON.stringify({
      auths: { 'a.example.com': { username: 'variable' } },
      credsStore: 'evil',
      credHelpers: { 'b.example.com': '../../tmp/evil' },
    });
    const credentials = await gather(value, undefined, [], async (text) => {
      warnings.push(text);
    });
    assert.equal(userFor(credentials, 'a.example.com/tool'), 'variable');
    assert.equal(userFor(credentials, 'b.example.com/tool'), undefined);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /credsStore and credHelpers of DOCKER_AUTH_CONFIG is ignored/);
    assert.ok(!warnings[0]?.includes('evil'));
  });

  for (const [what, content, problem] of [
    ['is no JSON', 'TopSecret', /it is not JSON/],
    ['names a helper', '{"auths":{},"credsStore":"x"}', /"credsStore" names a program/],
  ] as const) {
    test(`the operator's file ${what}: the operator's mistake`, async () => {
      await assert.rejects(gather(undefined, operatorFile(content)), {
        code: 'configuration-invalid',
        message: problem,
        blame: 'operator',
      });
    });
  }

  test("the operator's file does not exist", async () => {
    await assert.rejects(gather(undefined, join(folder, 'none.json')), { code: 'configuration-invalid' });
  });

  test("the operator's file could be changed by others, or read by everybody", async () => {
    const path = join(folder, 'open.json');
    writeFileSync(path, '{}');
    chmodSync(path, 0o660);
    await assert.rejects(gather(undefined, path), { code: 'file-unsafe' });
    chmodSync(path, 0o644);
    await assert.rejects(gather(undefined, path), { code: 'configuration-invalid', message: /\(mode 0644\)/ });
    chmodSync(path, 0o640);
    await gather(undefined, path);
  });

  test('whatever there is, it shows nowhere by itself', async () => {
    const credentials = await gather(
      JSON.stringify({ auths: { 'a.example.com': { username: 'u', password: 'TopSecret' } } }),
    );
    const credential = credentials.for(parseImageReference('a.example.com/tool'));
    assert.equal(credential?.login.reveal().password, 'TopSecret');
    const shown = [
      inspect(credential, { depth: 9, showHidden: true }),
      JSON.stringify(credential),
      `${credential?.login}`,
    ];
    assert.ok(!shown.join().includes('TopSecret'), shown.join());
  });
});
