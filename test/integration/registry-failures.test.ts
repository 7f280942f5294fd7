import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AccessRecords } from '../../src/images/access-records.ts';
import { Credentials } from '../../src/images/credentials.ts';
import { resolveImages } from '../../src/images/resolve.ts';
import { parseImageReference } from '../../src/sandbox/image-reference.ts';
import { images, podman, podmanMajor } from './host.ts';
import { forgetImage, freshImage, testRunner } from './registry-job.ts';
import { type Mischief, type RegistryCall, type RegistryProxy, startRegistryProxy } from './registry-proxy.ts';
import { startRegistry } from './registry-server.ts';

const json = { 'content-type': 'application/json' };
const errors = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] });
const wrong = (body: Buffer) => Buffer.from(body.map((byte) => byte ^ 1));
const at = (kind: RegistryCall['kind'], what: Mischief, first = Number.POSITIVE_INFINITY) => {
  return (call: RegistryCall) => (call.kind === kind && call.before < first ? what : undefined);
};
const count = ({ calls }: RegistryProxy, kind: RegistryCall['kind']) =>
  calls.filter((call) => call.kind === kind).length;

/** What it comes to: the driver's exit code, our tries, the requests of one kind at the registry, the line in the log. */
interface Outcome {
  readonly mischief: (call: RegistryCall) => Mischief | undefined;
  readonly exitCode: number;
  readonly tries: number;
  readonly requests: readonly [kind: RegistryCall['kind'], number: number];
  readonly line: RegExp;
}

const outcomes: Record<string, Outcome> = {
  'answers 500 twice: tried again, and fine': {
    mischief: at('manifest', { status: 500, body: 'oops' }, 2),
    exitCode: 0,
    tries: 3,
    requests: ['manifest', 3],
    line: /WARNING: pulling image \S+ failed: .*500 Internal Server Error \(try 1 of 3\); again in 2\.0 s/,
  },
  "answers 503 for ever: the system's failure": {
    mischief: at('manifest', { status: 503 }),
    exitCode: 2,
    tries: 3,
    requests: ['manifest', 3],
    line: /503 Service Unavailable \(try 3 of 3\)[\s\S]*\(image-pull-failed: system failure/,
  },
  'is cut in the middle of a layer, once: fine': {
    mischief: at('blob', { cutAfter: 1_000_000 }, 1),
    exitCode: 0,
    // Podman 5 asks for the rest of the layer by itself.
    ...(podmanMajor < 5
      ? { tries: 2, requests: ['manifest', 2], line: /unexpected EOF \(try 1 of 3\)/ }
      : { tries: 1, requests: ['manifest', 1], line: /^Pulled image/m }),
  },
  "is cut in the middle of a layer, always: the system's failure": {
    mischief: (call) => (call.kind === 'blob' ? { cutAfter: 100_000 } : undefined),
    exitCode: 2,
    tries: 3,
    requests: ['manifest', 3],
    line: /unexpected EOF \(try 3 of 3\)[\s\S]*\(image-pull-failed: system failure/,
  },
  'answers 429 once: Podman itself waits': {
    mischief: at('manifest', { status: 429, headers: json, body: errors('TOOMANYREQUESTS', 'slow down') }, 1),
    exitCode: 0,
    tries: 1,
    requests: ['manifest', 2],
    line: /Pulled image \S+ in [\d.]+ s \([\d.]+MiB unpacked\)/,
  },
  "answers 401: final, and the author's": {
    mischief: at('manifest', { status: 401, headers: json, body: errors('UNAUTHORIZED', 'authentication required') }),
    exitCode: 1,
    tries: 1,
    requests: ['manifest', 1],
    line: /\(image-access-denied: the job cannot run like this/,
  },
  "answers 403: final, and the author's": {
    mischief: at('manifest', { status: 403, body: 'no' }),
    exitCode: 1,
    tries: 1,
    requests: ['manifest', 1],
    line: /(?:StatusCode: 403, no|HTTP 403 response body: )[\s\S]*\(image-access-denied: /,
  },
  "answers 404: final, and the author's": {
    mischief: at('manifest', { status: 404, headers: json, body: errors('MANIFEST_UNKNOWN', 'manifest unknown') }),
    exitCode: 1,
    tries: 1,
    requests: ['manifest', 1],
    line: /\(image-not-found: /,
  },
  "gives a manifest of another digest: final, and not the author's": {
    mischief: at('manifest', { alter: (body) => Buffer.from(body.toString().replace(/[0-9a-f](?=")/, 'x')) }),
    exitCode: 2,
    tries: 1,
    requests: ['manifest', 1],
    line: /does not match provided manifest digest[\s\S]*\(image-pull-failed: system failure/,
  },
  "gives a layer of another digest: final, and not the author's": {
    mischief: at('blob', { alter: wrong }),
    exitCode: 2,
    tries: 1,
    requests: ['manifest', 1],
    line: /(?:Digest did not match|does not match expected)[\s\S]*\(image-pull-failed: /,
  },
  'tells stories: cut, and escaped': {
    mischief: at('manifest', {
      status: 403,
      headers: json,
      body: errors('DENIED', `\u001b[2J\nfake line ${'x'.repeat(300_000)}`),
    }),
    exitCode: 1,
    tries: 1,
    requests: ['manifest', 1],
    line: /denied: \\x1b\[2J\\x0afake line x{100,1000}… [\s\S]*\(image-access-denied: /,
  },
};

suite('a registry that', () => {
  for (const [what, { mischief, exitCode, tries, requests, line }] of Object.entries(outcomes)) {
    test(what, async () => {
      await using image = await freshImage(2);
      await using registry = await startRegistry();
      await using proxy = await startRegistryProxy(registry, mischief);
      await using runner = await testRunner();
      await registry.push(image.name, 'group/tool:1');
      const digest = await registry.digest('group/tool', '1');
      // Else its layers are here already.
      await forgetImage(image.name);
      const name = `${proxy.address}/group/${what.includes('manifest of another') ? `tool@${digest}` : 'tool:1'}`;
      try {
        const result = await runner.prepare(name);
        assert.equal(result.exitCode, exitCode, result.log);
        assert.match(result.log, line);
        assert.equal((result.log.match(/\(try \d of 3\); again in/g)?.length ?? 0) + 1, tries, result.log);
        assert.equal(count(proxy, requests[0]), requests[1]);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(result.log.replaceAll(/\u001b\[0K|\r/g, ''), /[\u0000-\u0009\u000b-\u001f]/);
      } finally {
        await forgetImage(name);
      }
    });
  }

  test('is slow: how far it is shows in plain lines', async () => {
    await using image = await freshImage(13);
    await using registry = await startRegistry();
    await using proxy = await startRegistryProxy(registry, at('blob', { bytesPerSecond: 1024 * 1024 }));
    await using runner = await testRunner();
    await registry.push(image.name, 'group/tool:1');
    await forgetImage(`${registry.address}/group/tool:1`);
    await forgetImage(image.name);
    const name = `${proxy.address}/group/tool:1`;
    try {
      const result = await runner.prepare(name);
      assert.equal(result.exitCode, 0, result.log);
      assert.match(result.log, /^Pulling image \S+: [\d.]+MiB so far(?:, \d parts? done)?, [\d.]+(?:M|K)iB\/s, 10 s$/m);
      assert.match(result.log, /^Pulled image \S+ in 1\d s \([\d.]+MiB unpacked\)$/m);
    } finally {
      await forgetImage(name);
    }
  });
});

suite('several images', () => {
  const place = (stateFolder: string, said: string[]) => ({
    podman,
    credentials: new Credentials(),
    records: () => AccessRecords.open(stateFolder),
    signal: new AbortController().signal,
    say: async (text: string) => {
      said.push(text);
    },
  });
  const wanted = (name: string) => ({
    reference: parseImageReference(name),
    pullPolicies: ['always'] as const,
    platform: undefined,
  });

  test('are pulled at once, and one that is wanted twice once', async () => {
    await using registry = await startRegistry();
    // Nobody is given a manifest before all have asked for theirs.
    let asked = 0;
    const all = Promise.withResolvers<void>();
    await using proxy = await startRegistryProxy(registry, ({ kind }) => {
      if (kind !== 'manifest') return undefined;
      if (++asked === 3) all.resolve();
      return { waitFor: all.promise };
    });
    await using runner = await testRunner();
    const names = ['a', 'b', 'c'].map((path) => `${proxy.address}/group/${path}:1`);
    for (const path of ['a', 'b', 'c']) await registry.push(images.busybox, `group/${path}:1`);
    const said: string[] = [];
    try {
      const [a = '', b = '', c = ''] = names;
      const found = await resolveImages(place(runner.stateFolder, said), [a, b, a, c].map(wanted));
      assert.equal(found.length, 4);
      assert.equal(count(proxy, 'manifest'), 3);
      for (const name of names) assert.equal(said.filter((line) => line.includes(name)).length, 2, said.join('\n'));
    } finally {
      for (const name of names) await forgetImage(name);
    }
  });

  test('the first that cannot be had ends the others, and is to blame', async () => {
    await using registry = await startRegistry();
    await using proxy = await startRegistryProxy(registry, ({ kind, path }) =>
      kind === 'manifest' && path.includes('/slow/') ? { waitFor: new Promise(() => {}) } : undefined,
    );
    await using runner = await testRunner();
    const pulling = resolveImages(
      place(runner.stateFolder, []),
      [`${proxy.address}/slow/tool:1`, `${proxy.address}/group/none:1`].map(wanted),
    );
    await assert.rejects(pulling, { code: 'image-not-found' });
  });
});
