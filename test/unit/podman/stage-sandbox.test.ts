import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openPodman } from '../../../src/podman/client.ts';
import { findStageSandbox } from '../../../src/podman/stage-sandbox.ts';
import { labelKeys } from '../../../src/sandbox/names.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-inspect-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** An API that answers every request with the next of these, the last one for good. */
async function api(...answers: readonly (readonly [status: number, body: unknown])[]) {
  const socket = join(root, `${count++}.sock`);
  let asked = 0;
  const server = createServer((_request, response) => {
    const [status, body] = answers[Math.min(asked++, answers.length - 1)] ?? [500, {}];
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  after(() => server.close());
  return { podman: openPodman(socket), asked: () => asked };
}

const labels = {
  [labelKeys.limits]: '{"log":1,"disk":2,"memory":null,"pids":null}',
  [labelKeys.ulimits]: '4=0:0 7=1:2',
  [labelKeys.entrypoint]: '["/entry","a b"]',
  [labelKeys.policy]: 'restricted',
};
const inspected = [200, { Config: { Labels: labels } }] as const;

test('one call tells what the stage needs', async () => {
  const { podman, asked } = await api(inspected);
  assert.deepEqual(await findStageSandbox(podman, 'name', 0), {
    name: 'name',
    limits: { log: 1, disk: 2, memory: null, pids: null },
    ulimits: ['4=0:0', '7=1:2'],
    entrypoint: ['/entry', 'a b'],
    policy: 'restricted',
  });
  assert.equal(asked(), 1);
});

test('a service that is still starting is waited for, but not for ever', async () => {
  const { podman, asked } = await api([500, {}], [503, {}], inspected);
  assert.equal((await findStageSandbox(podman, 'name', 5000)).policy, 'restricted');
  assert.equal(asked(), 3);
  await assert.rejects(findStageSandbox((await api([500, {}])).podman, 'name', 300), { code: 'podman-request-failed' });
  await assert.rejects(findStageSandbox(openPodman(join(root, 'none')), 'name', 0), { code: 'podman-unreachable' });
});

for (const [what, answer, code] of [
  ['a sandbox that is gone', [404, { message: 'no such container' }], 'sandbox-missing'],
  ['labels that are not ours', [200, { Config: { Labels: { other: 'x' } } }], 'internal-error'],
  [
    'ulimits that are not ours',
    [200, { Config: { Labels: { ...labels, [labelKeys.ulimits]: '4=0:0 sh' } } }],
    'internal-error',
  ],
  [
    'an entrypoint that is not ours',
    [200, { Config: { Labels: { ...labels, [labelKeys.entrypoint]: '"/bin/false"' } } }],
    'internal-error',
  ],
  [
    'no entrypoint, not even none',
    [200, { Config: { Labels: { ...labels, [labelKeys.entrypoint]: undefined } } }],
    'internal-error',
  ],
  ['no labels', [200, { Config: { Labels: null } }], 'internal-error'],
] as const) {
  test(`${what}: said at once`, async () => {
    const { podman, asked } = await api(answer);
    await assert.rejects(findStageSandbox(podman, 'name', 60_000), { code });
    assert.equal(asked(), 1);
  });
}
