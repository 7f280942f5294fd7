import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { CommanderError } from 'commander';
import { commandLine } from '../../setup/command-line.ts';
import { callLines, callSpans, helps, pages } from '../documented-calls.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

suite('the documentation', () => {
  test('names in its cleanup checklist only tests that exist', () => {
    const rows = [...read('docs/cleanup.md').matchAll(/\| `(test\/[^`]+)` *\| (.+?) *\|$/gm)];
    assert.ok(rows.length > 20, `${rows.length}`);
    for (const [, file = '', title = ''] of rows) assert.ok(read(file).includes(title), `${file}: ${title}`);
  });

  test('calls bulkhead only as it can be called', () => {
    const calls = [...pages(), ...helps()].flatMap(({ where, text }) =>
      [...callLines(text), ...callSpans(text)].map((call) => ({ where, call: call.replace(/^.*?\bbulkhead /, '') })),
    );
    assert.ok(calls.length > 80, `${calls.length}`);
    const wrong = calls.flatMap(({ where, call }) => (whyWrong(call) ? [`${where}: ${call}: ${whyWrong(call)}`] : []));
    assert.deepEqual(wrong, []);
    assert.match(whyWrong('gc --dry') ?? '', /unknown option/);
    assert.match(whyWrong('diagnoze 7') ?? '', /unknown command/);
  });

  for (const { where: page, text: content } of pages()) {
    test(`${page} links only to what is there`, () => {
      for (const [, target = ''] of content.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        assert.ok(existsSync(join(root, file)), target);
        if (anchor !== undefined) assert.ok(anchors(read(file)).includes(anchor), target);
      }
    });
  }
});

/** As GitHub and GitLab make them of headings. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
}

/** What commander says against a call of the shell; undefined for nothing. Nothing is run. */
function whyWrong(call: string): string | undefined {
  const words = [...call.matchAll(/'([^']*)'|"([^"]*)"|<[^<>]*>|[^\s'"]+/g)].map(
    ([word, single, double]) => single ?? double ?? word,
  );
  const end = words.findIndex((word) => /^(?:#|\||[<>]$|>\S|&&|;|2>)/.test(word));
  try {
    commandLine().parse(end === -1 ? words : words.slice(0, end), { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // A command that is only named, a group's help, a version, and what the text leaves out.
    const told = [
      'commander.missingArgument',
      'commander.optionMissingArgument',
      'commander.help',
      'commander.helpDisplayed',
      'commander.version',
    ];
    if (told.includes(error.code)) return undefined;
    return error.code === 'commander.invalidArgument' && /…|</.test(call) ? undefined : error.message;
  }
}
