import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collapsedSection } from '../../../src/runner/log-section.ts';

test('a section is folded below its header, as GitLab wants it', () => {
  assert.equal(
    collapsedSection('details', 'All is well', ['one', 'two'], 1700000000),
    '\x1b[0Ksection_start:1700000000:details[collapsed=true]\r\x1b[0KAll is well\n' +
      '  one\n  two\n' +
      '\x1b[0Ksection_end:1700000000:details\r\x1b[0K',
  );
});
