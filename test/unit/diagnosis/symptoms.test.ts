import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { documentPath, withTables } from '../../../setup/diagnosis-page.ts';
import { causeBehind, match } from '../../../src/diagnosis/match.ts';
import { readSign, type Symptom } from '../../../src/diagnosis/symptom.ts';
import { allSymptoms, symptomOf } from '../../../src/diagnosis/symptoms/all.ts';
import { type ErrorCode, errorCodes } from '../../../src/errors.ts';
import { endings, failure, found, made, running } from './logs.ts';
import { samples } from './samples.ts';

const docs = join(import.meta.dirname, '../../../docs');
const speakers = ['driver', 'runner', 'job', 'host'] as const;
const startFailed = requireSymptom('sandbox-start-failed');

function requireSymptom(id: string): Symptom {
  const symptom = symptomOf(id);
  assert.ok(symptom);
  return symptom;
}

suite('a symptom', () => {
  for (const { id, speaker, signs } of allSymptoms.filter(({ signs }) => signs.length > 0)) {
    test(`${id} is recognised from its samples, and no other is before it`, () => {
      const own = samples[id] ?? [];
      for (const sample of own) {
        const symptom = speaker === 'host' ? causeBehind(startFailed, sample) : match(sample, speakers);
        assert.equal(symptom?.id, id, sample);
      }
      for (const sign of signs) {
        const isThere = readSign(sign);
        assert.ok(
          own.some((sample) => isThere(sample.toLowerCase())),
          `a sample has "${sign}"`,
        );
      }
    });
  }

  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    test(`${code} is recognised from what the driver says`, async () => {
      const canceled = code === 'terminated';
      const ending = canceled ? endings.canceled : errorCodes[code] === 'job' ? endings.script : endings.system;
      const message = canceled ? 'GitLab Runner ended this stage: the job was canceled' : 'what went wrong';
      assert.deepEqual(await found([...made, ...failure(code, message), ...ending]), [code]);
    });
  }

  test('has an id of its own, and a page that is there', () => {
    assert.ok(allSymptoms.length >= 100);
    assert.equal(new Set(allSymptoms.map(({ id }) => id)).size, allSymptoms.length);
    for (const { id, page } of allSymptoms) {
      const [file = '', anchor] = page.split('#');
      assert.ok(existsSync(join(docs, file)), `${id}: ${page}`);
      if (anchor === undefined) continue;
      const headings = readFileSync(join(docs, file), 'utf8').matchAll(/^#+ (.*)$/gm);
      const anchors = [...headings].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-'));
      assert.ok(anchors.includes(anchor), `${id}: ${page}`);
    }
  });

  test('is in no log of a job that went well', async () => {
    const output = [
      '$ make test',
      'ok 1 - adds',
      'Successfully built 3 wheels',
      '12 passed in 0.31s',
      'error: 0, warnings: 0',
    ];
    assert.deepEqual(await found([...running, ...output, ...endings.succeeded]), []);
  });
});

suite('a sign', () => {
  for (const [sign, line, there] of [
    ['a…b', 'xaxxbx', true],
    ['a…b', 'ba', false],
    ['a…b', 'ab', true],
    ['A…B', 'ab', true],
    ['a…a', 'a', false],
    ['a', '', false],
    ['a … b', 'ab', true],
  ] as const) {
    test(`${sign} is ${there ? '' : 'not '}in "${line}"`, () => assert.equal(readSign(sign)(line), there));
  }
});

test('docs/diagnosis.md has what the symptoms say: npm run docs', () => {
  const document = readFileSync(documentPath, 'utf8');
  assert.equal(document, withTables(document));
});
