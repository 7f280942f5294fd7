import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { makeJob } from '../../../src/player/job.ts';
import { GitLab } from './server.ts';

const gitlab = await GitLab.start();
after(() => gitlab.close());
gitlab.register('glrt-sample');

let lastId = 0;

function enqueue() {
  const id = ++lastId;
  return gitlab.enqueue('glrt-sample', makeJob({ id, token: `token-${id}`, gitlabUrl: gitlab.url }));
}

/** As the runner asks: the whole address, through the proxy that is the server itself. */
async function ask(method: string, path: string, headers: Record<string, string>, body?: string | FormData) {
  const response = await fetch(`${gitlab.proxy}/api/v4${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function request(token = 'glrt-sample') {
  const body = JSON.stringify({ token, system_id: 's_1', info: { features: { cancelable: true } } });
  return await ask('POST', '/jobs/request', { 'runner-token': token }, body);
}

async function patch(id: number, range: string, piece: string, token = `token-${id}`) {
  return await ask('PATCH', `/jobs/${id}/trace`, { 'job-token': token, 'content-range': range }, piece);
}

async function finish(id: number, trace: string, more: Record<string, unknown> = {}) {
  const checksum = `crc32:${crc32(trace).toString(16).padStart(8, '0')}`;
  const output = { checksum, bytesize: Buffer.byteLength(trace) };
  const body = { token: `token-${id}`, state: 'success', checksum, output, ...more };
  return await ask('PUT', `/jobs/${id}`, { 'job-token': `token-${id}` }, JSON.stringify(body));
}

/** Problems since the last call. */
const problems = () => gitlab.problems.splice(0).length;

test('a runner gets the jobs of its queue, and 204 when there are none', async () => {
  const job = enqueue();
  assert.equal((await request('glrt-of-nobody')).status, 403);
  const { status, text } = await request();
  assert.equal(status, 201);
  assert.equal(JSON.parse(text).id, job.id);
  assert.equal(job.status, 'running');
  assert.equal((await request()).status, 204);
  assert.equal(problems(), 0);
});

test('a trace grows by pieces that fit; another one is told where to go on', async () => {
  const job = enqueue();
  await request();
  assert.equal((await patch(job.id, '0-4', 'hello')).status, 202);
  assert.equal((await patch(job.id, '0-4', 'hello', 'token-of-nobody')).status, 403);
  assert.equal(problems(), 1);
  const gap = await patch(job.id, '6-7', 'xy');
  assert.equal(gap.status, 416);
  assert.equal(gap.headers.get('range'), '0-5');
  assert.equal((await patch(job.id, '5-9', 'xy')).status, 400);
  assert.equal(problems(), 2);
  assert.equal((await patch(job.id, '5-6', '!\n')).status, 202);
  assert.equal(job.log, 'hello!\n');
  assert.equal(problems(), 0);
});

test('the final update is checked against the trace, and may be put off', async () => {
  const job = enqueue();
  await request();
  await patch(job.id, '0-4', 'hello');
  job.deferrals = 1;
  assert.equal((await finish(job.id, 'hello')).status, 202);
  assert.equal(job.final, undefined);
  assert.equal(
    (await finish(job.id, 'hello', { state: 'failed', failure_reason: 'script_failure', exit_code: 3 })).status,
    200,
  );
  assert.deepEqual(await job.finished(), { state: 'failed', failureReason: 'script_failure', exitCode: 3 });
  assert.equal(job.status, 'failed');
  assert.equal(problems(), 0);
  const other = enqueue();
  await request();
  await finish(other.id, 'never sent');
  assert.equal(problems(), 1);
});

test('a cancel reaches the runner by the state in every answer', async () => {
  const job = enqueue();
  await request();
  assert.equal((await patch(job.id, '0-0', 'a')).headers.get('job-status'), 'running');
  job.cancel();
  assert.equal((await patch(job.id, '1-1', 'b')).headers.get('job-status'), 'canceling');
  job.forceCancel();
  const answer = await patch(job.id, '2-2', 'c');
  assert.equal(answer.status, 403);
  assert.equal(answer.headers.get('job-status'), 'canceled');
});

test('artifacts need a job that runs and its token', async () => {
  const job = enqueue();
  const upload = async (token: string) => {
    const form = new FormData();
    form.set('file', new File(['content'], 'result.zip'));
    const path = `/jobs/${job.id}/artifacts?artifact_format=zip&artifact_type=archive&expire_in=1+week`;
    return (await ask('POST', path, { 'job-token': token }, form)).status;
  };
  assert.equal(await upload(job.response.token), 403);
  await request();
  assert.equal(await upload('token-of-nobody'), 403);
  assert.equal(await upload(job.response.token), 201);
  assert.equal(job.artifacts[0]?.expireIn, '1 week');
  const download = await ask('GET', `/jobs/${job.id}/artifacts`, { 'job-token': job.response.token });
  assert.equal(download.text, 'content');
  assert.equal(problems(), 1);
});

test("a trace is shown without the runner's time stamps", () => {
  const job = enqueue();
  const trace =
    '2026-01-02T03:04:05.000001Z 00O one\n2026-01-02T03:04:05.000002Z 00O+two\n2026-01-02T03:04:05.000003Z 01E three\n';
  job.trace.append(`0-${trace.length - 1}`, Buffer.from(trace));
  assert.equal(job.log, 'onetwo\nthree\n');
});
