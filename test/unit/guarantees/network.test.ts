import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeNetworkEgress } from '../../../src/guarantees/network-egress.ts';
import { observeNetworkIsolation } from '../../../src/guarantees/network-isolation.ts';
import { observeNetworkNetstack } from '../../../src/guarantees/network-netstack.ts';
import type { NetworkFacts, SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import { blind, demand, facts, id, said, spec, withProbe } from './sample-facts.ts';

const network = 'bulkhead-1-network';
const namespaces = (change: Partial<NetworkFacts>): SandboxFacts => ({
  ...facts,
  network: { ...facts.network, ...change },
});
const on = (...networks: string[]): SandboxFacts => ({ ...facts, container: { ...facts.container, networks } });
const alone = { spec: { ...spec, networks: [] } };
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
    ['is none on another network', on('bulkhead-2-network'), demand, /^violated: .*not asked for: bulkhead-2-network/],
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
  const internal = (seen: SandboxFacts): SandboxFacts => ({ ...seen, networks: { [network]: { internal: true } } });
  const both = { spec: { ...spec, networks: [network, 'other'] } };
  for (const [what, seen, asked, outcome] of [
    [
      'is unavailable on a network that leads out',
      withProbe({ defaultRoute: false }),
      demand,
      /^unavailable: .*no rules/,
    ],
    ['is unavailable on one of two that leads out', internal(withProbe({ defaultRoute: false })), both, /^unavailable/],
    ['is unavailable on one that is not known', { ...facts, networks: {} }, demand, /^unavailable/],
    [
      'is proven on an internal one',
      internal(withProbe({ defaultRoute: false })),
      demand,
      /^proven: an internal network/,
    ],
    ['is violated when that one leads out', internal(facts), demand, /^violated: .*default route/],
    ['is not seen where no routes are', internal(withProbe({ defaultRoute: null })), demand, /^unavailable/],
    [
      'is proven without a network',
      withProbe({ defaultRoute: null, interfaces: ['lo'] }),
      alone,
      /^proven: no network/,
    ],
    ['is violated with a route nobody asked for', facts, alone, /^violated/],
    ['is not seen with interfaces but no routes', withProbe({ defaultRoute: null }), alone, /^unavailable/],
    ['is not seen by the blind', internal(blind), demand, /^unavailable: the probe is blind/],
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
