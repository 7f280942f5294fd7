import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { deletedButOpen, diskUsage, filesystemUsage, parseTotal, walkCommand } from '../../../src/host/disk-usage.ts';
import { needsLinux } from '../needs-linux.ts';

const MiB = 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'bulkhead-disk-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;
const folder = () => {
  const path = join(root, String(count++));
  mkdirSync(path);
  return path;
};
const walked = (...folders: string[]) => {
  const [program = '', ...args] = walkCommand(folders);
  return parseTotal(execFileSync(program, args, { encoding: 'utf8' })) ?? Number.NaN;
};

suite('what a walk counts', () => {
  test('blocks, not lengths: holes are nothing', { skip: needsLinux }, () => {
    const path = folder();
    writeFileSync(join(path, 'hole'), '');
    truncateSync(join(path, 'hole'), 4096 * MiB);
    assert.ok(walked(path) < MiB);
    writeFileSync(join(path, 'full'), Buffer.alloc(2 * MiB));
    assert.ok(walked(path) >= 2 * MiB);
  });

  test('hard links once, over all folders', () => {
    const [one, other] = [folder(), folder()];
    writeFileSync(join(one, 'a'), Buffer.alloc(2 * MiB));
    linkSync(join(one, 'a'), join(one, 'b'));
    linkSync(join(one, 'a'), join(other, 'c'));
    assert.ok(walked(one, other) < 3 * MiB);
    assert.ok(walked(other) >= 2 * MiB);
  });

  test('folders whose names look like options or totals', () => {
    const path = folder();
    const odd = join(path, '99 total\n100\ttotal\n');
    mkdirSync(odd);
    writeFileSync(join(odd, 'a'), Buffer.alloc(2 * MiB));
    assert.ok(walked(odd) >= 2 * MiB);
    assert.ok(walked(path) < 3 * MiB);
  });
});

suite('a total', () => {
  for (const [output, total] of [
    ['4096\t/a\n8192\t/b\n12288\ttotal\n', 12288],
    ['0\ttotal\n', 0],
    ['', undefined],
    ['4096\t/a\n', undefined],
    ['4096\t/a\n12288\ttotal', undefined],
    ['du: cannot access /a\n', undefined],
  ] as const) {
    test(`of ${JSON.stringify(output)} is ${total}`, () => assert.equal(parseTotal(output), total));
  }
});

suite('deleted files that are still open', () => {
  test('count what they take, once, and only on the devices that matter', async () => {
    const path = join(folder(), 'gone');
    const handles = [openSync(path, 'w'), openSync(path, 'r')];
    writeSync(handles[0] ?? -1, Buffer.alloc(3 * MiB));
    const { dev } = statSync(path);
    const before = await deletedButOpen([process.pid], new Set([dev]));
    unlinkSync(path);
    assert.equal((await deletedButOpen([process.pid, process.pid], new Set([dev]))) - before, 3 * MiB);
    assert.equal(await deletedButOpen([process.pid], new Set([dev + 1])), 0);
    assert.equal(await deletedButOpen([2 ** 22 + 1], new Set([dev])), 0, 'nobody holds nothing');
  });
});

test('the filesystem counts once, however many folders are on it', async () => {
  const [one, other] = [folder(), folder()];
  const places = (folders: string[]) => ({ folders, sandboxes: [], witness: process.pid });
  const single = await filesystemUsage(places([one]));
  const both = await filesystemUsage(places([one, other]));
  assert.ok(Math.abs(both - single) < single / 2 + 64 * MiB, `${single} and ${both}`);
});

test('places that cannot be walked are an error, not 0 bytes', async () => {
  await assert.rejects(diskUsage({ folders: [join(root, 'missing')], sandboxes: [], witness: process.pid }));
  await assert.rejects(diskUsage({ folders: [root], sandboxes: [], witness: 2 ** 22 + 1 }));
});
