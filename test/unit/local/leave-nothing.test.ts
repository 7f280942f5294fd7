import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { leaveNothing } from '../../../src/local/local-job.ts';
import type { StageResult } from '../../../src/player/stage-process.ts';
import { openPodman } from '../../../src/podman/client.ts';
import { FakeDriver } from '../player/fake-driver.ts';

const driver = new FakeDriver();
const socket = `${driver.root}/podman.sock`;
let status = 404;
const server = createServer((_, response) => response.writeHead(status).end('{}'));
before(async () => {
  await new Promise<void>((listening) => server.listen(socket, listening));
});
after(() => {
  server.close();
  driver[Symbol.dispose]();
});

const ended = (exitCode: number, stderr = '') =>
  ({ exitCode, signal: null, stderr: Buffer.from(stderr) }) as Partial<StageResult> as StageResult;

async function notes(cleanup: () => Promise<StageResult | undefined>): Promise<string[]> {
  const told: string[] = [];
  const note = async (text: string) => void told.push(text);
  await leaveNothing({ podman: openPodman(socket), note }, driver.player(), cleanup);
  return told;
}

test('a run of which nothing is left is not talked about', async () => {
  status = 404;
  assert.deepEqual(await notes(async () => ended(0)), []);
  assert.deepEqual(await notes(async () => undefined), []);
});

test('what is left is told, whatever kept it, and changes nothing about how the run ended', async () => {
  status = 404;
  assert.match(
    (await notes(async () => ended(2, 'no \x1b[2Jsocket\n'))).join(),
    /bulkhead gc .*ended with 2\. no \S+socket$/,
  );
  assert.match((await notes(() => Promise.reject(new Error('cannot be started')))).join(), /cannot be started/);
  status = 500;
  assert.equal((await notes(async () => ended(0))).length, 1);
});
