import assert from 'node:assert/strict';

import { test } from 'node:test';
import { execa } from 'execa';
import { SYSTEMD_RUN } from '../../../src/host-setup/systemd-run.ts';

const run = (...args: string[]) => execa('sh', ['-c', SYSTEMD_RUN, 'systemd-run', ...args], { reject: false });

test('what was to get a scope of its own is run as it is, with its own options and exit code', async () => {
  const { stdout } = await run('-q', '--scope', '--user', 'echo', '-n', '--user', 'a b');
  assert.equal(stdout, '--user a b');
  assert.equal((await run('--scope', 'sh', '-c', 'exit 7')).exitCode, 7);
});

test('everything else is left to systemd', async () => {
  // Says its version where systemd is installed; there is no such program elsewhere. Ours would look for a command.
  const { exitCode, stdout } = await run('--version');
  if (exitCode === 0) assert.match(stdout, /^systemd \d/);
  else assert.ok([126, 127].includes(exitCode ?? 0), `exit code ${exitCode}`);
});
