import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  type Destinations,
  podmanHost,
  type Resolve,
  resolveDestinations,
  resolveName,
} from '../../../src/network/destinations.ts';
import type { NetworkRule } from '../../../src/policy/network-rule.ts';

const gitlab = 'https://gitlab.example.com';
const everyone = ['helper', 'build', 'services'];
const known: Readonly<Record<string, readonly string[]>> = {
  'gitlab.example.com': ['192.0.2.10'],
  'registry.example.com': ['192.0.2.20', '192.0.2.21'],
  'intranet.example.com': ['10.1.2.3'],
};

/** Resolves with a resolver that knows some names; tells which it was asked for. */
async function resolve(rules: NetworkRule[], at = gitlab, more: Record<string, readonly string[]> = {}) {
  const asked: string[] = [];
  const resolver: Resolve = async (name) => {
    asked.push(name);
    const found = { ...known, ...more }[name];
    if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${name}`);
    return found;
  };
  const found = await resolveDestinations(rules, at, resolver);
  return { ...found, pins: found.pins.map(({ name, addresses }) => ({ name, addresses })), asked };
}
const reached = ({ destinations }: Destinations) => destinations.map(({ to }) => to);

suite('a rule', () => {
  test('for a name is one for its addresses, and pins it', async () => {
    assert.deepEqual(await resolve([{ to: 'registry.example.com', ports: [443, '8000-8010'] }]), {
      destinations: [
        {
          from: everyone,
          to: ['192.0.2.20', '192.0.2.21'],
          protocol: 'tcp',
          ports: [
            { first: 443, last: 443 },
            { first: 8000, last: 8010 },
          ],
        },
      ],
      pins: [{ name: 'registry.example.com', addresses: ['192.0.2.20', '192.0.2.21'] }],
      warnings: [],
      asked: ['registry.example.com'],
    });
  });

  test('keeps its protocol, and whose it is', async () => {
    const rule: NetworkRule = { to: '192.0.2.1', ports: [53], protocol: 'udp', from: ['build'] };
    assert.deepEqual(await resolve([rule]), {
      destinations: [{ from: ['build'], to: ['192.0.2.1'], protocol: 'udp', ports: [{ first: 53, last: 53 }] }],
      pins: [],
      warnings: [],
      asked: [],
    });
  });

  test('for addresses and for the internet asks nobody', async () => {
    const found = await resolve([
      { to: '10.1.0.0/16', ports: [80] },
      { to: 'internet', ports: [80] },
      { to: '169.254.169.254', ports: [80] },
    ]);
    assert.deepEqual(
      [reached(found), found.pins, found.asked],
      [[['10.1.0.0/16'], 'internet', ['169.254.169.254']], [], []],
    );
  });

  test('for a name of the intranet is the operator’s to write', async () => {
    const found = await resolve([{ to: 'intranet.example.com', ports: [80] }]);
    assert.deepEqual([reached(found), found.warnings], [[['10.1.2.3']], []]);
  });
});

suite('names are resolved', () => {
  test('once, however many rules have them, GitLab’s among them', async () => {
    const { asked, pins, destinations } = await resolve([
      { to: 'gitlab' },
      { to: 'registry.example.com', ports: [443], from: ['build'] },
      { to: 'gitlab.example.com', ports: [22] },
      { to: 'registry.example.com', ports: [5000] },
    ]);
    assert.deepEqual(asked, ['gitlab.example.com', 'registry.example.com']);
    assert.deepEqual(
      pins.map(({ name }) => name),
      asked,
    );
    assert.equal(destinations.length, 4);
  });

  test('once also when they cannot be, with one warning; the rest is allowed all the same', async () => {
    const found = await resolve([
      { to: 'gone.example.com', ports: [80] },
      { to: 'gone.example.com', ports: [443] },
      { to: 'registry.example.com', ports: [443] },
    ]);
    assert.deepEqual(found.asked, ['gone.example.com', 'registry.example.com']);
    assert.deepEqual(found.warnings, [
      'gone.example.com, which the policy allows, cannot be resolved: getaddrinfo ENOTFOUND gone.example.com',
    ]);
    assert.deepEqual(reached(found), [known['registry.example.com']]);
    assert.deepEqual(
      found.pins.map(({ name }) => name),
      ['registry.example.com'],
    );
  });

  test('to nothing, and then nothing is allowed', async () => {
    const found = await resolve([{ to: 'empty.example.com', ports: [80] }], gitlab, { 'empty.example.com': [] });
    assert.deepEqual([found.destinations, found.pins], [[], []]);
  });

  for (const evil of [
    '169.254.169.254', // Metadata of clouds.
    '169.254.170.2',
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '224.0.0.251',
    '255.255.255.255',
  ]) {
    test(`not to ${evil}, whatever their server says`, async () => {
      const name = 'rebind.evil.org';
      for (const [answer, left] of [
        [[evil], []],
        [
          ['192.0.2.66', evil, '192.0.2.67'],
          ['192.0.2.66', '192.0.2.67'],
        ],
      ] as const) {
        const found = await resolve([{ to: name, ports: [80] }], gitlab, { [name]: answer });
        assert.deepEqual(reached(found), left.length === 0 ? [] : [left]);
        assert.deepEqual(found.pins, left.length === 0 ? [] : [{ name, addresses: left }]);
        assert.deepEqual(found.warnings, [`${name} leads to ${evil}, where no name may lead; it is not allowed`]);
      }
    });
  }

  test('not for the names that Podman gives the host: only the sandbox knows them', async () => {
    for (const to of ['host.containers.internal', 'host.docker.internal']) {
      const found = await resolve([{ to, ports: [5000] }], gitlab, { [to]: ['192.0.2.66'] });
      assert.deepEqual([reached(found), found.pins, found.asked, found.warnings], [[[podmanHost]], [], [], []]);
    }
    // Twins of them are names as any other.
    const twin = 'host.containers.internal.evil.org';
    assert.deepEqual(reached(await resolve([{ to: twin, ports: [1] }], gitlab, { [twin]: ['192.0.2.66'] })), [
      ['192.0.2.66'],
    ]);
    assert.deepEqual(
      reached(await resolve([{ to: podmanHost, ports: [1] }], gitlab, { [podmanHost]: ['192.0.2.66'] })),
      [['192.0.2.66']],
    );
  });
});

suite('GitLab is reached at', () => {
  for (const [url, ports, to] of [
    ['https://gitlab.example.com', [443], ['192.0.2.10']],
    ['http://gitlab.example.com', [80], ['192.0.2.10']],
    ['https://gitlab.example.com:8443', [8443], ['192.0.2.10']],
    ['http://gitlab.example.com:443', [443], ['192.0.2.10']],
    ['https://GitLab.Example.com/gitlab', [443], ['192.0.2.10']],
    ['http://192.0.2.5:8080', [8080], ['192.0.2.5']],
    ['http://10.0.0.5', [80], ['10.0.0.5']],
    ['http://host.containers.internal:3000', [3000], [podmanHost]],
  ] as const) {
    test(url, async () => {
      const found = await resolve([{ to: 'gitlab' }], url);
      assert.deepEqual(found.destinations, [
        { from: everyone, to, protocol: 'tcp', ports: ports.map((one) => ({ first: one, last: one })) },
      ]);
      const isName = to[0] === '192.0.2.10';
      assert.deepEqual(found.pins, isName ? [{ name: 'gitlab.example.com', addresses: to }] : []);
      assert.deepEqual(found.warnings, []);
    });
  }

  test('the ports that the rule has, instead of its own', async () => {
    const { destinations } = await resolve(
      [{ to: 'gitlab', ports: [22, '5000-5001'] }],
      'https://gitlab.example.com:8443',
    );
    assert.deepEqual(destinations[0]?.ports, [
      { first: 22, last: 22 },
      { first: 5000, last: 5001 },
    ]);
  });

  test('nothing, where it is the runner itself, a cloud’s metadata, or IPv6', async () => {
    for (const url of [
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://0x7f.1:3000',
      'http://0',
      'http://169.254.169.254',
      'http://2852039166',
      'http://[::1]',
      'http://[::ffff:169.254.169.254]',
    ]) {
      const found = await resolve([{ to: 'gitlab' }], url, { localhost: ['127.0.0.1'] });
      assert.deepEqual([found.destinations, found.pins], [[], []], url);
      assert.equal(found.warnings.length, 1, url);
    }
  });
});

test('the resolver of this host tells IPv4 addresses, each once, and fails for what is no name', async () => {
  assert.deepEqual(await resolveName('localhost'), ['127.0.0.1']);
  assert.deepEqual(await resolveName('192.0.2.1'), ['192.0.2.1']);
  await assert.rejects(resolveName('no-such-name.invalid'));
});
