import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isCache } from '../../../src/orphans/caches.ts';
import { cacheLabels, cacheName, labelKeys } from '../../../src/sandbox/names.ts';
import { job } from '../samples.ts';

const volume = { Name: cacheName(job, 'protected'), Labels: cacheLabels(job, 'protected'), Mountpoint: '/x' };

suite('a cache', () => {
  for (const tier of ['all', 'protected', 'unprotected'] as const) {
    test(`is known by its name and labels: ${tier}`, () => {
      assert.ok(isCache({ Name: cacheName(job, tier), Labels: cacheLabels(job, tier), Mountpoint: '/x' }));
    });
  }
  for (const [what, change] of [
    ['another name', { Name: 'database' }],
    ['no labels', { Labels: null }],
    ["another project's labels", { Labels: { ...volume.Labels, [labelKeys.cacheProject]: '43' } }],
    ["another tier's labels", { Labels: { ...volume.Labels, [labelKeys.cacheTier]: 'all' } }],
    ["another GitLab's labels", { Labels: { ...volume.Labels, [labelKeys.instance]: 'https://evil.example' } }],
  ] as const) {
    test(`is not a volume with ${what}`, () => assert.ok(!isCache({ ...volume, ...change })));
  }
});
