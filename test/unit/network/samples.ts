import { closedRanges, withoutOverlaps } from '../../../src/network/closed-ranges.ts';
import type { Destination } from '../../../src/network/destinations.ts';
import { type Bridge, type GuardSpec, tableName } from '../../../src/network/ruleset.ts';
import { job } from '../samples.ts';

export const helper: Bridge = { interfaceName: 'bh1h', of: 'helper', reach: 'egress', resolver: '10.89.0.1' };
export const build: Bridge = { interfaceName: 'bh1b', of: 'build', reach: 'listed', resolver: undefined };
export const services: Bridge = { interfaceName: 'bh1s', of: 'services', reach: 'egress', resolver: undefined };
export const internal: Bridge = { interfaceName: 'bh1i', of: 'internal', reach: 'job', resolver: undefined };

export const port = (first: number, last = first) => ({ first, last });
export const destination = (changes: Partial<Destination>): Destination => ({
  from: ['helper', 'build', 'services'],
  to: ['192.0.2.1'],
  protocol: 'tcp',
  ports: [port(443)],
  ...changes,
});

/** A job with everything that a ruleset can have. */
export const spec: GuardSpec = {
  table: tableName(job.key),
  bridges: [helper, build, services, internal],
  destinations: [
    destination({ from: ['helper', 'build'], to: ['192.0.2.1', '10.1.0.0/16', '192.0.2.7/32'] }),
    destination({ from: ['build'], to: ['172.16.0.0/12'], protocol: 'udp', ports: [port(53), port(8000, 8010)] }),
    destination({ from: ['helper'], to: ['10.0.0.0/8', '198.51.100.128/25', '128.0.0.0/9', '192.0.2.254/31'] }),
    destination({ from: ['build', 'services'], to: 'internet', ports: [port(1, 65535), port(80)] }),
  ],
  closed: withoutOverlaps(closedRanges, ['198.51.100.4', '198.51.100.5', '10.0.2.2', '203.0.113.255', '8.8.8.8']),
};
