import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { mergeCustom } from '../../src/runner/config-toml.ts';
import { gitlabRunner } from './build.ts';

/** As "gitlab-runner register" writes it. Nobody listens at this address. */
const registered = `concurrent = 1
shutdown_timeout = 0

[[runners]]
  name = "a"
  url = "http://127.0.0.1:9"
  id = 1
  token = "glrt-x"
  executor = "custom"
  [runners.custom]
    run_exec = ""
  [runners.cache]
    MaxUploadedArchiveSize = 0
`;

test('a real GitLab Runner reads every key that init --merge writes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-merged-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'config.toml');
  writeFileSync(config, mergeCustom(registered, { program: '/opt/bulkhead/bin/bulkhead' }).text, { mode: 0o600 });
  const command = ['--debug', 'run', '--config', config, '--working-directory', folder];
  const running = execa(await gitlabRunner(), command, { stdin: 'ignore', all: true, reject: false });
  // It says all of its configuration, then asks for jobs.
  for await (const line of running.iterable({ from: 'all' }))
    if (line.includes('Checking for jobs')) running.kill('SIGQUIT');
  const said = String((await running).all);
  for (const setting of [
    'shutdowntimeout: 80',
    'buildsdir: /builds',
    'cachedir: /cache',
    '- CI_DISPOSABLE_ENVIRONMENT=true',
    'configexec: /opt/bulkhead/bin/bulkhead',
    'prepareexec: /opt/bulkhead/bin/bulkhead',
    'runexec: /opt/bulkhead/bin/bulkhead',
    'cleanupexec: /opt/bulkhead/bin/bulkhead',
    'configexectimeout: 120',
    'prepareexectimeout: 1800',
    'cleanupexectimeout: 300',
    'gracefulkilltimeout: 60',
    'forcekilltimeout: 10',
  ]) {
    assert.match(said, new RegExp(`^\\s*${setting}$`, 'm'));
  }
});
