import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { podmanUser } from '../../setup/podman-user.ts';
import { configurationWith, layout, TestJob } from './host.ts';

test("the host's gitlab-runner is in the helper, read-only, and in no build sandbox", async () => {
  // What it is does not matter to the mount; Podman's user must be able to read it.
  const folder = join(layout.dataDir, 'test-tools');
  const content = '#!/bin/sh\necho "called with: $*"\n';
  const binary = join(folder, 'gitlab-runner');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  await writeFile(binary, content, { mode: 0o755 });
  // The case in which only the mount protects it.
  const { uid, gid } = podmanUser(layout);
  await chown(binary, uid, gid);
  try {
    await using configuration = await configurationWith({ gitlabRunner: binary });
    await using job = await TestJob.prepared({}, { env: { BULKHEAD_CONFIG: configuration.path } });
    const helper = await job.sh(
      'gitlab-runner --version; it=$(command -v gitlab-runner); echo x >> "$it"; true > "$it"',
      'restore_cache',
    );
    assert.match(helper.stdout.toString(), /^called with: --version\n/);
    assert.match(helper.stdout.toString(), /Read-only file system/);
    assert.equal(await readFile(binary, 'utf8'), content);
    assert.equal((await job.sh('command -v gitlab-runner')).exitCode, 1);
  } finally {
    await rm(binary);
  }
});

test('without one, the helper has none', async () => {
  await using configuration = await configurationWith({ gitlabRunner: undefined });
  await using job = await TestJob.prepared({}, { env: { BULKHEAD_CONFIG: configuration.path } });
  assert.equal((await job.sh('command -v gitlab-runner', 'restore_cache')).exitCode, 1);
});
