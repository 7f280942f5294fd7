import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { parseJob, readJob } from '../../../src/runner/job.ts';
import { jobResponse, jobToken } from '../samples.ts';

const at = (repositoryUrl: string) => parseJob(jobResponse({ git_info: { repo_url: repositoryUrl } }));

suite('a job', () => {
  test('is what the server says of it', () => {
    const { key, registryLogins, variables, ...rest } = parseJob(jobResponse());
    assert.deepEqual(rest, {
      id: 4711,
      instance: 'https://gitlab.example.com',
      projectId: 42,
      timeoutSeconds: 3600,
      projectPath: 'group/project',
      namespaceId: undefined,
      userId: undefined,
      protected: false,
      logSections: false,
      imagePlatform: undefined,
      imageEntrypoint: [],
      services: [],
      request: { image: 'debian:12', pullPolicies: [], user: undefined, services: [], variables: ['CI_JOB_TOKEN'] },
    });
    assert.deepEqual(variables.reveal(), [
      { key: 'CI_JOB_TOKEN', value: jobToken, public: false, file: false, raw: false },
    ]);
    assert.match(key, /^4711-[0-9a-f]{12}$/);
    const login = { username: 'gitlab-ci-token', password: jobToken, identityToken: undefined };
    assert.deepEqual(registryLogins.reveal(), [{ address: 'registry.example.com', ...login }]);
  });

  test('has logins of registries alone, and shows none of them by itself', () => {
    const of = (credentials: unknown) => parseJob(jobResponse({ credentials })).registryLogins.reveal();
    assert.deepEqual([undefined, null, []].map(of), [[], [], []]);
    assert.deepEqual(
      of([{ type: 'vault', url: 'a.example.com' }, { type: 'registry' }, { type: 'registry', url: null }]),
      [],
    );
    assert.deepEqual(of([{ type: 'registry', url: 'a.example.com', username: 'u', password: null }]), [
      { address: 'a.example.com', username: 'u', password: '', identityToken: undefined },
    ]);
    const job = parseJob(jobResponse());
    assert.ok(!`${JSON.stringify(job)}${inspect(job, { depth: 9, showHidden: true })}`.includes(jobToken));
  });

  test('says what its services are, and shows no value of their variables by itself', () => {
    const [named, plain] = parseJob(
      jobResponse({
        services: [
          {
            name: 'redis:8',
            alias: ' cache,store\u0085deep\tlast, ',
            entrypoint: ['/run'],
            command: ['a', ''],
            variables: [{ key: 'PASSWORD', value: jobToken, raw: true }],
            executor_opts: { docker: { platform: 'linux/arm64', user: 999 } },
          },
          { name: 'postgres', alias: null, entrypoint: null, command: null, variables: null, executor_opts: null },
        ],
      }),
    ).services;
    assert.ok(named && plain);
    assert.ok(!`${JSON.stringify(named)}${inspect(named, { depth: 9, showHidden: true })}`.includes(jobToken));
    const { variables, ...rest } = named;
    assert.deepEqual(rest, {
      aliases: ['cache', 'store', 'deep', 'last'],
      entrypoint: ['/run'],
      command: ['a', ''],
      platform: 'linux/arm64',
    });
    assert.deepEqual(variables.reveal(), [{ key: 'PASSWORD', value: jobToken, public: false, file: false, raw: true }]);
    assert.deepEqual(
      [plain.aliases, plain.entrypoint, plain.command, plain.platform, plain.variables.reveal()],
      [[], [], [], undefined, []],
    );
  });

  test('knows by name what GitLab Runner fetches for it: it is secret', () => {
    const { variables } = parseJob(
      jobResponse({ secrets: { AS_FILE: { vault: {} }, PLAIN: { file: false }, NIL: null } }),
    );
    const secret = (key: string, file: boolean) => ({ key, value: '', public: false, file, raw: true });
    assert.deepEqual(variables.reveal().slice(1), [
      secret('AS_FILE', true),
      secret('PLAIN', false),
      secret('NIL', true),
    ]);
  });

  test('names a platform where its author does', () => {
    const of = (executor_opts: unknown) => parseJob(jobResponse({ image: { name: 'x', executor_opts } })).imagePlatform;
    assert.equal(of({ docker: { platform: 'linux/arm64', user: '' }, kubernetes: { user: '' } }), 'linux/arm64');
    for (const none of [undefined, null, {}, { docker: null }, { docker: {} }, { docker: { platform: '' } }]) {
      assert.equal(of(none), undefined);
    }
  });

  test('names an entrypoint where its author does; one empty word is one', () => {
    const of = (entrypoint: unknown) => parseJob(jobResponse({ image: { name: 'x', entrypoint } })).imageEntrypoint;
    assert.deepEqual([['/e', 'a b'], [''], [], null, undefined].map(of), [['/e', 'a b'], [''], [], [], []]);
    assert.deepEqual(parseJob(jobResponse({ image: null })).imageEntrypoint, []);
    for (const wrong of ['/e', [1], [null]]) assert.throws(() => of(wrong), { code: 'job-response-unreadable' });
  });

  test('has file variables where GitLab says so; what comes from a vault is one unless it says not', () => {
    const of = (variables: unknown, secrets?: unknown) => {
      const all = parseJob(jobResponse({ variables, secrets })).variables.reveal();
      // Of two with one name the last counts.
      const isFile = new Map(all.map(({ key, file }) => [key, file]));
      return [...isFile].flatMap(([key, file]) => (file ? [key] : []));
    };
    const variables = [{ key: 'A', file: true }, { key: 'B' }, { key: 'C', file: true }, { key: 'C', file: false }];
    assert.deepEqual(of(variables), ['A']);
    assert.deepEqual(of(variables, { B: { vault: {} }, D: { file: null }, E: { file: false }, A: { file: false } }), [
      'B',
      'D',
    ]);
    assert.deepEqual([of(null, null), of(null, { F: null })], [[], ['F']]);
  });

  test('has ids where GitLab gives them, and 0 is none', () => {
    const info = { project_id: 42, project_full_path: 'group/project' };
    const known = parseJob(jobResponse({ job_info: { ...info, namespace_id: 7, user_id: 3 } }));
    assert.deepEqual([known.namespaceId, known.userId, known.projectPath], [7, 3, 'group/project']);
    const old = parseJob(jobResponse({ job_info: { project_id: 42, namespace_id: 0, user_id: 0 } }));
    assert.deepEqual([old.namespaceId, old.userId, old.projectPath], [undefined, undefined, undefined]);
  });

  test('has sections in its log where GitLab folds them', () => {
    const of = (features: unknown) => parseJob(jobResponse({ features })).logSections;
    assert.deepEqual([{ trace_sections: true }, { trace_sections: false }, {}, null].map(of), [
      true,
      false,
      false,
      false,
    ]);
  });

  test('is protected only when GitLab says so', () => {
    const of = (value: unknown) =>
      parseJob(jobResponse({ git_info: { repo_url: 'https://gitlab.example.com/g/p.git', protected: value } }))
        .protected;
    assert.deepEqual([true, false, null, undefined].map(of), [true, false, false, false]);
    for (const text of ['true', 1]) assert.throws(() => of(text), { code: 'job-response-unreadable' });
  });

  test('asks for what its author wrote', () => {
    const { request } = parseJob(
      jobResponse({
        image: { name: 'debian:12', pull_policy: ['always', 'never'], executor_opts: { docker: { user: 1000 } } },
        services: [
          { name: 'redis:8', alias: 'cache', executor_opts: { docker: { user: 'redis' } } },
          { name: 'postgres:17', pull_policy: ['never'], variables: [{ key: 'C', value: '2' }] },
        ],
        variables: [{ key: 'A', value: '1' }, { key: 'B' }],
      }),
    );
    assert.deepEqual(request, {
      image: 'debian:12',
      pullPolicies: ['always', 'never'],
      user: '1000',
      services: [
        { name: 'redis:8', pullPolicies: [], user: 'redis' },
        { name: 'postgres:17', pullPolicies: ['never'] },
      ],
      variables: ['A', 'B', 'C'],
    });
  });

  for (const [what, image] of [
    ['no image', undefined],
    ['null, as the runner writes nil', null],
    ['an image without a name', { name: '' }],
  ] as const) {
    test(`has none with ${what}`, () => assert.equal(parseJob(jobResponse({ image })).request.image, undefined));
  }

  test('takes the image as it stands: GitLab Runner has expanded it, and doing it twice would be once too often', () => {
    assert.equal(parseJob(jobResponse({ image: { name: ' $X/y@z ' } })).request.image, ' $X/y@z ');
  });

  test('never holds the job token', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^glcbt-[A-Za-z0-9_-]{12,40}$/), (token) => {
        const job = parseJob(
          jobResponse({ token, git_info: { repo_url: `https://gitlab-ci-token:${token}@gitlab.example.com/g/p.git` } }),
        );
        assert.ok(!JSON.stringify(job).includes(token));
      }),
    );
  });

  test('takes a response that says more than we know, with lists that are null', () => {
    const response = jobResponse({ steps: null, cache: null, a_field_of_next_year: { x: 1 } });
    assert.equal(parseJob(response).id, 4711);
  });
});

suite('the key of a job', () => {
  const key = at('https://ci:t@gitlab.example.com/group/project.git').key;

  test('is the same in every attempt, whatever token it has', () => {
    assert.equal(at('https://ci:another@gitlab.example.com/group/project.git').key, key);
    assert.equal(at('https://gitlab.example.com/group/project.git').key, key);
  });

  test('is the same however the host is spelled', () => {
    assert.equal(at('https://GitLab.Example.com:443/group/project.git').key, key);
  });

  for (const other of [
    'https://gitlab.example.org/group/project.git',
    'https://gitlab.example.com.evil.org/group/project.git',
    'https://gitlab.example.com:8443/group/project.git',
    'http://gitlab.example.com/group/project.git',
  ]) {
    test(`differs for ${other}`, () => assert.notEqual(at(other).key, key));
  }

  test('differs for another job', () => assert.notEqual(parseJob(jobResponse({ id: 4712 })).key, key));

  test('is fit for a name, whatever the host', () => {
    fc.assert(fc.property(fc.domain(), (host) => assert.match(at(`https://${host}/x`).key, /^4711-[0-9a-f]{12}$/)));
  });
});

suite('a description that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-job-'));
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'response.json');
  const write = (text: string) => {
    writeFileSync(path, text);
    return { JOB_RESPONSE_FILE: path };
  };
  const unreadable = { name: 'BulkheadError', code: 'job-response-unreadable' };

  test('a good one is read from its file', async () => {
    assert.deepEqual(await readJob(write(JSON.stringify(jobResponse()))), parseJob(jobResponse()));
  });

  test('no file is named, or none is there', async () => {
    await assert.rejects(readJob({}), { ...unreadable, message: /JOB_RESPONSE_FILE is not set/ });
    await assert.rejects(readJob({ JOB_RESPONSE_FILE: '' }), unreadable);
    await assert.rejects(readJob({ JOB_RESPONSE_FILE: join(folder, 'none') }), unreadable);
    await assert.rejects(readJob({ JOB_RESPONSE_FILE: folder }), unreadable);
  });

  test("the job's own variables name no file", async () => {
    await assert.rejects(readJob({ CUSTOM_ENV_JOB_RESPONSE_FILE: path }), unreadable);
  });

  for (const text of ['', '{', 'null', '[]', '"text"', '42', '{"id":1}', '\0']) {
    test(`it is ${JSON.stringify(text)}`, async () => {
      await assert.rejects(readJob(write(text)), unreadable);
    });
  }

  for (const [field, changes] of Object.entries({
    id: { id: '4711' },
    'id ': { id: 0 },
    ' id': { id: 1.5 },
    git_info: { git_info: null },
    'git_info.repo_url': { git_info: {} },
    'job_info.project_id': { job_info: { project_id: -1 } },
    'runner_info.timeout': { runner_info: { timeout: null } },
    'image.name': { image: { name: 1 } },
  })) {
    test(`${field} is ${JSON.stringify(Object.values(changes)[0])}`, () => {
      assert.throws(
        () => parseJob(jobResponse(changes)),
        (error: Error & { code?: string }) =>
          error.code === 'job-response-unreadable' && error.message.includes(field.trim()),
      );
    });
  }

  test('the URL of the repository is none', () => {
    for (const url of ['', 'gitlab.example.com/group/project', '/srv/git']) assert.throws(() => at(url), unreadable);
  });

  const tokenless = (error: Error) => !error.message.includes('Secret');

  test('what is said of it tells no secret', async () => {
    const response = JSON.stringify(jobResponse({ id: 'x' }));
    await assert.rejects(readJob(write(response)), tokenless);
    await assert.rejects(readJob(write(response.slice(0, response.indexOf('Secret') + 9))), tokenless);
  });

  test('nor when the text around the secret is broken, which is what JSON.parse quotes', async () => {
    await assert.rejects(readJob(write(`{"id":4711,"token":${jobToken}}`)), tokenless);
  });
});
