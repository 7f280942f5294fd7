import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BulkheadError } from '../../../src/errors.ts';
import { type CheckedFolder, checkFolder, fails } from '../../../src/policy/check.ts';
import { imagePatternProblem, matchesImage } from '../../../src/policy/image-pattern.ts';
import { parseImageReference } from '../../../src/sandbox/image-reference.ts';
import { policyFile } from '../samples.ts';
import { type Files, textOf } from './files.ts';

const everyone = { assignments: [{ match: {}, policy: 'site' }] };
const complete: Files = { 'assignments.json': everyone, 'site.json': policyFile };

async function check(files: Files, requireProfile?: CheckedFolder['requireProfile']) {
  return checkFolder({
    names: Object.keys(files).sort(),
    read: async (name) => {
      if (files[name] instanceof Error) throw files[name];
      return Object.hasOwn(files, name) ? textOf(files[name]) : undefined;
    },
    requireProfile,
  });
}

/** `level file:line path: message`. */
const say = async (...args: Parameters<typeof check>) =>
  (await check(...args)).findings.map(
    ({ level, file, line, path, message }) => `${level} ${file}:${line} ${path}: ${message}`,
  );

/** What is found in one policy that everybody gets, with some sections changed. */
const inPolicy = (changes: Record<string, unknown>) => say({ ...complete, 'site.json': { ...policyFile, ...changes } });
const limits = (changes: Record<string, unknown>) => ({ limits: { ...policyFile.limits, ...changes } });
const network = (changes: Record<string, unknown>) => ({ network: { ...policyFile.network, ...changes } });
const fromBuild = { allow: [{ to: 'gitlab', from: ['build'] }] };

suite('check finds nothing in', () => {
  test('a good folder', async () => assert.deepEqual(await say(complete), []));

  test('schemas, notes, and cases that are right', async () => {
    const cases = { cases: [{ name: 'x', job: { image: 'debian' }, expect: { decision: 'allowed' } }] };
    assert.deepEqual(
      await say({ ...complete, 'policy.schema.json': '{}', 'README.md': '#', 'site.test.json': cases }),
      [],
    );
  });

  test('a fragment that is there to be extended', async () => {
    const { cache, ...rest } = policyFile;
    const files = { ...complete, 'part.json': rest, 'site.json': { extends: 'part', cache } };
    const [only, ...more] = await say(files);
    assert.match(only ?? '', /^info part\.json:1 : not set, neither here nor in what it extends: cache$/);
    assert.deepEqual(more, []);
    const bare = { ...files, 'site.json': { extends: 'part' } };
    assert.match((await say(bare)).join('\n'), /^error site\.json:1 : not set/m);
  });
});

suite('check finds in files', () => {
  for (const [what, files, expected] of [
    [
      'no assignments',
      { 'site.json': policyFile },
      ['error assignments.json:1 : does not exist: no job gets a policy'],
    ],
    [
      'a mistake, once for all that extend it',
      {
        ...complete,
        'base.json': '{\n"limits": {\n"memroy": "4GiB"}}',
        'site.json': { extends: 'base' },
        'two.json': { extends: 'base' },
      },
      ['error base.json:3 limits.memroy: unknown key; did you mean "memory"?'],
    ],
    [
      'several mistakes, each on its own',
      { ...complete, 'site.json': '{"cache": "x",\n"tmpfs": []}' },
      [
        'error site.json:1 cache: "x" is not known here; write one of none, project, project-and-protection',
        'error site.json:2 tmpfs: Invalid input: expected record, received array',
      ],
    ],
    [
      'an assignment to no policy',
      { ...complete, 'assignments.json': { assignments: [{ match: {}, policy: 'sit' }] } },
      [
        'error assignments.json:5 assignments[0].policy: there is no policy "sit"',
        'info site.json:1 : is assigned to nobody, and nothing extends it',
      ],
    ],
    [
      'a circle',
      { ...complete, 'site.json': '{"extends": "site"}' },
      ['error site.json:1 extends: "site" leads back to itself (site → site)'],
    ],
    [
      'a name that no assignment could use',
      { ...complete, 'Site.json': policyFile },
      ['warning Site.json:1 : is no policy: its name is not one that assignments could use'],
    ],
    [
      'cases that are wrong, or none',
      {
        ...complete,
        'site.test.json': { cases: [] },
        'assignments.test.json': '{"cases": [\n{"name": "x", "job": {"img": ""}, "expect": {"decision": "yes"}}]}',
      },
      [
        'error assignments.test.json:2 cases[0].job.img: unknown key',
        "error assignments.test.json:2 cases[0].expect.decision: Invalid discriminator value. Expected 'allowed' | 'refused'",
        'error site.test.json:2 cases: holds no cases',
      ],
    ],
  ] as const) {
    test(what, async () => assert.deepEqual((await say(files as Files)).sort(), [...expected].sort()));
  }

  test('one that others could write, once, with the way to mend it', async () => {
    const unsafe = new BulkheadError('file-unsafe', '/p/base.json could be changed', 'chmod go-w /p/base.json');
    const { findings } = await check({ ...complete, 'base.json': unsafe, 'site.json': { extends: 'base' } });
    assert.deepEqual(findings, [
      { level: 'error', file: 'base.json', line: 1, path: '', message: unsafe.message, fix: unsafe.hint },
    ]);
  });

  test('a profile that does not exist, where it is named', async () => {
    const missing = async (name: string) => {
      if (name === 'baseline') throw new BulkheadError('seccomp-profile-invalid', 'there is none', 'Write one.');
    };
    const files = { ...complete, 'base.json': policyFile, 'site.json': { extends: 'base' } };
    assert.deepEqual(await say(files, missing), ['error base.json:36 seccomp: there is none']);
  });

  test('no mistake of ours: that is thrown', async () => {
    await assert.rejects(check({ ...complete, 'site.json': new TypeError('x') }), TypeError);
  });
});

suite('check finds in assignments', () => {
  const site = (...list: object[]) => {
    const assignments = list.map((one) => ({ policy: 'site', ...one }));
    return say({ ...complete, 'two.json': policyFile, 'assignments.json': { assignments } });
  };
  const unreachable = (found: string[]) => found.filter((one) => one.includes('is never reached'));

  for (const [what, earlier, later] of [
    ['one below one for everybody', [{}], { project: 'a/b' }],
    ['the same twice', [{ project: 'a/**', protected: true }], { project: 'a/**', protected: true }],
    ['a narrower glob below a wider one', [{ project: 'a/**' }], { project: 'a/b/*' }],
    ['the same glob in other letters', [{ project: 'A/**' }], { project: 'a/B' }],
    ['a list whose globs are covered one by one', [{ project: ['a/**', 'b/*'] }], { project: ['b/x', 'a/x'] }],
    ['ids that were there', [{ projectId: [1, 2, 3] }], { projectId: [3, 1] }],
    ['more conditions below fewer', [{ namespaceId: 7 }], { namespaceId: 7, userId: 3, runner: 'x' }],
    ['both sides of protection', [{ protected: true }, { protected: false }], { project: 'a/**' }],
    ['ids that several took', [{ projectId: 1 }, { projectId: 2 }], { projectId: [1, 2] }],
    ['globs that several took', [{ project: 'a/*' }, { project: 'a/*/**' }], { project: ['a/x', 'a/x/y'] }],
  ] as const) {
    test(`${what}: never reached`, async () => {
      const found = await site(...earlier.map((match) => ({ match })), { match: later, policy: 'two' });
      assert.equal(unreachable(found).length, 1, found.join('\n'));
      assert.match(
        unreachable(found)[0] ?? '',
        new RegExp(`^error assignments\\.json:\\d+ assignments\\[${earlier.length}\\]: .*take`),
      );
    });
  }

  for (const [what, earlier, later] of [
    ['a wider glob below a narrower one', [{ project: 'a/b/*' }], { project: 'a/**' }],
    ['another group with the same beginning', [{ project: 'a/**' }], { project: 'a-evil/**' }],
    ['an id that was not there', [{ projectId: [1, 2] }], { projectId: [2, 3] }],
    ['other conditions', [{ namespaceId: 7 }], { projectId: 7 }],
    ['one side of protection', [{ protected: true }], { project: 'a/**' }],
    ['everybody below projects: GitLab may not say which', [{ project: '**' }], {}],
    ['a runner of another case', [{ runner: 'X' }], { runner: 'x' }],
  ] as const) {
    test(`${what}: reached`, async () => {
      const found = await site(...earlier.map((match) => ({ match })), { match: later, policy: 'two' });
      assert.deepEqual(unreachable(found), []);
    });
  }

  test('one that is never reached, but says the same, is a warning', async () => {
    const found = await site({ match: {} }, { match: { protected: true } });
    assert.match(found[0] ?? '', /^warning assignments\.json:\d+ assignments\[1\]: is never reached: line 3 takes/);
  });

  for (const [project, expected] of [
    ['group', /^error .*assignments\[0\]\.match\.project: "group" matches nothing/],
    ['my*', /^error .*matches nothing/],
    ['group/app.git', /^error .*no path in GitLab has "app\.git"/],
    ['-group/app', /^error .*no path in GitLab has "-group"/],
    ['**', /^warning .*matches every project/],
    ['*/**', /^warning .*matches every project/],
    ['group*/**', /^warning .*such as group-evil$/],
    ['*-corp/**', /^warning .*such as evil--corp$/],
  ] as const) {
    test(`the glob ${project}`, async () => {
      const found = await site({ match: { project } }, { match: {}, policy: 'two' });
      assert.match(found.join('\n'), expected);
      assert.match(
        (await site({ match: { project: ['a/b', project] } }, { match: {}, policy: 'two' })).join('\n'),
        /project\[1\]/,
      );
    });
  }
  for (const project of ['group/**', 'group/*', '*/app', '**/app', 'group/app*']) {
    test(`no fault with ${project}`, async () =>
      assert.deepEqual(await site({ match: { project } }, { match: {}, policy: 'two' }), []));
  }
});

suite('check finds in a policy', () => {
  for (const [what, changes, expected] of [
    ['no images', { images: { ...policyFile.images, allow: [] } }, /^error site\.json:3 images\.allow: is empty/],
    [
      'capabilities of a user that is not root',
      { user: { run: '1000:1000', root: 'allowed' } },
      /^warning .* capabilities: have no effect/,
    ],
    [
      'capabilities where root is refused',
      { user: { run: 'image', root: 'refused' } },
      /^warning .* capabilities: have no effect/,
    ],
    ['root that refuses root', { user: { run: '0:0', root: 'refused' } }, /^error .* user\.run: is root/],
    [
      'a dangerous capability',
      { capabilities: ['CHOWN', 'SYS_ADMIN'] },
      /^warning site\.json:28 capabilities\[1\]: SYS_ADMIN is dangerous/,
    ],
    [
      'a read-only root and no tmpfs',
      { rootFilesystem: 'read-only', tmpfs: {} },
      /^error .* rootFilesystem: is read-only, and \/tmp/,
    ],
    [
      'a read-only root and a tmpfs taken away',
      { rootFilesystem: 'read-only', tmpfs: { '/tmp': 'none' } },
      /^error .* rootFilesystem/,
    ],
    [
      'a tmpfs over the scripts',
      { tmpfs: { '/bulkhead/scripts': '1MiB' } },
      /^error .* tmpfs\["\/bulkhead\/scripts"\]: is in the way/,
    ],
    [
      'a tmpfs around the program that every sandbox has',
      { tmpfs: { '/usr/local': '1MiB' } },
      /^error .* is in the way of \/usr\/local\/bin\/gitlab-runner/,
    ],
    ['a tmpfs larger than memory', { tmpfs: { '/tmp': '5GiB' } }, /^warning .* is larger than limits\.memory \(4GiB\)/],
    [
      'builds in memory of no size',
      { builds: 'memory', ...limits({ disk: 'unlimited' }) },
      /^error .* limits\.disk: is unlimited/,
    ],
    [
      'services without images',
      { services: { ...policyFile.services, allow: [] } },
      /^error .* limits\.services: allows 2 services, but services\.allow/,
    ],
    [
      'services without a network',
      { ...network({ services: 'none' }) },
      /^error .* limits\.services: .*network\.services is none/,
    ],
    [
      'services that no job reaches',
      { ...network({ build: 'none' }) },
      /^warning .* limits\.services: .*network\.build is none/,
    ],
    [
      'a helper that cannot clone',
      network({ helper: 'none', build: 'none' }),
      /^warning .* network\.helper: is none: no job can clone/m,
    ],
    [
      'a helper that has its job only',
      network({ helper: 'job' }),
      /^warning .* network\.helper: is job: no job can clone/m,
    ],
    ['a service larger than its job', limits({ serviceMemory: '8GiB' }), /^warning .* limits\.serviceMemory: is above/],
    [
      'a limit that is required and unlimited',
      { ...limits({ pids: 'unlimited' }), require: ['rootless', 'gvisor', 'limits.pids'] },
      /^error .* require\[2\]: requires limits\.pids/,
    ],
    [
      'a listed network that lists nothing',
      network({ build: 'listed', allow: [] }),
      /^warning site\.json:46 network\.build: is listed, but network\.allow lists nothing for it$/,
    ],
    [
      'a listed network that lists for others',
      network({ build: 'listed', services: 'listed', allow: [{ to: 'gitlab', from: ['helper', 'services'] }] }),
      /^warning site\.json:46 network\.build: is listed, but network\.allow lists nothing for it$/,
    ],
    [
      'listed services of which nothing is listed',
      network({ services: 'listed', allow: [{ to: 'gitlab', from: ['helper', 'build'] }] }),
      /^warning .* network\.services: is listed, but network\.allow lists nothing for it$/,
    ],
    [
      'a destination for those who reach nothing',
      network({ allow: [{ to: 'gitlab' }, { to: '192.0.2.1', ports: [80], from: ['services'] }] }),
      /^warning site\.json:52 network\.allow\[1\]: has no effect: network\.services reach nothing outside the job$/,
    ],
    [
      'a destination for nobody',
      network({ helper: 'job', build: 'none' }),
      /^warning .* network\.allow\[0\]: has no effect: network\.helper and network\.build and network\.services reach/m,
    ],
    ['no gVisor required', { require: ['rootless'] }, /^warning .* require: does not list gvisor/],
    [
      'a variable that every job has',
      { environment: { refuse: ['X', 'CI_JOB_*'] } },
      /^error .* environment\.refuse\[1\]: "CI_JOB_\*" matches CI_JOB_ID/,
    ],
    [
      'a tag where digests are required',
      { images: { ...policyFile.images, allow: ['docker.io/library/debian:12'], digest: 'required' } },
      /^error .* images\.allow\[0\]: .*requires digests/,
    ],
    [
      'a pattern that adds nothing',
      { images: { ...policyFile.images, allow: ['docker.io/library/*', 'docker.io/**'] } },
      /^info .* images\.allow\[0\]: "docker\.io\/library\/\*" adds nothing: "docker\.io\/\*\*"/,
    ],
    [
      'every image',
      { images: { ...policyFile.images, allow: ['*/**'] } },
      /^warning .* images\.allow\[0\]: .*every image of every registry/,
    ],
    [
      'every registry',
      { images: { ...policyFile.images, allow: ['*/library/*'] } },
      /^warning .*registries that anybody may run/,
    ],
  ] as const) {
    test(what, async () => assert.match((await inPolicy(changes)).join('\n'), expected));
  }

  for (const [what, changes] of [
    ['no services, with or without images for them', limits({ services: 0 })],
    [
      'guarded egress where nothing goes out',
      {
        ...network({ helper: 'job', build: 'none', services: 'none', allow: [] }),
        ...limits({ services: 0 }),
        require: ['rootless', 'gvisor', 'network.egress'],
      },
    ],
    ['guarded egress where all go out', { require: ['rootless', 'gvisor', 'network.egress'] }],
    ['a helper that reaches GitLab only', network({ helper: 'listed', build: 'job' })],
    [
      'services that list nothing, where there are none',
      { ...network({ services: 'listed', ...fromBuild }), ...limits({ services: 0 }) },
    ],
    [
      'a destination for one who goes out, and another who does not',
      network({ allow: [{ to: 'gitlab', from: ['build', 'services'] }] }),
    ],
    ['a limit that is required and set', { require: ['rootless', 'gvisor', 'limits.memory'] }],
    [
      'a user that is not root, without capabilities',
      { user: { run: '1000:1000', root: 'refused' }, capabilities: [] },
    ],
    [
      'the domain of one owner',
      { images: { ...policyFile.images, allow: ['*.example.com/**', 'registry.example.com:*/**'] } },
    ],
  ] as const) {
    test(`no error with ${what}`, async () =>
      assert.doesNotMatch(
        (await inPolicy(changes)).join('\n'),
        /^(error|warning) .*(?<!clone its repository or upload artifacts)$/m,
      ));
  }

  for (const registry of [
    'docker.io*',
    'docker.*',
    '*docker.io',
    '*.io',
    'd?cker.io',
    'registry.*.com',
    '*.*.example.com',
    '*example.com:5000',
  ]) {
    test(`the registry ${registry}, with a twin that it really lets in`, async () => {
      const pattern = `${registry}/**`;
      assert.equal(imagePatternProblem(pattern), undefined);
      const [found = ''] = await inPolicy({ images: { ...policyFile.images, allow: [pattern] } });
      const twin = /registries of others, such as (\S+)$/.exec(found)?.[1] ?? '';
      const port = registry.includes(':') ? ':5000' : '';
      assert.ok(matchesImage(pattern, parseImageReference(`${twin}${port}/x`)), found);
    });
  }
});

test('only errors fail, and warnings where they are asked for', () => {
  const finding = (level: 'error' | 'warning' | 'info') => ({
    level,
    file: '',
    line: 1,
    path: '',
    message: '',
    fix: '',
  });
  assert.deepEqual([fails([finding('error')], false), fails([finding('warning')], false)], [true, false]);
  assert.deepEqual(
    [fails([finding('warning')], true), fails([finding('info')], true), fails([], true)],
    [true, false, false],
  );
});
