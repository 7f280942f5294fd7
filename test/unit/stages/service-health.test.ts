import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../../src/stages/service-health.ts';

test("a service's log cannot move the cursor, forge a line of ours, or lose its shape", () => {
  assert.deepEqual(printable('one\r\n\ttwo\u001b[2Jx\rthree\u0007\u202e\nfour\n\n'), [
    'one',
    '\ttwo\\x1b[2Jx\\x0dthree\\x07\\u202e',
    'four',
  ]);
  assert.deepEqual(printable(`${'x'.repeat(70_000)}\n`), ['x'.repeat(70_000)]);
  assert.deepEqual(printable(''), ['']);
});
