import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { ProcessState } from '../../../src/host/process-identity.ts';
import { formatTime, judge } from '../../../src/orphans/verdict.ts';
import { claimed, deadline, made } from './samples.ts';

const unknown = (earlierBoot: boolean): ProcessState => ({ state: 'unknown', why: 'it hides', earlierBoot });
/** The identity says what has become of its process. */
const states: Readonly<Record<string, ProcessState>> = {
  '1:runs': { state: 'running' },
  '2:gone': { state: 'gone' },
  '3:hidden': unknown(false),
  '4:booted': unknown(true),
};
const processState = (identity: string) => states[identity] ?? unknown(false);
const now = made + 600;
const booted = made - 1000;
const around = { now, booted, olderThan: 0, processState };
const by = (runnerProcess: string) => claimed({ runnerProcess });

suite('a job', () => {
  for (const [what, objects, circumstances, reason] of [
    ['stays while its runner runs', [by('1:runs')], {}, 'runner-running'],
    ['is over when its runner is gone', [by('2:gone')], {}, 'runner-gone'],
    ['stays when one of its objects is of a runner that runs', [by('2:gone'), by('1:runs')], {}, 'runner-running'],
    ['stays when nobody can tell', [by('3:hidden')], {}, 'runner-unknown'],
    ['stays when nobody can tell of one object', [by('2:gone'), by('3:hidden')], {}, 'runner-unknown'],
    ['stays until its deadline', [by('1:runs')], { now: deadline }, 'runner-running'],
    ['is over after its deadline', [by('1:runs')], { now: deadline + 1 }, 'deadline-passed'],
    ['is over after its deadline, whoever ran it', [by('3:hidden')], { now: deadline + 1 }, 'deadline-passed'],
    [
      'has the latest deadline of its objects',
      [by('1:runs'), claimed({ runnerProcess: '1:runs', deadline: deadline + 100 })],
      { now: deadline + 50 },
      'runner-running',
    ],
    ['stays when it is young', [by('2:gone')], { olderThan: 600 }, 'too-young'],
    ['is over when it is old enough', [by('2:gone')], { olderThan: 599 }, 'runner-gone'],
    ['stays when it is young, deadline or not', [by('2:gone')], { now: deadline + 1, olderThan: 9000 }, 'too-young'],
    [
      'is as young as its youngest object',
      [by('2:gone'), claimed({ runnerProcess: '2:gone' }, { createdAt: now - 10 })],
      { olderThan: 60 },
      'too-young',
    ],
    [
      'may be young when Podman does not tell',
      [claimed({ runnerProcess: '2:gone' }, { createdAt: undefined })],
      { olderThan: 1 },
      'too-young',
    ],
    ['of another machine stays', [by('4:booted')], {}, 'runner-unknown'],
    ['is over when it is from before the boot', [by('4:booted')], { booted: made + 1 }, 'host-rebooted'],
    ['is not from before the boot when the boot was then', [by('3:hidden')], { booted: made + 1 }, 'runner-unknown'],
    [
      'cannot be from before the boot when a sandbox of it runs',
      [by('4:booted'), claimed({ runnerProcess: '4:booted' }, { running: true })],
      { booted: made + 1 },
      'runner-unknown',
    ],
    [
      'is not from before the boot when one of its objects is not',
      [by('4:booted'), claimed({ runnerProcess: '4:booted' }, { createdAt: made + 2 })],
      { booted: made + 1 },
      'runner-unknown',
    ],
    [
      'may be from after the boot when Podman does not tell',
      [claimed({ runnerProcess: '4:booted' }, { createdAt: undefined })],
      { booted: made + 1 },
      'runner-unknown',
    ],
  ] as const) {
    test(what, () => {
      const verdict = judge(objects, { ...around, ...circumstances });
      assert.equal(verdict.reason, reason, verdict.text);
      assert.equal(verdict.orphan, ['runner-gone', 'deadline-passed', 'host-rebooted'].includes(reason));
    });
  }

  test('says why in words', () => {
    assert.equal(judge([by('2:gone')], around).text, 'its runner process 2 is gone');
    assert.match(
      judge([by('2:gone')], { ...around, now: deadline + 1 }).text,
      /^its deadline passed 2027-01-15T10:00:00Z$/,
    );
    assert.match(judge([by('3:hidden')], around).text, /it hides; its deadline is 2027-/);
  });

  test('is never over before its deadline while a runner of it may live', () => {
    const object = fc
      .record({
        runnerProcess: fc.constantFrom('1:runs', '2:gone', '3:hidden'),
        deadline: fc.integer({ min: deadline, max: deadline + 1000 }),
        createdAt: fc.option(fc.integer({ min: made - 2000, max: made }), { nil: undefined }),
        running: fc.boolean(),
      })
      .map(({ createdAt, running, ...claim }) => claimed(claim, { createdAt, running }));
    const circumstances = fc.record({
      now: fc.integer({ min: made, max: deadline + 1100 }),
      booted: fc.integer({ min: made - 3000, max: made + 3000 }),
      olderThan: fc.constantFrom(0, 1, 600, 10_000),
    });
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 6 }), circumstances, (objects, other) => {
        const verdict = judge(objects, { ...other, processState });
        const mayLive = objects.some(({ runnerProcess }) => runnerProcess !== '2:gone');
        const latest = Math.max(...objects.map((one) => one.deadline));
        if (mayLive && other.now <= latest) assert.ok(!verdict.orphan, verdict.text);
        if (!mayLive && other.olderThan === 0) assert.ok(verdict.orphan, verdict.text);
        // Nothing that is added to a job makes an orphan of it sooner.
        const more = judge([...objects, claimed({ runnerProcess: '1:runs', deadline: 9e9 })], {
          ...other,
          processState,
        });
        assert.ok(!more.orphan);
      }),
    );
  });
});

test('a time that no calendar has can be said', () => {
  assert.equal(formatTime(made), '2027-01-15T08:00:00Z');
  assert.equal(formatTime(999_999_999_999_999), 'in the far future');
});
