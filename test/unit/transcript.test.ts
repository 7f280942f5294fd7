import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, linesOf, readTranscript } from '../transcript.ts';

test('a page is its blocks, in order; what is in no such block is for people', () => {
  const page = `# Title
\`\`\`console
# first --option
one
two
# second <<END
> of two
> END
\`\`\`
Words, and \`code\`.
\`\`\`yaml
test:
  script: "# no command"
\`\`\`
\`\`\`sh
# nothing to play
\`\`\`
\`\`\`log
…
Job succeeded
\`\`\`
`;
  assert.deepEqual(readTranscript(page), [
    {
      kind: 'console',
      exchanges: [
        { command: 'first --option', expected: ['one', 'two'] },
        { command: 'second <<END\nof two\nEND', expected: [] },
      ],
    },
    { kind: 'pipeline', yaml: 'test:\n  script: "# no command"\n' },
    { kind: 'log', expected: ['…', 'Job succeeded'] },
  ]);
  assert.throws(() => readTranscript('```console\noutput\n```'), /begins with output/);
});

test('lines agree when they are the same but for what … stands for', () => {
  assert.ok(agrees(['a', 'b'], ['a', 'b']));
  assert.ok(agrees([], []));
  assert.ok(!agrees(['a', 'b'], ['a']));
  assert.ok(!agrees(['a'], ['a', 'b']));
  assert.ok(agrees(['took 12 s (fast)'], ['took … s (…)']));
  assert.ok(!agrees(['took 12 s'], ['took … min']));
  assert.ok(!agrees(['xx'], ['x.']), 'nothing else is a pattern');
});

test('… alone in a line stands for any number of lines, none included', () => {
  assert.ok(agrees(['a', 'b', 'c', 'd'], ['a', '…', 'd']));
  assert.ok(agrees(['a', 'd'], ['a', '…', 'd']));
  assert.ok(agrees(['a'], ['a', '…']));
  assert.ok(agrees(['a', 'b'], ['…', 'b']));
  assert.ok(!agrees(['a', 'b', 'c'], ['a', '…', 'd']));
  assert.ok(agrees(['a', 'b', 'a', 'c', 'd'], ['…', 'a', 'c', '…']));
  assert.ok(agrees([], ['…']));
  const many = Array.from({ length: 500 }, () => 'a');
  const some = Array.from({ length: 20 }, () => ['…', 'a']).flat();
  assert.ok(agrees(many, some));
  assert.ok(!agrees(many, [...some, 'b']), 'and it ends');
});

test('what a terminal would not show is no part of a line', () => {
  const log = 'section_start:1700000000:x\r\u001b[0K\u001b[32;1mJob succeeded\u001b[0;m  \r\n\n';
  assert.deepEqual(linesOf(log), ['Job succeeded']);
});
