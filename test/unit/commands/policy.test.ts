import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { execa } from 'execa';
import { makeFolder } from '../policy/folder.ts';
import { jobResponse, jobToken, policyFile } from '../samples.ts';

const root = join(import.meta.dirname, '../../..');

/** The real command; nothing of this host but the PATH counts. */
async function bulkhead(args: readonly string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [join(root, 'src/main.ts'), ...args], {
    reject: false,
    extendEnv: false,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
  });
  return { exitCode, stdout, stderr };
}
const policy = (command: string, folder: string, ...args: string[]) =>
  bulkhead(['policy', command, '--policies', folder, ...args]);

const everyone = { assignments: [{ match: {}, policy: 'site' }] };
const profiles = makeFolder({
  'baseline.json': { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] },
});

suite('policy check', { concurrency: 2 }, () => {
  test('finds nothing in good policies, and says so', async () => {
    const folder = makeFolder({ 'assignments.json': everyone, 'site.json': policyFile });
    const { exitCode, stdout, stderr } = await policy('check', folder, '--seccomp-profiles', profiles);
    assert.deepEqual([exitCode, stdout], [0, '']);
    assert.match(stderr, /: 1 policy; 0 errors, 0 warnings, 0 infos$/);
  });

  for (const [what, file, path] of [
    [
      'an unknown key',
      { ...policyFile, limitz: {} },
      /site\.json:73: error: limitz: unknown key; did you mean "limits"\?$/,
    ],
    [
      'a wrong unit',
      { ...policyFile, tmpfs: { '/tmp': '2G' } },
      /site\.json:\d+: error: tmpfs\["\/tmp"\]: "2G" is not a size; write a number and one of .*, such as 4GiB$/,
    ],
    [
      'a profile that is not there',
      { ...policyFile, seccomp: 'tight' },
      /site\.json:36: error: seccomp: .*\/tight\.json: it does not exist$/,
    ],
    ['a circle', { extends: 'site' }, /site\.json:2: error: extends: "site" leads back to itself \(site → site\)$/],
  ] as const) {
    test(`${what}: one clear line that names file, line and path`, async () => {
      const folder = makeFolder({ 'assignments.json': everyone, 'site.json': file });
      const { exitCode, stdout } = await policy('check', folder, '--seccomp-profiles', profiles);
      const [line = '', fix = '', ...more] = stdout.split('\n');
      assert.equal(exitCode, 1);
      assert.ok(line.startsWith(`${folder}/`), line);
      assert.match(line, path);
      assert.match(fix, /^ {4}fix: \S/);
      assert.deepEqual(more, []);
    });
  }

  test('a file that everybody could write: one clear line; taken where owners mean nothing', async () => {
    const folder = makeFolder({ 'assignments.json': everyone, 'site.json': policyFile });
    chmodSync(join(folder, 'site.json'), 0o666);
    const { exitCode, stdout } = await policy('check', folder);
    assert.equal(exitCode, 1);
    assert.equal(stdout.split('\n').length, 2);
    assert.match(stdout, /site\.json:1: error: \S*\/site\.json is not trusted: .*mode 0666.*\n {4}fix: chmod go-w/);
    const taken = await policy('check', folder, '--ignore-owners', '--seccomp-profiles', profiles);
    assert.deepEqual([taken.exitCode, taken.stdout], [0, '']);
  });

  test('fails for warnings when it is told to', async () => {
    const folder = makeFolder({ 'assignments.json': everyone, 'site.json': { ...policyFile, require: ['gvisor'] } });
    assert.equal((await policy('check', folder)).exitCode, 0);
    assert.equal((await policy('check', folder, '--strict')).exitCode, 1);
  });

  test('for programs: one JSON object, and nothing else', async () => {
    const folder = makeFolder({ 'assignments.json': everyone, 'site.json': '{\n"cach": "none"}' });
    const { exitCode, stdout, stderr } = await policy('check', folder, '--json');
    assert.deepEqual([exitCode, stderr], [1, '']);
    assert.deepEqual(JSON.parse(stdout), {
      schemaVersion: 1,
      passed: false,
      policies: [],
      findings: [
        {
          level: 'error',
          file: join(folder, 'site.json'),
          line: 2,
          path: 'cach',
          message: 'unknown key; did you mean "cache"?',
          fix: 'Correct it; see docs/policies.md.',
        },
      ],
    });
  });

  test('no folder, no configuration, or a wrong option: exit code 2', async () => {
    for (const [args, message] of [
      [['check', '--policies', '/nonexistent'], /there is no folder \/nonexistent/],
      [['check'], /configuration-not-found/],
      [['check', '--polices', '.'], /unknown option/],
      [['chek'], /unknown command/],
      [['explain', '--project-id', 'x'], /Write a number/],
      [['explain', '--job', 'x', '--project', 'a/b'], /cannot be used with/],
      [['schema', 'x'], /Allowed choices are policy, assignments, cases/],
    ] as const) {
      const { exitCode, stdout, stderr } = await bulkhead(['policy', ...args]);
      assert.deepEqual([exitCode, stdout], [2, ''], args.join(' '));
      assert.match(stderr, message);
    }
  });

  test('what files say moves no cursor', async () => {
    const folder = makeFolder({ 'assignments.json': everyone, 'site.json': '{"\\u001b[2J\\u202e": 1}' });
    const { stdout } = await policy('check', folder);
    assert.ok(!stdout.includes('\u001b') && !stdout.includes('\u202e'), stdout);
  });
});

suite('policy explain', { concurrency: 2 }, () => {
  const folder = makeFolder({
    'assignments.json': [
      '{ "assignments": [',
      '  { "match": { "project": "group/*", "protected": true }, "policy": "release" },',
      '  { "match": { "project": "group/app" }, "policy": "site" },',
      '  { "match": { "projectId": 42 }, "policy": "site" }',
      ']}',
    ].join('\n'),
    'site.json': policyFile,
    'release.json': '{\n"extends": "site",\n"limits": { "memory": "8GiB" } }',
  });

  test('of a project under two assignments names the winner, and why', async () => {
    const { exitCode, stdout } = await policy('explain', folder, '--project', 'group/app', '--project-id', '42');
    assert.equal(exitCode, 0);
    const place = join(folder, 'assignments.json');
    assert.ok(
      stdout.includes(`  1. release: does not match: protected true is not so: it is false  (${place}:2)\n`),
      stdout,
    );
    assert.ok(stdout.includes(`  2. site: WON: project group/app  (${place}:3)\n`), stdout);
    assert.ok(stdout.includes(`  3. site: would match, too late: projectId 42  (${place}:4)\n`), stdout);
  });

  test('tells every setting with its place, and the decision', async () => {
    const { exitCode, stdout } = await policy(
      'explain',
      folder,
      '--project',
      'group/app',
      '--protected',
      '--image',
      'debian',
    );
    assert.equal(exitCode, 0);
    assert.ok(
      stdout.includes(
        `  limits.memory = "8GiB"  (${folder}/release.json:3; instead of "4GiB" of ${folder}/site.json:55)\n`,
      ),
      stdout,
    );
    assert.match(
      stdout,
      /Decision: allowed\n {4}image docker\.io\/library\/debian:latest \(pull policy if-not-present\)$/,
    );
  });

  test('tells a refusal with its code, and exits with 1', async () => {
    for (const [args, code] of [
      [['--project', 'group/app', '--image', 'docker.io.evil.org/x'], 'policy-image-refused'],
      [
        ['--project', 'group/app', '--image', 'debian', '--service', 'redis', 'redis', 'redis'],
        'policy-services-refused',
      ],
      [['--project', 'group/app', '--image', 'debian', '--variable', 'CI_DEBUG_TRACE'], 'policy-variable-refused'],
      [['--project', 'group/app', '--image', 'debian', '--pull-policy', 'never'], 'policy-pull-policy-refused'],
      [['--project', 'group-evil/app', '--image', 'debian'], 'policy-no-assignment'],
    ] as const) {
      const { exitCode, stdout } = await policy('explain', folder, ...args);
      assert.equal(exitCode, 1, stdout);
      assert.ok(stdout.includes(`Decision: REFUSED (${code}): `), stdout);
    }
  });

  test('of a job response, for programs, and without its secrets', async () => {
    const jobs = makeFolder({
      'job.json': jobResponse({
        job_info: { project_id: 42, project_full_path: 'group/app' },
        services: [{ name: 'redis' }],
      }),
    });
    const { exitCode, stdout, stderr } = await policy('explain', folder, '--job', join(jobs, 'job.json'), '--json');
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.ok(!stdout.includes(jobToken));
    const explanation = JSON.parse(stdout);
    assert.equal(explanation.schemaVersion, 1);
    assert.equal(explanation.job.projectPath, 'group/app');
    assert.deepEqual(
      explanation.assignments.map(({ verdict }: { verdict: string }) => verdict),
      ['failed', 'won', 'late'],
    );
    assert.equal(explanation.policy.name, 'site');
    assert.equal(explanation.decision.image, 'docker.io/library/debian:12');
    assert.deepEqual(explanation.decision.services, [
      { image: 'docker.io/library/redis:latest', pullPolicies: ['always'] },
    ]);
    assert.equal(explanation.settings.length, 29);
  });

  test('does not mind a reader who has seen enough', async () => {
    const command = `${process.execPath} ${join(root, 'src/main.ts')} policy explain --policies ${folder} --project group/app`;
    const { stdout, stderr } = await execa(
      'bash',
      ['-c', `set -o pipefail; ${command} | head -c1; echo " \${PIPESTATUS[0]}"`],
      {
        env: { HOME: '/nonexistent' },
      },
    );
    assert.deepEqual([stdout, stderr], ['J 0', '']);
  });
});

suite('policy test', { concurrency: 2 }, () => {
  const good = { name: 'good', job: { image: 'debian' }, expect: { decision: 'allowed', policy: 'site' } };
  const files = { 'assignments.json': everyone, 'site.json': policyFile };

  test('is silent on stdout when all is as expected', async () => {
    const folder = makeFolder({
      ...files,
      'site.test.json': { cases: [good] },
      'assignments.test.json': { cases: [good] },
    });
    const { exitCode, stdout, stderr } = await policy('test', folder);
    assert.deepEqual([exitCode, stdout, stderr], [0, '', '2 cases in 2 files: all as expected']);
  });

  test('shows what was expected and what came, with file and line', async () => {
    const bad = { name: 'bad', job: { image: 'evil.org/x' }, expect: { decision: 'allowed' } };
    const folder = makeFolder({ ...files, 'site.test.json': { cases: [good, bad] } });
    const { exitCode, stdout, stderr } = await policy('test', folder);
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      /^\S*\/site\.test\.json:13: bad\n {4}decision: expected allowed, got refused\n {4}\(policy "site" does not allow image evil/,
    );
    assert.equal(stderr, '2 cases in 1 file: 1 NOT as expected');
    const json = JSON.parse((await policy('test', folder, '--json')).stdout);
    assert.deepEqual([json.schemaVersion, json.passed, json.failed, json.tests.length], [1, 1, 1, 2]);
  });

  test('does not take nothing for success', async () => {
    for (const more of [{}, { 'site.test.json': { cases: [] } }, { 'sit.test.json': { cases: [good] } }]) {
      const { exitCode, stdout } = await policy('test', makeFolder({ ...files, ...more }));
      assert.deepEqual([exitCode, stdout], [2, '']);
    }
  });
});

test('policy schema prints what is published', async () => {
  const { exitCode, stdout } = await bulkhead(['policy', 'schema', 'assignments']);
  assert.equal(exitCode, 0);
  assert.equal(JSON.parse(stdout).properties.assignments.type, 'array');
});

test('each has help with examples', async () => {
  for (const command of ['check', 'explain', 'test', 'schema']) {
    const { exitCode, stdout } = await bulkhead(['policy', command, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /Examples:\n {2}bulkhead policy /);
  }
});
