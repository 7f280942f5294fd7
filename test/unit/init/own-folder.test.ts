import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { emptyManifest } from '../../../src/init/manifest.ts';
import { makeFolders, ownFolder } from '../../../src/init/written-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-written-files-'));
after(() => rmSync(root, { recursive: true }));

const caller = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
/** Only root can give folders away. */
const podman = caller.uid === 0 ? { uid: 4242, gid: 4343 } : caller;
const attributes = (path: string) => {
  const { uid, gid, mode } = statSync(path);
  return { uid, gid, mode: mode & 0o7777 };
};

test('a folder that was staged gets its owner and mode on the host, once', () => {
  const manifest = emptyManifest();
  const path = join(root, 'storage');
  makeFolders(manifest, path, path, 0o755, () => {});
  assert.equal(ownFolder(manifest, path, path, 0o700, podman), true);
  assert.deepEqual(attributes(path), { ...podman, mode: 0o700 });
  assert.equal(ownFolder(manifest, path, path, 0o700, podman), false);
});

test('what somebody else made keeps its owner and mode, and so does what is no folder', () => {
  const [foreign, link, file] = ['foreign', 'link', 'file'].map((name) => join(root, name)) as [string, string, string];
  makeFolders(emptyManifest(), foreign, foreign, 0o755, () => {});
  symlinkSync(foreign, link);
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  const manifest = { ...emptyManifest(), folders: [link, file] };
  for (const path of [foreign, link, file]) assert.equal(ownFolder(manifest, path, path, 0o700, podman), false, path);
  assert.deepEqual(attributes(foreign), { ...caller, mode: 0o755 });
  assert.deepEqual(attributes(file), { ...caller, mode: 0o644 });
});
