import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitForPodman } from '../../src/podman/client.ts';
import { askDns } from './ask-dns.ts';
import { configurationWith, images, killService, layout, podman, processesWith, TestJob } from './host.ts';

test('the Podman service killed in mid-script is a system failure, and cleanup still cleans', async () => {
  await using job = await TestJob.prepared();
  const script = await job.player.startRun('build_script', 'echo going; sleep 60');
  await script.outputs('going');
  killService();
  const result = await script.result;
  assert.equal(result.exitCode, 2, result.stdout.toString());
  assert.match(result.stdout.toString(), /\(podman-(connection-lost|unreachable): /);
  const cleanup = await job.player.stage('cleanup');
  assert.equal(cleanup.exitCode, 0, cleanup.stderr.toString());
  await job.assertNothingLeft();
});

test('a job goes on after the Podman service was restarted between two stages', async () => {
  await using job = await TestJob.prepared();
  await job.sh('echo kept > /builds/file', 'get_sources');
  killService();
  await waitForPodman(podman, 20_000);
  const result = await job.sh('cat /builds/file');
  assert.equal(result.stdout.toString(), 'kept\n', result.stdout.toString());
});

/** Podman's own pause process, which holds the user namespace; where it is written down depends on the version. */
function pauseProcesses(): number[] {
  return ['libpod/pause.pid', 'libpod/tmp/pause.pid']
    .map((path) => join(layout.runDir, path))
    .filter((path) => existsSync(path))
    .map((path) => Number(readFileSync(path, 'utf8')));
}

test('after everything was killed at once, as in a power cut, cleanup cleans and the next job runs', async (t) => {
  if (existsSync('/run/systemd/system')) return t.skip('systemd keeps the service here; a reboot empties its folders');
  await using job = await TestJob.prepared();
  const { containers } = await job.objects();
  const victims = new Set([...containers.flatMap((id) => processesWith(id)), ...pauseProcesses()]);
  assert.ok(victims.size >= 6, `two monitors, two gofers, two sandboxes: ${[...victims]}`);
  killService();
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  await waitForPodman(podman, 90_000);
  const cleanup = await job.player.stage('cleanup');
  assert.equal(cleanup.exitCode, 0, cleanup.stderr.toString());
  await job.assertNothingLeft();
  await using next = await TestJob.prepared({ image: images.python });
  // What Podman's DNS server was told of the dead must not stand in the way of the living.
  const found = await next.sh(askDns(`${next.name('build')}.dns.podman`));
  assert.equal(found.stdout.toString(), 'answers: 1\n');
});

test('without a socket every stage is a system failure that says so', async () => {
  await using elsewhere = await configurationWith({ socket: '/nonexistent/podman.sock' });
  const job = new TestJob({}, { env: { BULKHEAD_CONFIG: elsewhere.path } });
  await job.player.stage('config');
  for (const stage of ['prepare', 'cleanup'] as const) {
    const result = await job.player.stage(stage);
    assert.equal(result.exitCode, 2, stage);
    // What cleanup says is in the runner's own log, not in the job's.
    assert.match(result[stage === 'prepare' ? 'stdout' : 'stderr'].toString(), /\(podman-unreachable: /, stage);
  }
  const run = await job.sh('true');
  assert.equal(run.exitCode, 2);
  assert.match(run.stdout.toString(), /\(podman-unreachable: /);
  job.player.dispose();
});
