import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Bundle } from '../../../src/guarantees/bundle.ts';
import {
  judgeDisk,
  observeDiskLimit,
  type Sighting,
  type WritableGround,
} from '../../../src/guarantees/limits-disk.ts';
import { needsLinux } from '../needs-linux.ts';

const GiB = 1024 ** 3;
const memory = { target: '/builds', tmpfs: true, bytes: GiB };
const shm = { target: '/dev/shm', tmpfs: true, bytes: 65_536_000 };
const closed: WritableGround = { readOnlyRoot: true, mounts: [memory, shm] };

suite('limits.disk', () => {
  test('is proven when nothing but memory with a bound can be written', () => {
    assert.deepEqual(judgeDisk([closed, closed], GiB), {
      state: 'proven',
      evidence: 'root filesystems read-only, builds volume a tmpfs of 1GiB',
    });
    assert.equal(judgeDisk([closed], GiB + 4095).state, 'proven', 'rounded down to whole pages');
  });

  for (const [what, ground, names] of [
    ['a writable root', { ...closed, readOnlyRoot: false }, '/'],
    ['a builds volume on disk', { ...closed, mounts: [{ ...memory, tmpfs: false }] }, '/builds'],
    [
      'a cache on disk beside it',
      { ...closed, mounts: [memory, { target: '/cache', tmpfs: false, bytes: GiB }] },
      '/cache',
    ],
    [
      'a file of the host',
      { readOnlyRoot: false, mounts: [memory, { target: '/etc/hosts', tmpfs: false, bytes: 1 }] },
      '/, /etc/hosts',
    ],
  ] as const) {
    test(`is unavailable with ${what}, in one sandbox of several`, () => {
      const observation = judgeDisk([closed, ground], GiB);
      assert.equal(observation.state, 'unavailable');
      assert.match(
        JSON.stringify(observation),
        new RegExp(`nothing but a watcher bounds ${names}: it looks every 1 s`),
      );
    });
  }

  for (const [what, grounds] of [
    ['a bigger builds volume than demanded', [{ ...closed, mounts: [{ ...memory, bytes: GiB + 4096 }] }]],
    ['one without any bound', [{ ...closed, mounts: [{ ...memory, bytes: 0 }] }]],
    ['no builds volume', [{ readOnlyRoot: true, mounts: [] }]],
    ['no sandbox', []],
  ] as const) {
    test(`is violated by ${what}`, () => assert.equal(judgeDisk(grounds, GiB).state, 'violated'));
  }

  test('is unavailable when the policy demands none, or nothing can be seen', async () => {
    assert.equal((await observeDiskLimit([], null)).state, 'unavailable');
    const container = { pid: process.pid } as Sighting['container'];
    assert.equal((await observeDiskLimit([{ container, bundle: { unseen: 'closed' } }], GiB)).state, 'unavailable');
    const seen = bundle([{ destination: '/builds', type: 'bind', source: '/no/such/folder' }]);
    assert.equal((await observeDiskLimit([{ container, bundle: { seen } }], GiB)).state, 'unavailable');
  });

  test('looks at the mounts that are written to, and at what is really behind them', { skip: needsLinux }, async () => {
    const container = { pid: process.pid } as Sighting['container'];
    const seen = bundle([
      { destination: '/builds', type: 'bind', source: '/', options: ['rw', 'rbind'] },
      { destination: '/bulkhead', type: 'bind', source: '/no/such/folder', options: ['ro', 'rbind'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['rw'] },
    ]);
    const observation = await observeDiskLimit([{ container, bundle: { seen } }], 1);
    assert.match(JSON.stringify(observation), /bounds \/builds: |has room for/);
  });
});

function bundle(mounts: Bundle['mounts']): Bundle {
  return {
    process: { user: { uid: 0, gid: 0 } },
    root: { path: '/', readonly: true },
    mounts,
    annotations: {},
    hooks: {},
    linux: { devices: [] },
  };
}
