import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { AccessRecords } from '../../../src/images/access-records.ts';
import type { Credential } from '../../../src/images/credentials.ts';
import { Secret } from '../../../src/secret.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-access-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
});

const repository = 'registry.example.com/group/tool';
const image = `sha256:${'a'.repeat(64)}`;
const credential = (username: string, password = 'TopSecret'): Credential => ({
  source: 'test',
  login: new Secret({ username, password, identityToken: undefined }),
});
const records = () => readdirSync(join(folder, 'images')).filter((name) => name.endsWith('.json'));
const everything = () =>
  readdirSync(join(folder, 'images'))
    .map((name) => readFileSync(join(folder, 'images', name), 'utf8'))
    .join('\n');

suite('what is kept', () => {
  test('lasts from one process to the next', async () => {
    const first = await AccessRecords.open(folder);
    assert.equal(await first.judge(repository, image, undefined), 'preloaded');
    await first.guard(repository, []);
    await first.accepted(repository, image, credential('alice'));
    const next = await AccessRecords.open(folder);
    assert.equal(await next.judge(repository, image, credential('alice')), 'accepted');
    assert.equal(await next.judge(repository, image, credential('alice', 'other')), 'unproven');
    assert.equal(await next.judge(repository, image, credential('bob')), 'unproven');
    assert.equal(await next.judge(repository, image, undefined), 'unproven');
    assert.equal(await next.judge('registry.example.com/group', image, undefined), 'preloaded');
    await next.refused(repository, credential('alice'));
    assert.equal(await first.judge(repository, image, credential('alice')), 'unproven');
  });

  test('is for root and us alone, and holds no credential', async () => {
    const access = await AccessRecords.open(folder);
    await access.guard(repository, []);
    await access.accepted(repository, image, credential('alice'));
    await access.accepted('registry.example.com/other', image, credential('alice'));
    assert.equal(statSync(join(folder, 'images')).mode & 0o777, 0o700);
    for (const name of readdirSync(join(folder, 'images'))) {
      assert.equal(statSync(join(folder, 'images', name)).mode & 0o077, 0, name);
    }
    assert.ok(!/TopSecret|alice/.test(everything()));
    const who = [...everything().matchAll(/"who":"([0-9a-f]{64})"/g)].map(([, hash]) => hash);
    assert.equal(new Set(who).size, 2, 'nor whether it is the same elsewhere');
  });

  test('is of this host: another key knows nobody', async () => {
    const access = await AccessRecords.open(folder);
    await access.guard(repository, []);
    await access.accepted(repository, image, credential('alice'));
    rmSync(join(folder, 'images/key'));
    assert.equal(await (await AccessRecords.open(folder)).judge(repository, image, credential('alice')), 'unproven');
  });

  test('survives many who write at once', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, () => AccessRecords.open(folder)));
    await Promise.all(opened.map((access, i) => access.accepted(repository, image, credential(`user${i}`))));
    for (let i = 0; i < 6; i++) {
      assert.equal(await opened[0]?.judge(repository, image, credential(`user${i}`)), 'accepted');
    }
    assert.deepEqual(
      readdirSync(join(folder, 'images')).filter((name) => name.startsWith('.')),
      [],
    );
  });

  for (const [what, content] of [
    ['cut', '{"schemaVersion":1,"repos'],
    ['of another form', '{"schemaVersion":2,"preloaded":[]}'],
    ['of another repository', JSON.stringify({ schemaVersion: 1, repository: 'x', preloaded: [image], accepted: [] })],
    ['empty', ''],
  ] as const) {
    test(`guards, and opens nothing, when it is ${what}`, async () => {
      const access = await AccessRecords.open(folder);
      await access.guard(repository, [image]);
      const [name = ''] = records();
      writeFileSync(join(folder, 'images', name), content);
      assert.equal(await access.judge(repository, image, undefined), 'unproven');
      await access.accepted(repository, image, undefined);
      assert.equal(await access.judge(repository, image, undefined), 'public');
    });
  }
});

suite('what cannot be kept', () => {
  test('is an error of the operator: no folder', async () => {
    await assert.rejects(AccessRecords.open(join(folder, 'none')), {
      code: 'image-records-unusable',
      blame: 'operator',
    });
  });

  test('what others could change is not believed', async () => {
    const access = await AccessRecords.open(folder);
    await access.guard(repository, []);
    const [name = ''] = records();
    chmodSync(join(folder, 'images', name), 0o666);
    await assert.rejects(access.judge(repository, image, undefined), { code: 'file-unsafe' });
  });

  test('nor a folder that is open to others', async () => {
    mkdirSync(join(folder, 'images'));
    chmodSync(join(folder, 'images'), 0o777);
    await assert.rejects(AccessRecords.open(folder), { code: 'file-unsafe' });
  });
});

suite('is forgotten', () => {
  const week = 7 * 24 * 3600;
  const forget = async (access: AccessRecords, ...inStore: string[]) => access.forget(new Set(inStore), Date.now());
  const age = (seconds: number) => {
    const at = Date.now() / 1000 - seconds;
    for (const name of records()) utimesSync(join(folder, 'images', name), at, at);
  };

  test('only a week after the last pull, and when no image is left', async () => {
    const access = await AccessRecords.open(folder);
    await access.guard(repository, []);
    await access.guard('registry.example.com/kept', []);
    age(week - 60);
    assert.equal(await forget(access), 0);
    age(week + 60);
    assert.equal(await forget(access, repository, 'registry.example.com/kept'), 0);
    const torn = join(folder, 'images/.0123456789abcdef');
    writeFileSync(torn, '{');
    utimesSync(torn, 0, 0);
    assert.equal(await forget(access, 'registry.example.com/kept'), 1);
    assert.equal(records().length, 1);
    assert.ok(existsSync(join(folder, 'images/key')), 'the key stays');
    assert.ok(!existsSync(torn), 'what a dead process left goes');
    assert.equal(await access.judge(repository, image, undefined), 'preloaded');
  });
});
