import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { placeNeighbours } from '../../../src/sandbox/neighbours.ts';
import { specifyJob } from '../../../src/sandbox/specify.ts';
import { hostOffer, job, owner, settingsOf } from '../samples.ts';

const service = (index: number, ...aliases: string[]) => ({
  index,
  command: ['x'],
  aliases,
  environment: [],
  user: undefined,
  imageUser: '',
});
const list = [service(0, 'redis', 'cache'), service(1, 'registry.example.com')];
const specify = (network: Record<string, string>, services = list) =>
  specifyJob(
    job,
    settingsOf({ network: { helper: 'egress', build: 'egress', services: 'job', ...network, allow: [] } }),
    hostOffer,
    owner,
    undefined,
    services,
  );
/** In an order that says nothing. */
const made = ({ networks }: ReturnType<typeof specify>, subnet = (index: number) => `10.89.${index}.0/24`) =>
  networks.map(({ name }, index) => ({ name, subnet: subnet(index), gateway: undefined })).reverse();
const pins = [
  { name: 'registry.example.com', addresses: ['192.0.2.20', '192.0.2.21'] },
  { name: 'gitlab.example.com', addresses: ['192.0.2.10'] },
];
const pinned = ['registry.example.com:192.0.2.20', 'registry.example.com:192.0.2.21', 'gitlab.example.com:192.0.2.10'];

suite('the sandboxes of a job', () => {
  test('each have an address of their own on the internal network, not that of a gateway', () => {
    const spec = specify({});
    const { addresses, internal } = placeNeighbours(spec, made(spec), pins);
    assert.equal(internal, `bulkhead-${job.key}-network-internal`);
    assert.deepEqual(Object.fromEntries(addresses), {
      [spec.helper.name]: '10.89.2.2',
      [spec.build.name]: '10.89.2.3',
      [spec.services[0]?.name ?? '']: '10.89.2.4',
      [spec.services[1]?.name ?? '']: '10.89.2.5',
    });
    assert.ok(!addresses.has(spec.courier.name));
  });

  test('are counted over the ends of bytes', () => {
    const spec = specify(
      {},
      Array.from({ length: 300 }, (_, index) => service(index, `s${index}`)),
    );
    const { addresses } = placeNeighbours(
      spec,
      made(spec, () => '10.255.252.0/22'),
      [],
    );
    assert.equal(addresses.get(spec.services[299]?.name ?? ''), '10.255.253.47');
    assert.equal(new Set(addresses.values()).size, 302);
  });

  test('find services by their aliases, after what the operator named: no job takes the place of a pin', () => {
    const spec = specify({});
    assert.deepEqual(placeNeighbours(spec, made(spec), pins).hosts, [
      ...pinned,
      'redis:10.89.2.4',
      'cache:10.89.2.4',
      'registry.example.com:10.89.2.5',
    ]);
  });

  test('have nowhere to meet without services; what the operator named is still theirs', () => {
    const spec = specify({}, []);
    const { addresses, internal, hosts } = placeNeighbours(spec, made(spec), pins);
    assert.deepEqual([internal, addresses.size, hosts], [undefined, 0, pinned]);
  });

  test('do not find services that have no network', () => {
    const spec = specify({ helper: 'job', services: 'none' });
    const { internal, hosts } = placeNeighbours(spec, made(spec), pins);
    assert.ok(internal);
    assert.deepEqual(hosts, pinned);
  });

  test('meet services that go out on the internal network, not on the way out', () => {
    const spec = specify({ services: 'egress' });
    const { hosts, addresses } = placeNeighbours(spec, made(spec), []);
    assert.deepEqual(
      spec.networks.map(({ of }) => of),
      ['helper', 'build', 'services', 'internal'],
    );
    assert.deepEqual(hosts, ['redis:10.89.3.4', 'cache:10.89.3.4', 'registry.example.com:10.89.3.5']);
    for (const address of addresses.values()) assert.match(address, /^10\.89\.3\./);
  });
});
