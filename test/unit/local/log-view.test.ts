import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LogView } from '../../../src/local/log-view.ts';

function shown(isTTY: boolean, ...chunks: (string | Buffer)[]): string {
  let text = '';
  const view = new LogView({ isTTY, write: (more) => (text += more) });
  for (const chunk of chunks) view.write(Buffer.from(chunk));
  view.end();
  return text;
}

suite('a job log on a screen', () => {
  const log = ['section_start:1:x\r\x1b[0K\x1b[0K\x1b[36;1mHel', 'lo\x1b[0;m\nend'];

  test('has no section markers, wherever a chunk ends, and colours on a terminal only', () => {
    assert.equal(shown(false, ...log), 'Hello\nend\n');
    assert.equal(shown(true, ...log), '\x1b[36;1mHello\x1b[0;m\nend\n');
  });

  test('can do nothing to a terminal but colour it', () => {
    const hostile = 'a\x1b]52;c;ZXZpbA==\x07b\x1b[2Jc\x1b]0;title\x07d\rover\x07\x08\x9b2Je\tf';
    assert.equal(shown(true, hostile), 'abcdovere\tf\n');
  });

  test('keeps characters whole that are cut between two chunks', () => {
    const bytes = Buffer.from('ü\n');
    assert.equal(shown(false, bytes.subarray(0, 1), bytes.subarray(1)), 'ü\n');
  });

  test('shows a line without an end before it fills the memory', () => {
    let pieces = 0;
    const view = new LogView({ write: () => pieces++ });
    view.write(Buffer.alloc(100_000, 'x'));
    assert.equal(pieces, 1);
  });
});
