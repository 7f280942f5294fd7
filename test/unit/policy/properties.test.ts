import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BulkheadError } from '../../../src/errors.ts';
import { type Decision, decide } from '../../../src/policy/decide.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { type Job, parseJob } from '../../../src/runner/job.ts';
import type { ImageReference } from '../../../src/sandbox/image-reference.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, jobResponse, owner } from '../samples.ts';
import { resolve } from './files.ts';
import { authorChoices, wholePolicies } from './policies.ts';

/** Written without looking at the code: what a pattern allows, by regular expressions. */
function allows(pattern: string, { registry, path, tag, digest }: ImageReference): boolean {
  const [, host = '', rest = '', label, hash] = /^([^/]+)\/([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(pattern) ?? [];
  const regular = (glob: string) =>
    new RegExp(
      `^${glob
        .replace(/[.]/g, '\\.')
        .replace(/\*\*\//g, '(?:[^/]+/)§')
        .replace(/\*\*/g, '[^/]+(?:/[^/]+)§')
        .replace(/\*/g, '[^/]*')
        .replace(/§/g, '*')}$`,
    );
  if (!regular(host).test(registry) || !regular(rest).test(path)) return false;
  if (label !== undefined) return tag !== undefined && regular(label).test(tag);
  return hash === undefined || (digest !== undefined && (hash === '*' || hash === digest));
}

function decideOrRefuse(policy: Policy, job: Job): Decision | BulkheadError {
  try {
    return decide(policy, job.request, 'docker.io/library/alpine:3');
  } catch (error) {
    assert.ok(error instanceof BulkheadError && error.blame === 'job', String(error));
    return error;
  }
}

suite('a decision', () => {
  test('grants no image, pull policy or service that the policy does not grant', async () => {
    const seen = { granted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(wholePolicies, authorChoices, async (file, choices) => {
        const policy = await resolve({ site: file });
        const job = parseJob(jobResponse(choices));
        const { images, services, limits, environment } = policy.settings;
        const decision = decideOrRefuse(policy, job);
        if (decision instanceof BulkheadError) {
          seen.refused++;
          return;
        }
        seen.granted++;
        for (const [rules, granted] of [
          [images, [decision.image]],
          [services, decision.services],
        ] as const) {
          for (const { reference, pullPolicies } of granted) {
            assert.ok(rules.allow.some((pattern) => allows(pattern, reference)));
            assert.ok(rules.digest === 'optional' || reference.digest !== undefined);
            assert.ok(pullPolicies.length > 0 && pullPolicies.every((one) => rules.pullPolicies.includes(one)));
          }
        }
        assert.ok(decision.services.length <= limits.services);
        for (const name of ['CI_DEBUG_TRACE', 'SECRET']) {
          const glob = name === 'SECRET' ? 'SECRET' : 'CI_DEBUG_*';
          assert.ok(!(environment.refuse.includes(glob) && job.request.variables.includes(name)));
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(seen.granted > 100 && seen.refused > 100, JSON.stringify(seen));
  });

  test('refuses nothing that the policy grants', async () => {
    await fc.assert(
      fc.asyncProperty(wholePolicies, authorChoices, async (file, choices) => {
        const policy = await resolve({ site: file });
        const job = parseJob(jobResponse({ ...choices, services: null, variables: null }));
        const decision = decideOrRefuse(policy, job);
        if (!(decision instanceof BulkheadError) || decision.code !== 'policy-image-refused') return;
        const open = { ...policy.settings.images, allow: ['*/**'], digest: 'optional' as const };
        const granted = decideOrRefuse({ ...policy, settings: { ...policy.settings, images: open } }, job);
        if (granted instanceof BulkheadError) return assert.equal(granted.code, 'policy-pull-policy-refused');
        const { allow, digest } = policy.settings.images;
        const { reference } = granted.image;
        assert.ok(
          !allow.some((one) => allows(one, reference)) || (digest === 'required' && reference.digest === undefined),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

suite('the sandboxes of a job', () => {
  test('have nothing that its policy does not give', async () => {
    await fc.assert(
      fc.asyncProperty(wholePolicies, authorChoices, async (file, choices) => {
        const { settings } = await resolve({ site: file });
        const { helper, build, courier, networks, volumes, cache } = specifyJob(
          parseJob(jobResponse(choices)),
          settings,
          hostOffer,
          owner,
        );
        for (const sandbox of [helper, build, courier]) {
          assert.ok(sandbox.capabilities.every((one) => (settings.capabilities as readonly string[]).includes(one)));
          assert.equal(sandbox.seccompProfile, hostOffer.seccompProfile);
          assert.equal(sandbox.readOnlyRoot, settings.rootFilesystem === 'read-only');
          for (const [path, options] of Object.entries(sandbox.tmpfs)) {
            assert.ok(options.endsWith(`,size=${settings.tmpfs[path]}`) && options.includes('nosuid,nodev'));
          }
          for (const mount of sandbox.mounts) {
            assert.equal(mount.kind, 'volume');
            const known = [...volumes, ...(cache === undefined ? [] : [cache])].map(({ name }) => name);
            assert.ok(known.includes(mount.source));
          }
        }
        for (const role of ['helper', 'build'] as const) {
          const sandbox = role === 'helper' ? helper : build;
          const reach = settings.network[role];
          const on = sandbox.networks.map((name) => networks.find((network) => network.name === name));
          assert.ok(!on.includes(undefined), 'on no network that is not the job’s');
          if (reach === 'none') assert.deepEqual(on, []);
          const ways = on.filter((network) => network?.of !== 'internal');
          const goesOut = reach === 'egress' || reach === 'listed';
          assert.deepEqual(
            ways.map((network) => [network?.of, network?.reach]),
            goesOut ? [[role, reach]] : [],
            'a way out of its own, or none',
          );
          if (settings.user.run !== 'image') assert.equal(sandbox.user, settings.user.run);
          if (settings.user.root === 'refused') assert.ok(sandbox.user === undefined || !/^0*:/.test(sandbox.user));
        }
        if (settings.user.root === 'refused') assert.notEqual(helper.user, undefined);
        assert.equal(cache === undefined, settings.cache === 'none');
        if (settings.builds === 'memory') assert.equal(volumes[0]?.tmpfsBytes, settings.limits.disk);
      }),
      { numRuns: 1500 },
    );
  });

  test('are the same whatever its author writes', async () => {
    await fc.assert(
      fc.asyncProperty(wholePolicies, authorChoices, authorChoices, async (file, one, two) => {
        const { settings } = await resolve({ site: file });
        const jobs = [one, two].map((choices) => parseJob(jobResponse(choices)));
        const [a, b] = jobs.map((job) => specifyJob(job, settings, hostOffer, owner));
        assert.deepEqual(a, b);
        const [x, y] = jobs.map(({ request: _request, services: _services, ...facts }) => facts);
        assert.deepEqual(x, y);
      }),
      { numRuns: 500 },
    );
  });
});
