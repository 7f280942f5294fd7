import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeNetworkEgress } from '../../../src/guarantees/network-egress.ts';
import { observeNetworkIsolation } from '../../../src/guarantees/network-isolation.ts';
import { observeNetworkNetstack } from '../../../src/guarantees/network-netstack.ts';
import type { NetworkFacts, SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import type { GuardSight } from '../../../src/network/guard.ts';
import { blind, demand, facts, id, said, spec, withProbe } from './sample-facts.ts';

const network = 'bulkhead-1-network-build';
const bridge = 'bh0123456789b';
const namespaces = (change: Partial<NetworkFacts>): SandboxFacts => ({
  ...facts,
  network: { ...facts.network, ...change },
});
const on = (...networks: string[]): SandboxFacts => ({ ...facts, container: { ...facts.container, networks } });
const alone = { ...demand, spec: { ...spec, networks: [] } };
const lonely = (seen: SandboxFacts): SandboxFacts => ({ ...seen, container: { ...seen.container, networks: [] } });

suite('network.isolation', () => {
  for (const [what, seen, asked, outcome] of [
    ['is proven', facts, demand, /^proven: a network namespace of its own, 1 network$/],
    ['needs no probe for it', blind, demand, /^proven/],
    [
      "is none in the driver's namespace",
      namespaces({ sandbox: 'net:[1]', host: undefined }),
      demand,
      /^violated: .*the host's/,
    ],
    ["is none in the host's", namespaces({ sandbox: 'net:[1]', driver: 'net:[2]' }), demand, /^violated: .*the host's/],
    [
      "is none in another sandbox's",
      namespaces({ sharedWith: ['cd'.repeat(32)] }),
      demand,
      /^violated: .*another sandbox \(cdcdcdcdcdcd\)/,
    ],
    ['is not seen by another user', namespaces({ sandbox: undefined }), demand, /^unavailable: .*may not be looked at/],
    ['is none on one more network', on(network, 'podman'), demand, /^violated: .*not asked for: podman/],
    [
      'is none on another network',
      on('bulkhead-2-network-build'),
      demand,
      /^violated: .*not asked for: bulkhead-2-network-build/,
    ],
    ['is not what was asked for without its network', on(), demand, /^violated: it is not on the network bulkhead-1/],
    ['is proven without a network', lonely(withProbe({ interfaces: ['lo'] })), alone, /^proven: loopback only/],
    ['is proven without even a loopback', lonely(withProbe({ interfaces: [] })), alone, /^proven: loopback only/],
    [
      'is none with an interface nobody asked for',
      lonely(withProbe({ interfaces: ['lo', 'tap0'] })),
      alone,
      /^violated: .*has tap0/,
    ],
    ['is none on a network nobody asked for', withProbe({ interfaces: ['lo'] }), alone, /^violated: .*not asked for/],
    ['is not seen where no interfaces are', lonely(withProbe({ interfaces: null })), alone, /^unavailable/],
    ['is not seen by the blind', lonely(blind), alone, /^unavailable: the probe is blind/],
  ] as const) {
    test(what, () => assert.match(said(observeNetworkIsolation(seen, asked)), outcome));
  }
});

suite('network.egress', () => {
  const guarded = (change: Partial<GuardSight>, seen = facts): SandboxFacts => ({
    ...seen,
    guard: { seen: { difference: undefined, refused: { [bridge]: 2 }, ...change } },
  });
  const inner = 'bulkhead-1-network-internal';
  const outward = { internal: false, interfaceName: bridge };
  const inward = { internal: true, interfaceName: 'bh0123456789i' };
  /** Of a sandbox that has a way out, and meets others. */
  const both = { ...demand, spec: { ...spec, networks: [network, inner] } };
  const onBoth = (seen: SandboxFacts): SandboxFacts => ({
    ...seen,
    networks: { [network]: outward, [inner]: inward },
  });
  /** Of a sandbox that only meets others. */
  const kept = { ...demand, spec: { ...spec, networks: [inner] } };
  const onInner = (seen: SandboxFacts): SandboxFacts => ({ ...seen, networks: { [inner]: inward } });
  const [one = '', other = ''] = demand.canaries ?? [];
  const connected = (connections: Record<string, number>) => withProbe({ connections });
  const unguarded: SandboxFacts = { ...facts, guard: undefined };
  const unread: SandboxFacts = { ...facts, guard: { unseen: 'the rules hide' } };
  const changed = guarded({ difference: 'the set closed is another' });

  for (const [what, seen, asked, outcome] of [
    ['is proven by rules that refused this host', facts, demand, /^proven: rules in place, this host refused$/],
    ['is proven on two networks', onBoth(facts), both, /^proven: rules in place, this host refused$/],
    [
      'is proven, and says so, where this host cannot be tried',
      connected({}),
      { ...demand, canaries: [] },
      /^proven: rules in place, this host was not tried: the driver sees another network$/,
    ],
    ['is the same where no canary is spoken of', connected({}), { spec }, /^proven: .* was not tried/],
    [
      'needs no packet where none was sent',
      guarded({ refused: {} }, connected({})),
      { ...demand, canaries: [] },
      /^proven: .* was not tried/,
    ],

    ['is not seen without a guard', unguarded, demand, /^unavailable: nothing guards its networks$/],
    ['is not seen without one on an internal network', onInner(unguarded), kept, /^unavailable: nothing guards/],
    ['is not seen when the rules are not', unread, demand, /^unavailable: the rules hide$/],
    [
      'is not seen when the rules are not, on an internal network',
      onInner(unread),
      kept,
      /^unavailable: the rules hide$/,
    ],
    ['is violated by other rules', changed, demand, /^violated: .* not what was loaded: the set closed is another$/],
    ['is violated by other rules that the blind do not see', { ...changed, probe: blind.probe }, demand, /^violated/],
    ['is violated by other rules on an internal network', onInner(changed), kept, /^violated: .* not what was loaded/],
    ['is not seen by the blind', blind, demand, /^unavailable: the probe is blind$/],
    ['is not seen by the blind on an internal network', onInner(blind), kept, /^unavailable: the probe is blind$/],

    [
      'is violated when it gets there',
      connected({ [one]: 0, [other]: 113 }),
      demand,
      /^violated: .*192\.0\.2\.1:40000$/,
    ],
    [
      'is violated when it gets everywhere, and tells each',
      connected({ [one]: 0, [other]: 0 }),
      demand,
      /^violated: it reaches this host at 192\.0\.2\.1:40000, 10\.0\.2\.2:40000$/,
    ],
    [
      'is violated when it gets to one, and never tried the other',
      connected({ [other]: 0 }),
      demand,
      /^violated: it reaches/,
    ],
    [
      'is not seen where it did not try',
      connected({ [one]: 113 }),
      demand,
      /^unavailable: .*try to reach 10\.0\.2\.2:40000$/,
    ],
    [
      'is not seen where it tried something else',
      connected({ '192.0.2.1:4000': 113 }),
      demand,
      /^unavailable: .* 192\.0\.2\.1:40000, 10/,
    ],
    [
      'is not concerned with what else it reaches',
      connected({ [one]: 113, [other]: 111, '192.0.2.9:1': 0 }),
      demand,
      /^proven/,
    ],

    [
      'is violated when no packet came by the rules',
      guarded({ refused: { [bridge]: 0 } }),
      demand,
      /^violated: what it sent by bulkhead-1-network-build did not come by the rules$/,
    ],
    ['is violated when nobody counted', guarded({ refused: {} }), demand, /^violated: .* did not come by the rules/],
    [
      'is violated when another bridge counted',
      guarded({ refused: { bh0123456789h: 9 } }),
      demand,
      /^violated: .* did not come/,
    ],
    [
      'is violated when the network has another bridge',
      { ...facts, networks: { [network]: { ...outward, interfaceName: 'bh0123456789s' } } },
      demand,
      /^violated: .* did not come/,
    ],
    ['is violated on a network that is not known', { ...facts, networks: {} }, demand, /^violated: .* did not come/],
    [
      'is violated on one of two that should be internal, and is not',
      { ...facts, networks: { [network]: outward, [inner]: { ...inward, internal: false } } },
      both,
      /^violated: .* by bulkhead-1-network-internal did not come/,
    ],

    [
      'is proven on an internal network without a way out',
      onInner(withProbe({ defaultRoute: false })),
      kept,
      /^proven: an internal network only, no default route$/,
    ],
    ['is violated when that one leads out', onInner(facts), kept, /^violated: .*default route/],
    [
      'is violated when that one leads to this host',
      onInner(withProbe({ defaultRoute: false, connections: { [one]: 0, [other]: 113 } })),
      kept,
      /^violated: it reaches this host/,
    ],
    [
      'is not seen where no routes are',
      onInner(withProbe({ defaultRoute: null })),
      kept,
      /^unavailable: .*no list of routes/,
    ],
    [
      'is proven without a network, which nothing guards',
      { ...withProbe({ defaultRoute: null, interfaces: ['lo'] }), guard: undefined },
      alone,
      /^proven: no network$/,
    ],
    [
      'is proven without even a loopback',
      withProbe({ defaultRoute: null, interfaces: [] }),
      alone,
      /^proven: no network/,
    ],
    ['is proven with a list of no routes', withProbe({ defaultRoute: false }), alone, /^proven: no network$/],
    ['is violated with a route nobody asked for', facts, alone, /^violated: .*default route/],
    ['is not seen with interfaces but no routes', withProbe({ defaultRoute: null }), alone, /^unavailable: .*routes/],
    [
      'is not seen without routes and interfaces',
      withProbe({ defaultRoute: null, interfaces: null }),
      alone,
      /^unavailable/,
    ],
    ['is not seen by the blind, without a network', blind, alone, /^unavailable: the probe is blind$/],
  ] as const) {
    test(what, () => assert.match(said(observeNetworkEgress(seen, asked)), outcome));
  }
});

suite('network.netstack', () => {
  const flagged = (...words: string[]) => ({
    process: { pid: 1, uid: 1, commandLine: ['runsc-sandbox', ...words, 'boot', '--bundle=/--network=host', id] },
  });
  for (const [what, seen, outcome] of [
    ['is the default', flagged(), /^proven: gVisor's network stack/],
    ['is proven when asked for', flagged('--network=sandbox'), /^proven/],
    ['is proven where there is none', flagged('--network=none'), /^proven: no network stack/],
    ["is unavailable on the kernel's", flagged('--network=host'), /^unavailable: .*--network=host/],
    ['is unavailable on any other', flagged('--network=plugin'), /^unavailable: .*--network=plugin/],
    ['follows the last of two', flagged('--network=sandbox', '-network=host'), /^unavailable/],
    ['is not seen without a process', { process: undefined }, /^unavailable/],
  ] as const) {
    test(what, () => {
      const observation = observeNetworkNetstack(seen);
      assert.match(said(observation), outcome);
      if (/network=/.test(said(observation)) && observation.state === 'unavailable')
        assert.match(observation.remedy, /--network=sandbox/);
    });
  }
});
