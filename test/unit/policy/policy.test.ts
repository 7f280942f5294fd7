import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { canonical, resolvePolicy } from '../../../src/policy/policy.ts';
import { policyFile, settings } from '../samples.ts';
import { readerOf, resolve } from './files.ts';
import { policyFragments, wholePolicies } from './policies.ts';

const invalid = (message: RegExp | string) => ({ name: 'BulkheadError', code: 'policy-invalid', message });

suite('a policy', () => {
  test('is its file', async () => {
    const policy = await resolve({ site: policyFile });
    assert.equal(policy.name, 'site');
    assert.deepEqual(policy.settings, settings);
    assert.deepEqual(policy.files, ['site.json']);
    assert.match(policy.hash, /^[0-9a-f]{64}$/);
  });

  test('is nothing without one', async () => {
    assert.equal(await resolvePolicy('site', readerOf({})), undefined);
  });

  test('is what its file makes of the one it extends, and that one of its own', async () => {
    const policy = await resolve({
      base: policyFile,
      middle: { extends: 'base', limits: { memory: '2GiB', log: 'unlimited' }, capabilities: [] },
      site: { extends: 'middle', limits: { memory: '1GiB' } },
    });
    assert.deepEqual(policy.files, ['base.json', 'middle.json', 'site.json']);
    const { log: _log, ...limits } = settings.limits;
    assert.deepEqual(policy.settings, {
      ...settings,
      capabilities: [],
      limits: { ...limits, memory: 1024 ** 3, log: undefined },
    });
    assert.equal(policy.origins.get('limits.memory')?.file, 'site.json');
    assert.equal(policy.origins.get('limits.log')?.file, 'middle.json');
    assert.equal(policy.origins.get('limits.cpus')?.file, 'base.json');
  });

  test('that leads back to itself is refused, with the circle', async () => {
    const files = {
      a: '{\n"extends": "b"}',
      b: '{"extends": "c"}',
      c: '{\n\n"extends": "b"}',
      self: '{"extends": "self"}',
    };
    await assert.rejects(resolve(files, 'a'), invalid('c.json:3: extends: "b" leads back to itself (a → b → c → b)'));
    await assert.rejects(
      resolve(files, 'self'),
      invalid('self.json:1: extends: "self" leads back to itself (self → self)'),
    );
  });

  test('that extends none there is, or too many', async () => {
    await assert.rejects(
      resolve({ site: '{\n"extends": "bse"}' }),
      invalid('site.json:2: extends: there is no policy "bse"'),
    );
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, { extends: `p${n + 1}` }]));
    await assert.rejects(resolve({ ...long, p20: policyFile }, 'p0'), invalid(/^p15\.json:2: extends: more than 16/));
  });

  test('of a broken file is refused, with the name of that file', async () => {
    await assert.rejects(resolve({ site: { extends: 'base' }, base: '{' }), invalid(/^base\.json:1: not JSON/));
    await assert.rejects(
      resolve({ site: { extends: 'base' }, base: { x: 1 } }),
      invalid(/^base\.json:2: x: unknown key/),
    );
  });

  test('must say everything', async () => {
    const { cache: _cache, limits, ...rest } = policyFile;
    const { cpus: _cpus, ...fewer } = limits;
    await assert.rejects(
      resolve({ base: rest, site: { extends: 'base', limits: fewer } }),
      invalid('site.json:1: not set, neither here nor in what it extends: limits.cpus, cache'),
    );
    await assert.rejects(resolve({ site: {} }), invalid(/^site\.json:1: not set, .*images, services, user,/));
  });

  test('must not say that root is refused, and be root', async () => {
    for (const run of ['0:0', '0:1000', '000:0']) {
      const files = {
        base: { ...policyFile, user: { run, root: 'allowed' } },
        site: '{"extends":"base",\n"user":{"root":"refused"}}',
      };
      await assert.rejects(
        resolve(files),
        invalid(`base.json:23: user.run: is root (${run}), which user.root refuses`),
      );
      assert.equal((await resolve(files, 'base')).settings.user.run, run);
    }
    const groupOnly = { ...policyFile, user: { run: '1000:0', root: 'refused' } };
    assert.equal((await resolve({ site: groupOnly })).settings.user.run, '1000:0');
  });

  test('must not promise builds in memory without a size', async () => {
    const files = { site: { ...policyFile, builds: 'memory', limits: { ...policyFile.limits, disk: 'unlimited' } } };
    await assert.rejects(resolve(files), invalid(/^site\.json:\d+: limits\.disk: is unlimited, but builds in memory/));
  });
});

suite('the hash', () => {
  test('is the same for the same settings, however they are written', async () => {
    const { hash } = await resolve({ site: policyFile });
    const reversed = Object.fromEntries(Object.entries(policyFile).reverse());
    assert.equal((await resolve({ site: reversed })).hash, hash);
    const written = { ...policyFile, limits: { ...policyFile.limits, memory: '4096MiB' }, description: 'x' };
    assert.equal((await resolve({ site: written })).hash, hash);
  });

  test('is the same after extending without a change, however often', async () => {
    await fc.assert(
      fc.asyncProperty(wholePolicies, async (base) => {
        const files = { base, one: { extends: 'base' }, site: { extends: 'one', description: 'more' } };
        const hashes = await Promise.all(
          ['base', 'one', 'site'].map(async (name) => (await resolve(files, name)).hash),
        );
        assert.equal(new Set(hashes).size, 1);
        const again = { ...files, site: { extends: 'one', ...base } };
        assert.equal((await resolve(again)).hash, hashes[0]);
      }),
    );
  });

  test('differs as soon as a setting does', async () => {
    await fc.assert(
      fc.asyncProperty(wholePolicies, policyFragments, async (base, change) => {
        const files = { base, site: { extends: 'base', ...change } };
        const [a, b] = [await resolve(files, 'base'), await resolve(files, 'site')];
        assert.equal(a.hash === b.hash, canonical(a.settings) === canonical(b.settings));
      }),
    );
  });
});
