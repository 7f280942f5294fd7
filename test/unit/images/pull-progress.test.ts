import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSeconds, PullProgress } from '../../../src/images/pull-progress.ts';

const MiB = 1024 * 1024;
const bytes = (id: string, current: number) => ({ kind: 'bytes', id, current, total: 0 }) as const;
const layer = (id: string, state: 'found' | 'present' | 'done') => ({ kind: 'layer', id, state }) as const;

test('says how much, how fast and how long', () => {
  const progress = new PullProgress(0);
  assert.equal(progress.line(10_000), 'nothing yet, no new bytes for 10 s, 10 s');
  progress.add(layer('a', 'found'), 10_000);
  progress.add(bytes('a', 5 * MiB), 11_000);
  progress.add(bytes('b', 5 * MiB), 12_000);
  assert.equal(progress.line(20_000), '10MiB so far, 1MiB/s, 20 s');
  progress.add(bytes('a', 25 * MiB), 29_000);
  progress.add(layer('a', 'done'), 29_500);
  assert.equal(progress.line(30_000), '30MiB so far, 1 part done, 2MiB/s, 30 s');
  progress.add(layer('b', 'done'), 31_000);
  assert.equal(progress.line(40_000), '30MiB so far, 2 parts done, no new bytes for 11 s, 40 s');
});

test('a layer that begins again does not count twice', () => {
  const progress = new PullProgress(0);
  progress.add(bytes('a', 9 * MiB), 1000);
  progress.line(1000);
  progress.add(bytes('a', 1 * MiB), 2000);
  assert.equal(progress.bytes, MiB);
  assert.match(progress.line(2000), /^1MiB so far, no new bytes for 1.0 s/);
});

test('its end is known by what the last line named', () => {
  const progress = new PullProgress(0);
  assert.equal(progress.lastId, undefined);
  progress.add(layer('a', 'done'), 1);
  assert.equal(progress.lastId, 'a');
  for (const event of [bytes('a', 1), layer('a', 'found'), layer('a', 'present'), { kind: 'other' }] as const) {
    progress.add(layer('a', 'done'), 1);
    progress.add(event, 1);
    assert.equal(progress.lastId, undefined, event.kind);
  }
});

test('a manifest of countless layers takes no memory', () => {
  const progress = new PullProgress(0);
  for (let i = 0; i < 5000; i++) progress.add(bytes(`${i}`, 1), 1);
  assert.equal(progress.bytes, 1000);
});

test('time in words', () => {
  assert.deepEqual([0, 40, 949, 9949, 9950, 61_000].map(describeSeconds), [
    '0.0 s',
    '0.0 s',
    '0.9 s',
    '9.9 s',
    '10 s',
    '61 s',
  ]);
});
