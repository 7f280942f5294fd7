import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PullRequest, pullImage } from '../../../src/images/pull.ts';
import { openPodman } from '../../../src/podman/client.ts';
import { Secret } from '../../../src/secret.ts';

/* What the real Podman says cannot be cut at will, so these tests speak its protocol. */

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-pull-'));
after(() => rmSync(folder, { recursive: true }));

const name = 'registry.example.com/group/tool:1';
const id = '2fb2589233f7'.padEnd(64, '0');
const done = { status: 'Download complete', progressDetail: {}, id: id.slice(0, 12) };
const line = (event: unknown) => `${JSON.stringify(event)}\n`;

type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const fine: Answer = (response) => response.end(line(done));
const fails =
  (message: string): Answer =>
  (response) =>
    response.end(line({ errorDetail: { message }, error: message }));

let sockets = 0;

/** Pulls where Podman gives these answers, one after the other, the last again and again. */
async function pull(
  answers: readonly Answer[],
  change: Partial<PullRequest> = {},
  signal = new AbortController().signal,
) {
  const socketPath = join(folder, `${sockets++}.sock`);
  const requests: IncomingMessage[] = [];
  const said: string[] = [];
  const came: number[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ Id: `sha256:${id}`, Size: 1024, Os: 'linux', Architecture: 'amd64' }));
      return;
    }
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push(request);
    answer?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    const place = {
      podman: openPodman(socketPath),
      signal,
      say: async (text: string) => {
        said.push(text);
      },
      came: (bytes: number) => {
        came.push(bytes);
      },
    };
    const request = { name, platform: undefined, credential: undefined, ...change };
    const result = await pullImage(place, request, { heartbeatMs: 40, waitsMs: [5, 5] }).then(
      (image) => ({ image, error: undefined }),
      (error) => ({ image: undefined, error }),
    );
    return { ...result, requests, said, came };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

suite('a pull', () => {
  test('tells the bytes of each try', async () => {
    const bytes = (current: number) =>
      line({ status: 'Downloading', progressDetail: { current, total: 900 }, id: id.slice(0, 12) });
    const { came } = await pull([
      (response) => response.end(bytes(100) + bytes(300) + line({ error: 'connection reset by peer' })),
      (response) => response.end(bytes(900) + line(done)),
    ]);
    assert.deepEqual(came, [300, 900]);
  });

  test('gives the image, and says so', async () => {
    const { image, said, requests } = await pull([fine]);
    assert.equal(image?.id, `sha256:${id}`);
    assert.equal(requests.length, 1);
    assert.equal(said[0], `Pulling image ${name} ...`);
    assert.match(said[1] ?? '', /^Pulled image registry\.example\.com\/group\/tool:1 in 0\.\d s \(1KiB unpacked\)$/);
  });

  for (const [what, answer] of [
    ['is cut off', (response) => response.write(line(done), () => response.destroy())],
    ['says nothing', (response) => response.end()],
    ['ends in the middle', (response) => response.end(line({ ...done, status: 'Pulling fs layer' }))],
    ['ends with another image', (response) => response.end(line({ ...done, id: 'f'.repeat(12) }))],
    ['says what nobody understands at its end', (response) => response.end(line(done) + line({ status: 'Hm' }))],
  ] as const satisfies [string, Answer][]) {
    test(`that ${what} is none, and is tried again`, async () => {
      const { error, requests } = await pull([answer]);
      assert.equal(error?.code, 'image-pull-failed', error);
      assert.equal(requests.length, 3);
      assert.equal((await pull([answer, fine])).image?.id, `sha256:${id}`);
    });
  }

  for (const [message, code, tries] of [
    ['received unexpected HTTP status: 502 Bad Gateway', 'image-pull-failed', 3],
    ['happened during read: unexpected EOF', 'image-pull-failed', 3],
    ['unauthorized: authentication required', 'image-access-denied', 1],
    ['manifest unknown: manifest unknown', 'image-not-found', 1],
    ['toomanyrequests: slow down', 'image-pull-failed', 1],
    ['Digest did not match, expected sha256:a, got sha256:b', 'image-pull-failed', 1],
  ] as const) {
    test(`that fails with "${message}" is tried ${tries} times`, async () => {
      const { error, requests, said } = await pull([fails(message)]);
      assert.equal(error?.code, code);
      assert.equal(requests.length, tries);
      assert.equal(said.filter((text) => text.includes('WARNING')).length, tries - 1);
      if (tries === 3) assert.match(error.message, /\(try 3 of 3\)$/);
    });
  }

  test('says what went wrong, and when it goes on', async () => {
    const { said } = await pull([fails('received unexpected HTTP status: 500 \u001b[2J'), fine]);
    assert.match(
      said[1] ?? '',
      /^bulkhead: WARNING: pulling image .*:1 failed: .* 500 \\x1b\[2J \(try 1 of 3\); again in 0\.0 s$/,
    );
  });

  test('says it in lines of its own and of no great length, whatever a registry says', async () => {
    const noise = 'x\u001b[2J\r\nPulled image \u202eevil\u0085\u0007'.repeat(5000);
    for (const message of [`received unexpected HTTP status: 500 ${noise}`, `unauthorized: ${noise}`, noise]) {
      const { said, error } = await pull([fails(message)]);
      for (const text of [...said, error?.message ?? '', error?.hint ?? '']) {
        assert.ok(text.length < 6000, `${text.length} characters`);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }
  });

  test('says how far it is in a short line, whatever Podman was told of sizes', async () => {
    const { said } = await pull([
      async (response) => {
        for (const [index, current] of [1e308, 1e308, -5, 0.1, '9'.repeat(999), null].entries()) {
          const id = String(index).repeat(12);
          response.write(line({ status: 'Downloading', progressDetail: { current, total: 1 }, id }));
          response.write(line({ status: `\u001b[2J${'y'.repeat(9000)}`, id }));
        }
        await sleep(150);
        response.end(line(done));
      },
    ]);
    assert.ok(said.length > 2, said.join('\n'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    for (const text of said) assert.ok(text.length < 200 && !/[\u0000-\u001f]/.test(text), text);
  });

  test('says from time to time how far it is', async () => {
    const { said } = await pull([
      async (response) => {
        response.write(
          line({ status: 'Downloading', progressDetail: { current: 2048, total: 4096 }, id: 'a'.repeat(12) }),
        );
        await sleep(150);
        response.end(line(done));
      },
    ]);
    const beats = said.filter((text) => text.startsWith(`Pulling image ${name}: 2KiB so far`));
    assert.ok(beats.length >= 2 && beats.length <= 4, said.join('\n'));
  });

  test('ends when it is to end', async () => {
    const stop = new AbortController();
    const reason = new Error('stop');
    const waiting = pull([() => setTimeout(() => stop.abort(reason), 30)], {}, stop.signal);
    assert.equal((await waiting).error, reason);
  });
});

suite('credentials', () => {
  const header = ({ headers }: IncomingMessage) =>
    JSON.parse(Buffer.from(`${headers['x-registry-auth']}`, 'base64url').toString());
  const login = (username: string, password: string, identityToken?: string) => ({
    source: 'the test',
    login: new Secret({ username, password, identityToken }),
  });

  test('go to Podman in a header, and nowhere else', async () => {
    const { requests, said } = await pull([fine], { credential: login('user', 'pa>ss?wörd') });
    const [request] = requests;
    assert.ok(request);
    assert.deepEqual(header(request), { username: 'user', password: 'pa>ss?wörd' });
    assert.equal(request.url, `/images/create?fromImage=${encodeURIComponent(name)}`);
    assert.equal(said[0], `Pulling image ${name} with credentials from the test ...`);
  });

  test('may be a token', async () => {
    const { requests } = await pull([fine], { credential: login('', '', 'token') });
    assert.deepEqual(requests.map(header), [{ username: '', password: '', identitytoken: 'token' }]);
  });

  test("are said to be none where there are none: Podman would take its own user's", async () => {
    const { requests } = await pull([fine]);
    assert.deepEqual(requests.map(header), [{}]);
  });

  test('do not show in what a registry says of them', async () => {
    const encoded = Buffer.from('user:TopSecret').toString('base64');
    const message = `received unexpected HTTP status: 500 TopSecret Basic ${encoded}`;
    const { error, said } = await pull([fails(message)], { credential: login('user', 'TopSecret') });
    const shown = [error.message, error.stack, ...said].join('\n');
    assert.ok(!shown.includes('TopSecret') && !shown.includes(encoded), shown);
    assert.match(error.message, /500 \[masked\] Basic \[masked\]/);
  });
});

test('the platform goes with the request', async () => {
  const { requests, said } = await pull([fine], { platform: 'linux/amd64' });
  assert.match(requests[0]?.url ?? '', /[?&]platform=linux%2Famd64$/);
  assert.equal(said[0], `Pulling image ${name} for linux/amd64 ...`);
});
