import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOwnGroup } from '../../../src/host/own-group.ts';

type Ended = Awaited<Parameters<typeof inOwnGroup>[0] extends () => Promise<infer T> ? T : never>;

async function startsOf(...ends: readonly Ended[]): Promise<number> {
  let starts = 0;
  const last = ends.at(-1) ?? {};
  await inOwnGroup(async () => ends[starts++] ?? last);
  return starts;
}

test('a program that the signal for the stage met before it had its own group is started again', async () => {
  assert.equal(await startsOf({ signal: 'SIGTERM' }, { signal: 'SIGHUP' }, { signal: null }), 3);
});

test('what ended otherwise has ended', async () => {
  assert.equal(await startsOf({ signal: null }), 1);
  assert.equal(await startsOf({}), 1);
  assert.equal(await startsOf({ signal: 'SIGKILL' }), 1);
  assert.equal(await startsOf({ signal: 'SIGTERM', timedOut: true }), 1);
  assert.equal(await startsOf({ signal: 'SIGTERM', isMaxBuffer: true }), 1);
});

test('somebody who wants the program to end has his way', async () => {
  assert.equal(await startsOf({ signal: 'SIGTERM' }), 10);
});
