import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, suite, test } from 'node:test';
import { exportTrace } from '../../../src/telemetry/export.ts';
import { telemetrySettings } from '../../../src/telemetry/settings.ts';
import { readPairs, traceIdOf, traceRequest } from '../../../src/telemetry/spans.ts';
import { configuration, job, jobResponse, jobToken } from '../samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-telemetry-'));
after(() => rmSync(root, { recursive: true }));

const endpoint = 'http://127.0.0.1:4318';
const traces = `${endpoint}/v1/traces`;

suite('traces are sent', () => {
  for (const [what, env, to] of [
    ['nowhere, where nobody asks', {}, undefined],
    ['nowhere, when a job asks', { CUSTOM_ENV_OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, undefined],
    ['to a path of the common endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, traces],
    ['to the same path, with a slash', { OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/` }, traces],
    [
      'to their own endpoint as it is',
      { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x/' },
      'http://x/',
    ],
    ['nowhere, when all is off', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    ['nowhere, without exporter', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    ['nowhere, when it is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
  ] as const) {
    test(what, () => assert.equal(telemetrySettings(env)?.endpoint, to));
  }
});

test('pairs are read as the environment has them', () => {
  assert.deepEqual(readPairs('a=1, b = x%20y ,c=d=e,=2,none,bad=%zz,'), { a: '1', b: 'x y', c: 'd=e' });
  assert.deepEqual(readPairs(undefined), {});
});

test('the trace of a job is the same in each process, and of no other job', () => {
  assert.match(traceIdOf(job.key), /^[0-9a-f]{32}$/);
  assert.equal(traceIdOf(job.key), traceIdOf(job.key));
  assert.notEqual(traceIdOf(job.key), traceIdOf(`${job.key}0`));
});

test('a stage is a span, with its steps below it', () => {
  const steps = [
    { name: 'decide', ended: 1_700_000_000_010 },
    { name: 'images', ended: 1_700_000_000_030 },
  ];
  const times = { began: 1_700_000_000_000, ended: 1_700_000_000_040 };
  const stage = { name: 'prepare', ...times, outcome: 'job', code: 'image-not-found', steps } as const;
  const env = { OTEL_SERVICE_NAME: 'ci', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,host.name=h' };
  const { resourceSpans } = JSON.parse(JSON.stringify(traceRequest(job, stage, env)));
  const { attributes } = resourceSpans[0].resource;
  for (const [key, stringValue] of [
    ['service.name', 'ci'],
    ['host.name', 'h'],
  ]) {
    assert.deepEqual(
      attributes.filter((attribute: { key: string }) => attribute.key === key),
      [{ key, value: { stringValue } }],
    );
  }
  const [own, first, second] = resourceSpans[0].scopeSpans[0].spans;
  assert.match(own.spanId, /^[0-9a-f]{16}$/);
  assert.deepEqual(
    [own, first, second].map((span) => [span.name, span.startTimeUnixNano, span.endTimeUnixNano, span.parentSpanId]),
    [
      ['prepare', '1700000000000000000', '1700000000040000000', undefined],
      ['decide', '1700000000000000000', '1700000000010000000', own.spanId],
      ['images', '1700000000010000000', '1700000000030000000', own.spanId],
    ],
  );
  assert.equal(new Set([own, first, second].map(({ spanId }) => spanId)).size, 3);
  for (const { traceId } of [own, first, second]) assert.equal(traceId, traceIdOf(job.key));
  assert.deepEqual(own.status, { code: 2 });
  assert.deepEqual(own.attributes, [
    { key: 'cicd.pipeline.task.run.id', value: { stringValue: '4711' } },
    { key: 'bulkhead.outcome', value: { stringValue: 'job' } },
    { key: 'error.type', value: { stringValue: 'image-not-found' } },
  ]);
});

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of OTLP over HTTP, which answers as it should or never. */
async function collector(behaviour: 'answers' | 'hangs' | 'hangs in its answer' | 'breaks off') {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    received.push({ url: request.url, headers: request.headers, body: await text(request) });
    if (behaviour === 'answers') response.setHeader('content-type', 'application/json').end('{}');
    if (behaviour === 'hangs in its answer') response.writeHead(200).write('{');
    if (behaviour === 'breaks off') request.socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

suite('a stage goes on', { concurrency: 4 }, () => {
  for (const behaviour of ['answers', 'hangs', 'hangs in its answer', 'breaks off'] as const) {
    test(`with a collector that ${behaviour}`, async () => {
      await using there = await collector(behaviour);
      await exportTrace(there.endpoint, { a: 1 }, { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=s%20t' });
      const [{ headers, body } = { headers: undefined, body: '' }] = there.received;
      assert.deepEqual([headers?.['content-type'], headers?.['x-key'], body], ['application/json', 's t', '{"a":1}']);
    });
  }
  for (const address of ['http://127.0.0.1:1', 'nonsense', 'ftp://127.0.0.1', 'http://127.0.0.1:1/%']) {
    test(`with ${address}`, () => exportTrace(address, {}, {}));
  }
  test('with a header that cannot be', () => exportTrace(traces, {}, { OTEL_EXPORTER_OTLP_HEADERS: 'a=%0d%0a' }));
});

suite('the driver', () => {
  const config = join(root, 'config.json');
  const response = join(root, 'response.json');
  mkdirSync(join(root, 'state'), { mode: 0o700 });
  writeFileSync(config, JSON.stringify({ ...configuration, stateFolder: join(root, 'state') }));
  writeFileSync(response, JSON.stringify(jobResponse()));
  async function stage(args: string[], env: NodeJS.ProcessEnv) {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    const own = { PATH: process.env['PATH'], BULKHEAD_CONFIG: config, JOB_RESPONSE_FILE: response };
    const child = spawn(process.execPath, [main, ...args], { env: { ...own, ...env }, stdio: 'ignore' });
    return (await once(child, 'close'))[0];
  }
  const spansOf = ({ body }: Received) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans;

  test('sends each stage, all of a job in one trace, and nothing that jobs chose', async () => {
    await using there = await collector('answers');
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: there.endpoint, CUSTOM_ENV_SECRET: jobToken };
    assert.equal(await stage(['config'], env), 0);
    assert.notEqual(await stage(['run', '/none', 'step_evil"'], { ...env, SYSTEM_FAILURE_EXIT_CODE: '77' }), 0);
    const spans = there.received.flatMap(spansOf);
    assert.deepEqual(
      spans.map(({ name, traceId }) => [name, traceId]),
      [
        ['config', traceIdOf(job.key)],
        ['run step', traceIdOf(job.key)],
      ],
    );
    assert.deepEqual(spans[1].attributes.at(-1), { key: 'error.type', value: { stringValue: 'script-unreadable' } });
    for (const { url, body } of there.received) {
      assert.equal(url, '/v1/traces');
      for (const word of [jobToken, 'evil', 'group/project', 'debian']) assert.ok(!body.includes(word), word);
    }
  });

  test('sends nothing for a job that asks for it', async () => {
    await using there = await collector('answers');
    assert.equal(await stage(['config'], { CUSTOM_ENV_OTEL_EXPORTER_OTLP_ENDPOINT: there.endpoint }), 0);
    assert.deepEqual(there.received, []);
  });

  test('gives its exit code though the collector hangs', async () => {
    await using there = await collector('hangs');
    assert.equal(await stage(['config'], { OTEL_EXPORTER_OTLP_ENDPOINT: there.endpoint }), 0);
    assert.equal(there.received.length, 1);
  });
});
