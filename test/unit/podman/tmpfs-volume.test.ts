import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageSize, tmpfsVolumeOptions } from '../../../src/podman/tmpfs-volume.ts';

const GiB = 1024 ** 3;
const option = (o: string, name: string) => Number(new RegExp(`(?:^|,)${name}=(\\d+)(?:,|$)`).exec(o)?.[1]);

test('a volume in memory: blocks of a page, and a file for every 4 KiB', () => {
  assert.deepEqual(tmpfsVolumeOptions(2 * GiB, 4096), {
    type: 'tmpfs',
    device: 'tmpfs',
    o: 'nr_blocks=524288,nr_inodes=524288,mode=0777,nosuid,nodev',
  });
  assert.match(tmpfsVolumeOptions(2 * GiB, 65_536).o, /^nr_blocks=32768,nr_inodes=524288,/);
});

test('never more than asked for, and never without a bound', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), fc.constantFrom(4096, 16_384, 65_536), (bytes, page) => {
      const { o } = tmpfsVolumeOptions(bytes, page);
      const room = option(o, 'nr_blocks') * page;
      assert.ok(room > 0 && room <= Math.max(bytes, page), o);
      assert.ok(option(o, 'nr_inodes') > 0, o);
      // Podman before 4.4 refuses these two words.
      assert.doesNotMatch(o, /(?:^|,)(?:size|inodes)=/i);
    }),
  );
});

test("the page size is the kernel's", async () => {
  assert.equal(await pageSize(), Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
  await assert.rejects(pageSize('/dev/null'), /does not tell the page size/);
});
