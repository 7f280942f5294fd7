import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { UserManager } from '../../../src/host/user-manager.ts';
import { oldSlicesOf } from '../../../src/orphans/slices.ts';

const day = 86_400 * 1e6;

/** A systemd that knows these slices, by when they became active: microseconds. */
function managerOf(slices: Readonly<Record<string, number>>): UserManager {
  return {
    state: 'available',
    uid: 1000,
    async run(_, command, ...args) {
      if (command === 'show') return `ActiveEnterTimestampMonotonic=${slices[args.at(-1) ?? ''] ?? 0}\n`;
      assert.deepEqual([command, args.at(-1)], ['list-units', 'bulkhead-job*.slice']);
      return Object.keys(slices)
        .map((name) => `  ${name} loaded active active A CI job of Bulkhead\n`)
        .join('');
    },
  };
}

suite('slices without a job', () => {
  test('are looked for among those of more than a day', async () => {
    const manager = managerOf({
      'bulkhead-job1_0123456789ab.slice': 5,
      'bulkhead-job2_0123456789ab.slice': 2 * day - 1,
      'bulkhead-jobcheck_12345678_abc.slice': 7,
      'bulkhead-job3_0123456789ab.slice': 0,
      // A service's goes with its job's.
      'bulkhead-job1_0123456789ab-service0.slice': 5,
    });
    assert.deepEqual(await oldSlicesOf(manager, 2 * day), ['1-0123456789ab', 'check-12345678-abc']);
  });

  test('are none where systemd has none', async () => {
    assert.deepEqual(await oldSlicesOf(managerOf({}), 2 * day), []);
  });
});
