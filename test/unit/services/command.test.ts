import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { serviceCommand } from '../../../src/services/command.ts';

const words = (entrypoint: string[], command: string[]) => ({ entrypoint, command });
const image = words(['entry'], ['word']);

suite('what a service runs', () => {
  for (const [what, job, of, expected] of [
    ['what its image says', words([], []), image, ['entry', 'word']],
    ["the job's command after the image's entrypoint", words([], ['mine']), image, ['entry', 'mine']],
    ["the job's entrypoint, without the image's command", words(['mine'], []), image, ['mine']],
    ['both of the job', words(['mine'], ['and', '']), image, ['mine', 'and', '']],
    ['a command alone, where the entrypoint is emptied', words([''], ['mine']), image, ['mine']],
    ['a command alone, where the image has nothing else', words([], []), words([], ['word']), ['word']],
  ] as const) {
    test(what, () => assert.deepEqual(serviceCommand('x', job, of), expected));
  }

  for (const [what, job, of] of [
    ['an image of nothing', words([], []), words([], [])],
    ['an emptied entrypoint', words([''], []), image],
    ['an empty program', words([], ['']), words([], [])],
  ] as const) {
    test(`is missing: ${what}`, () =>
      assert.throws(() => serviceCommand('x/y:1', job, of), { code: 'service-command-missing', message: /x\/y:1/ }));
  }
});
