import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

suite('the documentation', () => {
  test('names in its cleanup checklist only tests that exist', () => {
    const rows = [...read('docs/cleanup.md').matchAll(/\| `(test\/[^`]+)` *\| (.+?) *\|$/gm)];
    assert.ok(rows.length > 20, `${rows.length}`);
    for (const [, file = '', title = ''] of rows) assert.ok(read(file).includes(title), `${file}: ${title}`);
  });

  for (const page of [...globSync('docs/**/*.md', { cwd: root }), ...globSync('*.md', { cwd: root })].sort()) {
    test(`${page} links only to what is there`, () => {
      for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
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
