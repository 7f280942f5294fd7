import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { type Job, parseJob } from '../../../src/runner/job.ts';
import {
  cacheLabels,
  cacheName,
  interfaceName,
  labelKeys,
  labelsFor,
  objectName,
  type Role,
} from '../../../src/sandbox/names.ts';
import { job, jobResponse, jobToken, owner } from '../samples.ts';

const networks = ['helper', 'build', 'services', 'internal'] as const;
const roles: readonly Role[] = [
  ...(['helper', 'build', 'courier', 'builds', 'scripts'] as const),
  ...networks.map((of) => `network-${of}` as const),
];
const cacheKeys: readonly string[] = [labelKeys.cacheProject, labelKeys.cacheTier];

suite('names', () => {
  test('are the same in every stage and attempt', () => {
    const again = parseJob(jobResponse());
    for (const role of roles) assert.equal(objectName(again, role), objectName(job, role));
  });

  test('differ by role, job and GitLab instance', () => {
    const jobs = fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 50 }), host: fc.constantFrom('a.test', 'b.test', 'a.test:8443') }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(jobs, (list) => {
        const names = new Map<string, string>();
        for (const { id, host } of list) {
          const one = parseJob(jobResponse({ id, git_info: { repo_url: `https://t@${host}/p.git` } }));
          for (const role of roles) {
            const what = `${id} ${host} ${role}`;
            const name = objectName(one, role);
            assert.equal(names.get(name) ?? what, what, 'no name stands for two things');
            names.set(name, what);
          }
        }
      }),
    );
  });

  test('are names that Podman takes, and hold nothing of the job but its id', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.webAuthority(), (id, host) => {
        const one: Job = parseJob(jobResponse({ id, git_info: { repo_url: `https://ci:${jobToken}@${host}/p` } }));
        for (const role of roles) {
          assert.match(objectName(one, role), new RegExp(`^bulkhead-${id}-[0-9a-f]{12}-${role}$`));
        }
      }),
    );
  });
});

suite('the bridges of a job', () => {
  test('have names that the kernel takes, each its own, the same in every attempt', () => {
    const again = parseJob(jobResponse());
    const seen = networks.map((of) => interfaceName(job, of));
    assert.deepEqual(
      seen,
      networks.map((of) => interfaceName(again, of)),
    );
    assert.equal(new Set(seen).size, networks.length);
    // IFNAMSIZ is 16, with a zero byte at the end.
    for (const name of seen) assert.match(name, /^bh[0-9a-f]{10}[hbsi]$/);
  });

  test('are no other job’s, however alike the two', () => {
    const jobs = [4711, 4712, 47110].flatMap((id) =>
      ['a.test', 'b.test'].map((host) =>
        parseJob(jobResponse({ id, git_info: { repo_url: `https://${host}/p.git` } })),
      ),
    );
    const names = jobs.flatMap((one) => networks.map((of) => interfaceName(one, of)));
    assert.equal(new Set(names).size, names.length);
  });
});

suite('labels', () => {
  test('are all set on every object, so that an image cannot add one of ours', () => {
    for (const role of roles) {
      const labels = labelsFor(job, role, owner);
      const expected = Object.values(labelKeys).filter((key) => !cacheKeys.includes(key));
      assert.deepEqual(Object.keys(labels).sort(), expected.sort());
      for (const [key, value] of Object.entries(labels)) assert.notEqual(value, '', key);
    }
  });

  test('say whose the object is', () => {
    assert.deepEqual(labelsFor(job, 'build', owner), {
      'io.bulkhead.job': job.key,
      'io.bulkhead.job-id': '4711',
      'io.bulkhead.instance': 'https://gitlab.example.com',
      'io.bulkhead.role': 'build',
      'io.bulkhead.policy': 'baseline',
      'io.bulkhead.policy-hash': '0123456789abcdef',
      'io.bulkhead.deadline': '1900000000',
      'io.bulkhead.runner-process': '123:456789',
      'io.bulkhead.limits': '{"log":null,"disk":null,"memory":null,"pids":null}',
      'io.bulkhead.ulimits': '4=0:0',
      'io.bulkhead.entrypoint': '[]',
    });
  });

  test('tell no secret', () => {
    for (const role of roles) assert.ok(!JSON.stringify(labelsFor(job, role, owner)).includes(jobToken));
  });
});

suite('a cache', () => {
  const of = (projectId: number, host = 'gitlab.example.com') =>
    parseJob(jobResponse({ job_info: { project_id: projectId }, git_info: { repo_url: `https://t@${host}/p.git` } }));

  test('is the same for the jobs of a project', () => {
    const another = parseJob(jobResponse({ id: 4712 }));
    assert.equal(cacheName(another, 'all'), cacheName(job, 'all'));
  });

  test('is another for another project, GitLab or tier', () => {
    const names = [
      cacheName(of(42), 'all'),
      cacheName(of(42), 'protected'),
      cacheName(of(42), 'unprotected'),
      cacheName(of(43), 'all'),
      cacheName(of(42, 'gitlab.example.com.evil.org'), 'all'),
    ];
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^bulkhead-cache-[0-9a-f]{12}-4[23]-(all|protected|unprotected)$/);
  });

  test('has no label that cleanup of a job looks for', () => {
    assert.deepEqual(cacheLabels(job, 'protected'), {
      'io.bulkhead.instance': 'https://gitlab.example.com',
      'io.bulkhead.cache-project': '42',
      'io.bulkhead.cache-tier': 'protected',
    });
  });
});
