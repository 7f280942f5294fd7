import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

const script = join(import.meta.dirname, '../../../setup/supervisor.sh');
type Supervisor = ReturnType<typeof start>;
let folder = '';
let running: Supervisor[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-supervisor-'));
  running = [];
  // Stands in for Podman's service: what is tested is who starts it again, not what it serves.
  writeFileSync(join(folder, 'podman'), '#!/bin/sh\necho "$*"\nexec sleep 1000\n', { mode: 0o755 });
});

afterEach(async () => {
  for (const supervisor of running) supervisor.kill('SIGTERM');
  await Promise.allSettled(running);
  rmSync(folder, { recursive: true, force: true });
});

function supervise(): Supervisor {
  const supervisor = start();
  running.push(supervisor);
  return supervisor;
}

function start() {
  const env = { PATH: `${folder}:${process.env['PATH']}` };
  return execa('sh', [script, folder, join(folder, 'socket'), join(folder, 'log')], { env, reject: false });
}

async function servicePid(other?: number): Promise<number> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await sleep(20)) {
    const file = join(folder, 'service.pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (pid > 0 && pid !== other) return pid;
  }
  throw new Error('no service was started');
}

async function logged(text: RegExp): Promise<void> {
  const log = () => readFileSync(join(folder, 'log'), 'utf8');
  for (const deadline = Date.now() + 5_000; Date.now() < deadline && !text.test(log()); ) await sleep(20);
  assert.match(log(), text);
}

const lives = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('a service that was killed is started again', async () => {
  void supervise();
  const first = await servicePid();
  process.kill(first, 'SIGKILL');
  const second = await servicePid(first);
  assert.ok(lives(second));
  // The first may have been killed before it said anything.
  await logged(/service ended with 137[\s\S]*system service --time=0 unix:\/\/.*\/socket\n/);
});

test('a service that cannot start is helped as Podman advises; one that was killed is not', async (t) => {
  const podman = [
    '#!/bin/sh',
    `cd ${folder}`,
    'if [ "$*" = "system migrate" ]; then echo "$*"; touch migrated; exit; fi',
    '[ -e migrated ] || exit 125',
    'echo started; exec sleep 1000',
  ];
  writeFileSync(join(folder, 'podman'), podman.join('\n'), { mode: 0o755 });
  const names = join(folder, 'containers/networks/aardvark-dns');
  mkdirSync(names, { recursive: true });
  for (const name of ['aardvark.pid', 'network-of-the-dead']) writeFileSync(join(names, name), '');
  // As Podman calls it. Another service's is none of ours.
  const dns = (run: string) =>
    spawn('sh', ['-c', 'read line', 'sh', '--config', join(run, 'containers/networks/aardvark-dns'), 'run'], {
      argv0: '/usr/lib/podman/aardvark-dns',
    });
  const [outlived, foreign] = [dns(folder), dns('/run/another')];
  t.after(() => [outlived, foreign].forEach((child) => void child.kill()));
  void supervise();
  const log = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '');
  for (const deadline = Date.now() + 5_000; Date.now() < deadline && !log().includes('started'); ) await sleep(20);
  assert.match(log(), /service ended with 125.*\nsystem migrate\nstarted\n/);
  assert.deepEqual(readdirSync(names), [], 'names of dead containers are forgotten');
  const [, signal] = outlived.signalCode
    ? [0, outlived.signalCode]
    : await once(outlived, 'exit', { signal: AbortSignal.timeout(5_000) });
  assert.equal(signal, 'SIGKILL', 'the DNS server of a network that is gone');
  assert.equal(foreign.signalCode, null);
  const pid = await servicePid();
  process.kill(pid, 'SIGKILL');
  await servicePid(pid);
  assert.equal(log().match(/system migrate/g)?.length, 1);
});

test('a second supervisor of the same socket leaves at once', async () => {
  void supervise();
  const pid = await servicePid();
  const second = await supervise();
  assert.equal(second.exitCode, 0);
  assert.equal(await servicePid(), pid);
});

test('SIGTERM ends the service too and leaves no record', async () => {
  const supervisor = supervise();
  const pid = await servicePid();
  supervisor.kill('SIGTERM');
  await supervisor;
  assert.equal(lives(pid), false);
  assert.equal(existsSync(join(folder, 'supervisor.pid')), false);
});

test('SIGTERM at once after the start ends the service, too', async () => {
  for (let round = 0; round < 12; round++) {
    const record = join(folder, 'service.pid');
    const supervisor = supervise();
    // Without a pause: a child that was only just forked may miss a signal.
    while (!existsSync(record) || readFileSync(record, 'utf8') === '') await setImmediate();
    const pid = Number(readFileSync(record, 'utf8'));
    supervisor.kill('SIGTERM');
    const { exitCode } = await supervisor;
    assert.deepEqual([exitCode, lives(pid)], [0, false], `round ${round}`);
  }
});

test('a long log is cut when the service is started again', async () => {
  writeFileSync(join(folder, 'log'), 'x'.repeat(2_000_000));
  void supervise();
  const first = await servicePid();
  process.kill(first, 'SIGKILL');
  await servicePid(first);
  assert.ok(readFileSync(join(folder, 'log')).length < 10_000);
  assert.equal(readFileSync(join(folder, 'log.1')).length, 524_288);
});
