import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPodman } from '../../../src/podman/client.ts';
import { parseJob } from '../../../src/runner/job.ts';
import { SharedLog } from '../../../src/runner/shared-log.ts';
import { debugsServices, showServiceLogs } from '../../../src/stages/service-logs.ts';
import { jobResponse } from '../samples.ts';

/* A Podman that is silent, and a log that nobody reads, cannot be had of the real ones at will. */

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-logs-'));
after(() => rmSync(folder, { recursive: true }));

const job = parseJob(jobResponse({ services: [{ name: 'redis', alias: 'cache' }] }));
const text = Buffer.from('2026-08-22T10:00:01Z ready\n');
const frame = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]), text]);

/** Shows the logs for 300 ms; tells what was asked of Podman, what was written, and how long the end took. */
async function show(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: { env?: NodeJS.ProcessEnv; write?: (data: Uint8Array) => Promise<void> } = {},
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  const socketPath = join(mkdtempSync(join(folder, 'x-')), 's');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  let written = '';
  const keep = async (data: Uint8Array) => {
    written += Buffer.from(data).toString();
  };
  const log = new SharedLog((_stream, data) => (options.write ?? keep)(data));
  const { env = { CUSTOM_ENV_CI_DEBUG_SERVICES: 'true' } } = options;
  try {
    const end = showServiceLogs(openPodman(socketPath), env, job, null, 'policy "p"', log);
    await sleep(300);
    const began = performance.now();
    await end();
    return { asked, written, endMs: performance.now() - began };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const speaks = (request: IncomingMessage, response: ServerResponse) => {
  request.resume();
  if (request.method === 'PUT') response.end();
  else if (request.url?.includes('/logs')) response.end(frame);
  else response.writeHead(404).end('{}');
};

suite('the logs of services', () => {
  test('are asked for where the job says so, as GitLab Runner reads it', () => {
    for (const [value, expected] of [
      ['true', true],
      ['1', true],
      ['True', true],
      ['false', false],
      ['yes', false],
      ['', false],
      [undefined, false],
    ] as const) {
      assert.equal(debugsServices({ CUSTOM_ENV_CI_DEBUG_SERVICES: value }), expected, value);
    }
  });

  test('are not asked for otherwise', async () => {
    assert.deepEqual((await show(speaks, { env: {} })).asked, []);
  });

  test('are shown once, and up to where is kept', async () => {
    const { written, asked } = await show(speaks);
    assert.equal(written, '[service:cache] 2026-08-22T10:00:01Z ready\n');
    assert.match(asked.at(-1) ?? '', /^PUT .*courier\/archive/);
    const logs = asked.filter((line) => line.includes('/logs'));
    assert.ok(logs.every((line) => line.includes(`-service-0/logs`)));
    assert.match(logs.at(-1) ?? '', /since=1787392801\b/);
  });

  test('of a Podman that does not answer hold no stage up', async () => {
    const { endMs, written } = await show(() => {});
    assert.ok(endMs < 1500, `${endMs} ms`);
    assert.equal(written, '');
  });

  test('that nobody reads any more are no failure of theirs', async () => {
    const { endMs } = await show(speaks, { write: () => Promise.reject(new Error('closed')) });
    assert.ok(endMs < 1500, `${endMs} ms`);
  });

  test('hold no stage up, either, when the reader of the log stalls', async () => {
    const { endMs } = await show(speaks, { write: () => new Promise(() => {}) });
    assert.ok(endMs < 1500, `${endMs} ms`);
  });
});
