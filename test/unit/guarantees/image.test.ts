import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeImage } from '../../../src/guarantees/image.ts';
import { demand, facts, said } from './sample-facts.ts';

const digest = `sha256:${'d'.repeat(64)}`;
const known = (...digests: string[]) => ({ ...facts, image: { ...facts.image, digests } });

suite('the image', () => {
  for (const [what, seen, asked, outcome] of [
    ['is the one that was looked up', facts, demand, new RegExp(`^proven: ${demand.imageId}$`)],
    [
      'is another',
      { ...facts, container: { ...facts.container, imageId: `sha256:${'2'.repeat(64)}` } },
      demand,
      /^violated: it runs/,
    ],
    ['has the digest it was named by', facts, { ...demand, digest }, new RegExp(`^proven: ${digest}$`)],
    ['has no digest', known(), { ...demand, digest }, /^violated: its image is not known by/],
    ['has another', known(`docker.io/library/debian@sha256:${'e'.repeat(64)}`), { ...demand, digest }, /^violated/],
    ['has it as part of another', known(`docker.io/library/debian@${digest}0`), { ...demand, digest }, /^violated/],
    ['has it in its name only', known(`docker.io/library/${digest}`), { ...demand, digest }, /^violated/],
  ] as const) {
    test(what, () => assert.match(said(observeImage(seen, asked)), outcome));
  }
});
