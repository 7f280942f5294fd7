import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { describeFailure } from '../../../src/runner/job-log.ts';
import {
  chooseEntrypoint,
  entrypointLabel,
  entrypointNotFound,
  parseEntrypoint,
} from '../../../src/sandbox/entrypoint.ts';
import { labelKeys } from '../../../src/sandbox/names.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { anyText, hostOffer, job, owner, settings } from '../samples.ts';

suite('the entrypoint of a job', () => {
  for (const [what, ofJob, ofImage, words] of [
    ["the image's, where the job has none", [], ['/entry', '--'], ['/entry', '--']],
    ["the job's, where it has one", ['/own', ''], ['/entry'], ['/own', '']],
    ['none, where neither has one', [], [], []],
    ['none, where the job has one empty word', [''], ['/entry'], []],
    ['none, where the image has one empty word', [], [''], []],
  ] as const) {
    test(`is ${what}`, () => assert.deepEqual(chooseEntrypoint(ofJob, ofImage), words));
  }

  for (const [what, words, why] of [
    ['with 100 KB', ['/bin/sh', '-c', 'x'.repeat(100_000)], /is 100009 bytes long, and 16384 are the most/],
    ['whose bytes, not characters, are too many', ['/e', 'é'.repeat(8192)], /is 16386 bytes long/],
    ['of a thousand words', ['/e', ...Array(999).fill('')], /has 1000 words, and 256 are the most/],
    ['that begins with an empty word', ['', '/e'], /begins with an empty word/],
    ['with a NUL in it', ['/e', 'a\0b'], /has a NUL character/],
  ] as const) {
    test(`is refused: one ${what}`, () => {
      const refused = (whose: string) => (error: Error) => {
        assert.equal((error as { code?: string }).code, 'entrypoint-invalid');
        assert.match(error.message, why);
        assert.ok(error.message.startsWith(`the entrypoint that ${whose} `), error.message);
        return error.message.length < 200;
      };
      assert.throws(() => chooseEntrypoint(words, []), refused('the job asks for'));
      assert.throws(() => chooseEntrypoint([], words), refused('the image has'));
      assert.deepEqual(chooseEntrypoint([''], words), [], 'the job can do without it');
    });
  }

  test('may be as long as it may be', () => {
    const words = ['/e', 'x'.repeat(16_382)];
    assert.deepEqual(chooseEntrypoint(words, []), words);
    assert.equal(chooseEntrypoint(Array(256).fill('x'), []).length, 256);
  });
});

suite('the label of an entrypoint', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(anyText()), (words) => {
        assert.deepEqual(parseEntrypoint(entrypointLabel(words)), words);
      }),
    );
  });

  test('is never empty: an empty one could be one that nobody set', () => assert.equal(entrypointLabel([]), '[]'));

  for (const text of [undefined, '', 'none', '/bin/sh', '"/bin/sh"', '{"0":"x"}', '["x",1]', '["x"', 'null']) {
    test(`is not taken for one: ${text}`, () => assert.equal(parseEntrypoint(text), undefined));
  }

  test('is on the build sandbox; the others have one that says none', () => {
    const build = { user: undefined, imageUser: '', entrypoint: ['/entry', 'a b'] };
    const spec = specifyJob(job, settings, hostOffer, owner, build);
    const labels = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels[labelKeys.entrypoint];
    assert.deepEqual([spec.build, spec.helper, spec.courier].map(labels), ['["/entry","a b"]', '[]', '[]']);
    assert.equal(Object.keys(spec.build.labels).length, Object.keys(spec.helper.labels).length);
  });
});

test('what a stage says of one that is not there names it on one line, and nothing of it moves the cursor', () => {
  assert.match(
    describeFailure(entrypointNotFound(['/no/such'])),
    /^bulkhead: ERROR: the job's entrypoint "\/no\/such" is no program [^\n]* image\nbulkhead: Fix: .*\n.*\(entrypoint-not-found: /,
  );
  const hostile = describeFailure(entrypointNotFound(['\u001b[2J\r\nbulkhead: ERROR: \u202e\u0085', 'x'.repeat(5000)]));
  assert.equal(hostile.split('\n').length, 3);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that none are there is what this is about
  assert.doesNotMatch(hostile.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e]/);
  assert.ok(hostile.length < 3000);
});
