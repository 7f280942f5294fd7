import assert from 'node:assert/strict';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationWith, layout, TestJob } from './host.ts';

test("the host's gitlab-runner is in the helper, read-only, and in no build sandbox", async () => {
  // What it is does not matter to the mount; Podman's user must be able to read it.
  const folder = join(layout.dataDir, 'test-tools');
  const binary = join(folder, 'gitlab-runner');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  await writeFile(binary, '#!/bin/sh\necho "called with: $*"\n', { mode: 0o755 });
  try {
    await using configuration = await configurationWith({ gitlabRunner: binary });
    await using job = await TestJob.prepared({}, { env: { BULKHEAD_CONFIG: configuration.path } });
    const helper = await job.sh('gitlab-runner --version; echo x >> "$(command -v gitlab-runner)"', 'restore_cache');
    assert.match(helper.stdout.toString(), /^called with: --version\n$/);
    assert.match(helper.stderr.toString(), /Read-only file system/);
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
