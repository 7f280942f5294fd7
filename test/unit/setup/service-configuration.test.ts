import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hostLayout } from '../../../setup/layout.ts';
import type { PodmanUser } from '../../../setup/podman-user.ts';
import { copyShipped, driverFolders, makeFolders } from '../../../setup/service-configuration.ts';
import { listTrustedFolder } from '../../../src/host/trusted-file.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'bulkhead-setup-'));
after(() => rmSync(dataDir, { recursive: true }));
const layout = { ...hostLayout(), dataDir, runDir: join(dataDir, 'run') };
const { uid, gid } = userInfo();
const repository = join(import.meta.dirname, '../../..');
const mode = (path: string) => statSync(path).mode & 0o777;

test('the driver gets its folders: others read policies and profiles, and nothing of the receipts', async () => {
  // Folders that were made under another umask are put right.
  const before = process.umask(0o002);
  makeFolders(layout, { uid, gid } as PodmanUser);
  process.umask(before);
  const { policies, seccompProfiles, stateFolder } = driverFolders(layout);
  assert.deepEqual([policies, seccompProfiles, stateFolder].map(mode), [0o755, 0o755, 0o700]);
  for (const folder of [policies, seccompProfiles, stateFolder]) {
    assert.equal(statSync(folder).uid, uid);
    assert.deepEqual(await listTrustedFolder(folder), []);
  }
});

test('policies and profiles are the shipped ones; what somebody else put there stays', () => {
  const { policies, seccompProfiles } = driverFolders(layout);
  writeFileSync(join(policies, 'own.json'), 'own');
  writeFileSync(join(seccompProfiles, 'own.json'), 'own');
  writeFileSync(join(seccompProfiles, 'baseline.json'), 'outdated');
  copyShipped(layout);
  for (const [from, to] of [
    ['policies', policies],
    ['seccomp', seccompProfiles],
  ] as const) {
    const shipped = readdirSync(join(repository, from)).filter((name) => name.endsWith('.json'));
    const copied = shipped.filter((name) => !name.endsWith('.test.json'));
    assert.deepEqual(readdirSync(to).sort(), [...copied, 'own.json'].sort());
    for (const name of copied) {
      assert.deepEqual(readFileSync(join(to, name)), readFileSync(join(repository, from, name)));
      assert.equal(mode(join(to, name)), 0o644);
    }
    assert.equal(readFileSync(join(to, 'own.json'), 'utf8'), 'own');
  }
});
