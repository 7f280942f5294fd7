import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sandboxPaths } from '../../../src/sandbox/layout.ts';
import { stageCommand } from '../../../src/sandbox/shell.ts';
import { parseUlimits, ulimitsLabel } from '../../../src/sandbox/ulimits.ts';
import { settingsOf } from '../samples.ts';

suite('ulimits', () => {
  const { ulimits } = settingsOf({
    ulimits: { nofile: { soft: 1024, hard: 4096 }, core: '0B', cpu: '90s', fsize: '1GiB' },
  });

  test("are written by the kernel's numbers, and come back as words", () => {
    const text = ulimitsLabel(ulimits);
    assert.equal(text, '0=90:90 1=1073741824:1073741824 4=0:0 7=1024:4096');
    assert.deepEqual(parseUlimits(text), text.split(' '));
  });

  test('none is said in a word: an empty label could be one that nobody set', () => {
    assert.equal(ulimitsLabel({}), 'none');
    assert.deepEqual(parseUlimits('none'), []);
    assert.equal(parseUlimits(''), undefined);
    assert.equal(parseUlimits(undefined), undefined);
  });

  for (const text of ['4=0', '4=0:0 --', 'core=0:0', '4=0:0 sh', '4=-1:0', '4=0:0:0']) {
    test(`a label that is not ours is not run: ${text}`, () => assert.equal(parseUlimits(text), undefined));
  }

  test('begin a stage, before any program of the image', () => {
    assert.deepEqual(stageCommand('build', '/x', ['4=0:0']).slice(0, 5), [
      sandboxPaths.probe,
      'limit',
      '4=0:0',
      '--',
      'sh',
    ]);
    assert.equal(stageCommand('build', '/x', [])[0], 'sh');
  });
});
