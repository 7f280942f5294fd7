import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import fc from 'fast-check';
import { parseJob, readJob } from '../../../src/runner/job.ts';
import { jobResponse, jobToken } from '../samples.ts';

const at = (repositoryUrl: string) => parseJob(jobResponse({ git_info: { repo_url: repositoryUrl } }));

suite('a job', () => {
  test('is what the server says of it', () => {
    const { key, ...rest } = parseJob(jobResponse());
    assert.deepEqual(rest, {
      id: 4711,
      instance: 'https://gitlab.example.com',
      projectId: 42,
      timeoutSeconds: 3600,
      image: 'debian:12',
    });
    assert.match(key, /^4711-[0-9a-f]{12}$/);
  });

  for (const [what, image] of [
    ['no image', undefined],
    ['null, as the runner writes nil', null],
    ['an image without a name', { name: '' }],
  ] as const) {
    test(`has none with ${what}`, () => assert.equal(parseJob(jobResponse({ image })).image, undefined));
  }

  test('takes the image as it stands: GitLab Runner has expanded it, and doing it twice would be once too often', () => {
    assert.equal(parseJob(jobResponse({ image: { name: ' $X/y@z ' } })).image, ' $X/y@z ');
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
