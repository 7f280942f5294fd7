import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configuredHelper, helperToName } from '../../../src/init/configured-helper.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-configured-helper-'));
after(() => rmSync(folder, { recursive: true }));

const [old, made] = ['localhost/bulkhead/helper:old', 'localhost/bulkhead/helper:new'];

test('a configuration names a helper image, or none', () => {
  const path = join(folder, 'config.json');
  assert.equal(configuredHelper(path), undefined);
  for (const [text, name] of [
    [JSON.stringify({ helperImage: old }), old],
    ['{"helperImage": 7}', undefined],
    ['null', undefined],
    ['{', undefined],
  ] as const) {
    writeFileSync(path, text);
    assert.equal(configuredHelper(path), name, text);
  }
});

test('only where it names the one that is there is nothing to do, so that others may go', () => {
  assert.equal(helperToName('/c', made, made), undefined);
  for (const named of [old, undefined])
    assert.match(
      helperToName('/c', named, made) ?? '',
      /put "helperImage": "localhost\/bulkhead\/helper:new" into it$/,
    );
});
