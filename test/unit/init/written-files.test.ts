import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { emptyManifest, type Manifest, readManifest, writeManifest } from '../../../src/init/manifest.ts';
import { fileState, removeFile, writeFile } from '../../../src/init/written-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-written-'));
after(() => rmSync(root, { recursive: true }));
const path = '/etc/bulkhead/policy.json';
const file = (content: string) => ({ path, content, mode: 0o644 });

let manifest: Manifest;
let on: string;
beforeEach(() => {
  on = join(mkdtempSync(join(root, 'host-')), 'etc', 'policy.json');
  manifest = emptyManifest();
  writeFile(manifest, file('old'), on, () => {});
});

suite('a file whose replacing was stopped', () => {
  const stop = () => {
    throw new Error('stopped');
  };

  test('before the write is still known as our own, and replaced the next time', () => {
    for (const content of ['new', 'newer']) {
      assert.throws(() => writeFile(manifest, file(content), on, stop), /stopped/);
      assert.equal(readFileSync(on, 'utf8'), 'old');
      assert.equal(fileState(manifest, path, content, on), 'outdated');
    }
    assert.equal(
      writeFile(manifest, file('newest'), on, () => {}),
      'outdated',
    );
    assert.equal(readFileSync(on, 'utf8'), 'newest');
  });

  test('in the write, or after it, is still removed', () => {
    for (const content of ['old', 'new']) {
      assert.throws(() => writeFile(manifest, file('new'), on, stop), /stopped/);
      mkdirSync(join(on, '..'), { recursive: true });
      writeFileSync(on, content);
      const then = structuredClone(manifest);
      assert.ok(removeFile(then, path, on), content);
      assert.deepEqual(then, { ...emptyManifest(), folders: manifest.folders });
    }
  });

  test('is still somebody else’s when somebody else has changed it', () => {
    assert.throws(() => writeFile(manifest, file('new'), on, stop), /stopped/);
    writeFileSync(on, 'mine');
    assert.equal(fileState(manifest, path, 'new', on), 'foreign');
    assert.equal(removeFile(manifest, path, on), false);
  });
});

test('once a file is written, only what it is now is noted, and saved', () => {
  let saved: Manifest | undefined;
  writeFile(manifest, file('new'), on, () => {
    saved = structuredClone(manifest);
  });
  assert.deepEqual(saved, manifest);
  writeFileSync(on, 'old');
  assert.equal(fileState(manifest, path, 'new', on), 'foreign');
});

test('a record that knows of nothing unfinished is read as before, and kept whole', async () => {
  const record = join(root, 'init.json');
  const before = { schemaVersion: 1, folders: [], files: { [path]: 'hash' }, networks: {}, merges: [] };
  writeFileSync(record, JSON.stringify(before), { mode: 0o600 });
  const read = await readManifest(record);
  assert.deepEqual(read, { ...emptyManifest(), files: before.files });
  writeManifest(record, read ?? assert.fail());
  assert.deepEqual(await readManifest(record), read);
});
