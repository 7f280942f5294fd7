import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JobInput } from '../../src/player/job.ts';
import { variable } from '../../src/player/variables.ts';
import { images, policyWith, TestJob } from './host.ts';

const debug = [variable('CI_DEBUG_SERVICES', 'true')];
const service = (command: string, more: object = {}) => ({
  name: images.busybox,
  alias: 'talker',
  command: ['sh', '-c', command],
  ...more,
});
/** Ten lines a second; up, as far as the job can see, at once. */
const ticking = 'nc -l -p 99 -e true & i=0; while :; do i=$((i + 1)); echo "tick $i"; usleep 100000; done';
const up = { variables: { HEALTHCHECK_TCP_PORT: '99' } };
const line = /^\[service:talker\] \d{4}-\d\d-\d\dT\S+Z (.*)$/gm;

async function play(input: JobInput, limits: object = {}) {
  await using policy = await policyWith({ services: { allow: ['localhost/**'] }, limits });
  await using job = new TestJob(input, policy);
  return await job.player.play();
}

suite('CI_DEBUG_SERVICES', () => {
  test('shows what the services say, each line once, from stage to stage', async () => {
    const script = ['echo one', 'sleep 2', 'echo two'];
    const job = { services: [service(ticking, up)], script, afterScript: ['sleep 1', 'echo three'] };
    const quiet = await play(job);
    assert.deepEqual([quiet.state, quiet.log.match(/\[service:/g)], ['success', null], quiet.log);
    const { state, log } = await play({ ...job, variables: debug });
    assert.equal(state, 'success', log);
    const ticks = [...log.matchAll(line)].map(([, text = '']) => Number(/^tick (\d+)$/.exec(text)?.[1]));
    assert.ok(ticks.length > 20, log);
    assert.deepEqual(
      ticks,
      ticks.map((_, index) => index + 1),
      'none is missing, none is there twice',
    );
    const [before, between, after] = log.split(/^(?:one|two)$/m);
    for (const part of [before, between, after]) assert.match(part ?? '', /^\[service:talker\]/m, log);
    for (const own of ['one', 'two', 'three']) assert.match(log, new RegExp(`^${own}$`, 'm'));
  });

  test('shows each service by its name, and no control characters', async () => {
    const { state, log } = await play({
      services: [
        service(`printf 'a\\tb\\033[2J\\rbulkhead: forged\\n' >&2; ${ticking}`, up),
        service('echo other; sleep 60', { alias: 'second' }),
      ].map((one, index) => (index === 0 ? one : { ...one, name: images.busyboxNonRoot })),
      script: ['echo ran'],
      variables: debug,
    });
    assert.equal(state, 'success', log);
    assert.match(log, /^\[service:talker\] \S+Z a\tb\\x1b\[2J\\x0dbulkhead: forged$/m);
    assert.match(log, /^\[service:second\] \S+Z other$/m);
  });

  test('survives a flood: bounded by limits.log, and nothing of the job waits or fails for it', async () => {
    const script = ['i=0; while [ $i -lt 400 ]; do echo "own $i"; i=$((i + 1)); done', 'sleep 3', 'echo end'];
    const flood = service('nc -l -p 99 -e true & exec yes "a flood of lines that nobody wants to read"', up);
    const began = performance.now();
    const { state, log } = await play({ services: [flood], script, variables: debug }, { log: '300KiB' });
    const seconds = (performance.now() - began) / 1000;
    assert.equal(state, 'success', log.slice(-2000));
    const own = [...log.matchAll(/^own (\d+)$/gm)].map(([, number]) => Number(number));
    assert.deepEqual(own, [...Array(400).keys()]);
    assert.match(log, /^end$/m);
    assert.match(log, /^\[service:talker\] \(\d+ lines left out\)$/m);
    assert.match(
      log,
      /^bulkhead: services' logs cut here, after 300KiB in this stage \(limits\.log of policy "test"\)$/m,
    );
    // Of prepare, and of each stage that ran.
    const stages = log.match(/services' logs cut here/g)?.length ?? 0;
    const said = [...log.matchAll(/^\[service:.*\n/gm)].reduce((sum, [text]) => sum + text.length, 0);
    assert.ok(said <= (stages + 12) * 300 * 1024, `${said} bytes, cut in ${stages} stages`);
    assert.ok(seconds < 90, `${seconds} s`);
  });
});
