import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskWatch, watchDisk } from '../../../src/host/disk-watch.ts';

/** A watch on a disk that the test makes up. */
function pretend(disk: { held: number; taken: number; measureMs?: number; broken?: boolean }, limit: number) {
  const seen = { measured: 0, glanced: 0, exceeded: [] as number[], blind: [] as string[] };
  const watch: DiskWatch = {
    limit,
    measure: async () => {
      seen.measured++;
      await sleep(disk.measureMs ?? 0);
      if (disk.broken) throw new Error('no such process');
      return disk.held;
    },
    glance: async () => {
      seen.glanced++;
      return disk.taken;
    },
    onExceeded: (bytes) => seen.exceeded.push(bytes),
    onBlind: ({ message }) => seen.blind.push(message),
  };
  return { seen, stop: watchDisk(watch) };
}

suite('the watch on the disk', { concurrency: true }, () => {
  test('costs a short stage nothing', async () => {
    const { seen, stop } = pretend({ held: 2, taken: 0 }, 1);
    await sleep(100);
    await stop();
    assert.deepEqual(seen, { measured: 0, glanced: 0, exceeded: [], blind: [] });
  });

  test('measures early, and then only glances while nothing fills', async () => {
    const { seen, stop } = pretend({ held: 1, taken: 100 }, 1000);
    await sleep(3800);
    await stop();
    assert.equal(seen.measured, 1);
    assert.ok(seen.glanced >= 3, `${seen.glanced}`);
    assert.deepEqual(seen.exceeded, []);
  });

  test('measures again when the filesystem fills, and calls once', async () => {
    const disk = { held: 1, taken: 100 };
    const { seen, stop } = pretend(disk, 1000);
    await sleep(900);
    disk.held = 1500;
    disk.taken = 1600;
    await sleep(1500);
    disk.held = 2500;
    disk.taken = 2600;
    await sleep(1500);
    await stop();
    assert.deepEqual(seen.exceeded, [1500]);
  });

  test('looks once more at the end when the limit may have been passed since', async () => {
    const disk = { held: 1, taken: 100 };
    const { seen, stop } = pretend(disk, 1000);
    await sleep(900);
    disk.held = 1500;
    disk.taken = 1600;
    await stop();
    assert.deepEqual([seen.measured, seen.exceeded], [2, [1500]]);
  });

  test('does not look once more when it cannot have been', async () => {
    const disk = { held: 1, taken: 100 };
    const { seen, stop } = pretend(disk, 1000);
    await sleep(900);
    disk.taken = 1000;
    await stop();
    assert.equal(seen.measured, 1);
  });

  test('does not walk all the time, however the filesystem fills', async () => {
    const disk = { held: 1, taken: 0, measureMs: 700 };
    const { seen, stop } = pretend(disk, 1000);
    for (let i = 0; i < 40; i++) {
      await sleep(100);
      disk.taken += 1000;
    }
    await stop();
    assert.ok(seen.measured <= 3, `${seen.measured} times 700 ms in 4 s`);
  });

  test('says once that it cannot see, and goes on trying', async () => {
    const disk = { held: 5, taken: 0, broken: true };
    const { seen, stop } = pretend(disk, 1);
    await sleep(1800);
    disk.broken = false;
    await sleep(1500);
    await stop();
    assert.deepEqual(seen.blind, ['no such process']);
    assert.deepEqual(seen.exceeded, [5]);
  });
});
