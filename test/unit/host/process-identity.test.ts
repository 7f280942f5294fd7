import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootedMs, processIdentity, processPlace, processState } from '../../../src/host/process-identity.ts';
import { needsLinux } from '../needs-linux.ts';
import { children, folder, gone, sleeper } from './children.ts';

const ticksSinceBoot = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100;

suite('the identity of a process', () => {
  test('is the same whenever one asks', async () => {
    assert.equal(await processIdentity(process.pid), await processIdentity(process.pid));
    assert.match(await processIdentity(process.pid), new RegExp(`^${process.pid}:[0-9]+@${processPlace()}$`));
  });

  // The name stands in parentheses before the fields, and may itself look like fields.
  for (const name of ['plain', 'two words', 'par(en)theses', ') R 1 1 1', '((', '))', 'a) S (b']) {
    test(`tells when it started, though its name is "${name}"`, async () => {
      const before = ticksSinceBoot();
      const pid = await sleeper(name);
      const after = ticksSinceBoot();
      const [first, start] = (await processIdentity(pid)).split(/[:@]/).map(Number);
      assert.equal(first, pid);
      assert.ok(start !== undefined && start >= before - 10 && start <= after + 10, `${before} ≤ ${start} ≤ ${after}`);
    });
  }

  test('of one that is gone is not known', async () => {
    await assert.rejects(processIdentity(await gone()), { code: 'ENOENT' });
  });
});

/** Runs text that sees `process-identity.ts` as `p` in a process of its own, and returns what it prints. */
function elsewhere(before: readonly string[], text: string): string {
  const module = join(import.meta.dirname, '../../../src/host/process-identity.ts');
  const [program = '', ...args] = [
    ...before,
    process.execPath,
    '--input-type=module',
    '--eval',
    `import * as p from ${JSON.stringify(module)}; console.log(${text});`,
  ];
  // As GitLab Runner starts a stage: in a process group of its own.
  const options = { encoding: 'utf8', detached: true } as const;
  const { stdout, stderr, status } = spawnSync(program, args, options);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

suite('the place of a process', () => {
  test('is a boot, a pid namespace and a time namespace', () => {
    assert.match(processPlace() ?? '', /^[0-9a-f-]{36}\/\d+\/\d+$/);
    assert.equal(elsewhere([], 'p.processPlace()'), processPlace());
  });

  test('is another in another pid namespace', { skip: needsLinux }, () => {
    const inside = elsewhere(['unshare', ...asUser, '--pid', '--fork', '--mount-proc'], 'p.processPlace()');
    const [boot, pids] = inside.split('/');
    const [ourBoot, ourPids] = processPlace()?.split('/') ?? [];
    assert.equal(boot, ourBoot);
    assert.notEqual(pids, ourPids);
  });

  test('is none where /proc is that of another pid namespace', { skip: needsLinux }, () => {
    assert.equal(elsewhere(['unshare', ...asUser, '--pid', '--fork'], 'p.processPlace()'), 'undefined');
  });

  test('is none without a boot id', () => {
    const proc = join(folder, 'proc');
    mkdirSync(proc);
    symlinkSync(String(process.pid), join(proc, 'self'));
    assert.equal(processPlace(proc), undefined);
  });
});

const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

suite('the state of a process', () => {
  const own = () => processIdentity(process.pid);

  test('is running while it runs, also for who is not its user', async () => {
    assert.deepEqual(processState(await own()), { state: 'running' });
    assert.deepEqual(processState(await processIdentity(1)), { state: 'running' });
  });

  test('is gone when it has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const identity = await processIdentity(child.pid ?? 0);
    assert.deepEqual(processState(identity), { state: 'running' });
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.deepEqual(processState(identity), { state: 'gone' });
  });

  test('is gone when nobody has fetched its exit code', async () => {
    // The shell becomes a program that knows nothing of its child.
    const child = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const [pid] = await once(child.stdout, 'data');
    const identity = await processIdentity(Number(String(pid)));
    assert.deepEqual(processState(identity), { state: 'running' });
    const status = () => readFileSync(`/proc/${Number(String(pid))}/stat`, 'utf8');
    while (!/\) Z /.test(status())) await sleep(20);
    assert.deepEqual(processState(identity), { state: 'gone' });
  });

  test('is gone when another process has its pid', async () => {
    const [pid, start, place] = (await own()).split(/[:@]/);
    assert.deepEqual(processState(`${pid}:${Number(start) - 1}@${place}`), { state: 'gone' });
  });

  for (const [what, change, earlierBoot] of [
    ['another boot', (place: string) => place.replace(/^[0-9a-f]{8}/, '00000000'), true],
    ['another pid namespace', (place: string) => place.replace(/\/\d+\//, '/1/'), false],
    ['another time namespace', (place: string) => place.replace(/\d+$/, '1'), false],
  ] as const) {
    test(`is unknown in ${what}, though no such process is here`, { skip: needsLinux }, async () => {
      const seen = processState(`${await gone()}:1@${change(processPlace() ?? '')}`);
      assert.equal(seen.state, 'unknown');
      assert.equal(seen.state === 'unknown' && seen.earlierBoot, earlierBoot);
    });
  }

  test('is unknown when the identity is none, or does not say where', () => {
    const place = processPlace();
    const others = ['', 'unknown', '1:1', `0:1@${place}`, `-1:1@${place}`, `1e3:1@${place}`, `99999999999:1@${place}`];
    for (const identity of [...others, `1@${place}`, ` 1:1@${place}`, `1:1@${place}\n`, `1:1@${place}/1`]) {
      assert.equal(processState(identity).state, 'unknown', JSON.stringify(identity));
    }
  });

  test('is unknown from a pid namespace where it cannot be seen', { skip: needsLinux }, async () => {
    const identity = await own();
    const asked = `p.processState(${JSON.stringify(identity)}).state`;
    assert.equal(elsewhere(['unshare', ...asUser, '--pid', '--fork', '--mount-proc'], asked), 'unknown');
    assert.equal(elsewhere(['unshare', ...asUser, '--pid', '--fork'], asked), 'unknown');
    assert.equal(elsewhere([], asked), 'running');
  });

  test('is not gone where /proc hides the processes of others', {
    skip: process.getuid?.() !== 0 ? 'needs root' : needsLinux,
  }, async () => {
    const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', 'sh'];
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const state = (identity: string) =>
      elsewhere([...hidden, ...asNobody], `p.processState(${JSON.stringify(identity)}).state`);
    assert.equal(state(await own()), 'unknown');
    const [, start, place] = (await own()).split(/[:@]/);
    assert.equal(state(`${await gone()}:${start}@${place}`), 'gone');
  });
});

suite('GitLab Runner', () => {
  const file = join(folder, 'response.json');
  /** What a stage says whose runner is this process. */
  const seenBehind = (wrapper: readonly string[], written = new Date()): string => {
    writeFileSync(file, '{}');
    utimesSync(file, written, written);
    return elsewhere(wrapper, `await p.runnerIdentity(${JSON.stringify(file)})`);
  };
  const script = ['sh', '-c', '"$@"; exit $?', 'sh'];

  for (const [what, wrapper] of [
    ['nothing', []],
    ['a script', script],
    ['a script in a script', [...script, ...script]],
    ['a session of its own, as su makes one', [...script, 'setsid', '--fork', '--wait', ...script]],
  ] as const) {
    test(`is known behind ${what}`, async () => {
      assert.equal(seenBehind(wrapper), await processIdentity(process.pid));
    });
  }

  test('is known when it found a job waiting at its start', async () => {
    const [, start] = (await processIdentity(process.pid)).split(/[:@]/).map(Number);
    const started = bootedMs() + (start ?? 0) * 10;
    assert.equal(seenBehind([], new Date(started + 35)), await processIdentity(process.pid));
  });

  test('is known behind a script, though the clock was set back', async () => {
    assert.equal(seenBehind(script, new Date(Date.now() + 3_600_000)), await processIdentity(process.pid));
  });

  test('is not known from within another pid namespace, or without a description of the job', {
    skip: needsLinux,
  }, () => {
    assert.equal(seenBehind(['unshare', ...asUser, '--pid', '--fork', '--mount-proc']), 'unknown');
    assert.equal(elsewhere([], "await p.runnerIdentity('/nonexistent')"), 'unknown');
  });
});
