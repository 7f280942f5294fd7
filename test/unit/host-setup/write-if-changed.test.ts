import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeIfChanged } from '../../../src/host-setup/write-if-changed.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-write-'));
after(() => rmSync(folder, { recursive: true }));

test('a file is written once, and its mode kept', () => {
  const file = join(folder, 'file');
  assert.equal(writeIfChanged(file, 'one', { mode: 0o640 }), true);
  const { ino } = statSync(file);
  assert.equal(writeIfChanged(file, 'one', { mode: 0o600 }), false);
  assert.deepEqual([statSync(file).ino, statSync(file).mode & 0o777], [ino, 0o600]);
  assert.equal(writeIfChanged(file, 'two', { mode: 0o600 }), true);
  assert.equal(readFileSync(file, 'utf8'), 'two');
});

test('a file that cannot be written leaves nothing beside it', () => {
  const taken = join(folder, 'taken');
  mkdirSync(taken);
  assert.throws(() => writeIfChanged(taken, 'x', { mode: 0o600 }), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'taken']);
});
