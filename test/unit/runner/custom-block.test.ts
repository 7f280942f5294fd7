import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { customBlock } from '../../../src/runner/custom-block.ts';

test('the block in the README is the one that is printed', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
  assert.ok(readme.includes(customBlock('/opt/bulkhead/bin/bulkhead')));
});

test('a path with what TOML escapes is escaped', () => {
  assert.match(customBlock('/a "b"\\c'), /config_exec = "\/a \\"b\\"\\\\c"\n/);
});
