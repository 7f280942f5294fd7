import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  closedRanges,
  hostAddresses,
  isNeverByName,
  parseFibTrie,
  withoutOverlaps,
} from '../../../src/network/closed-ranges.ts';
import { overlaps, rangeOf, toAddress } from '../../../src/policy/ipv4-range.ts';
import { destinationProblem } from '../../../src/policy/network-rule.ts';
import { needsLinux } from '../needs-linux.ts';

const covers = (ranges: readonly string[], address: string) =>
  ranges.some((range) => overlaps(rangeOf(range), rangeOf(address)));
const addresses = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(toAddress);

suite('closed ranges', () => {
  test('are what is not the internet, and nothing else', () => {
    for (const [address, isClosed] of [
      ['0.0.0.0', true],
      ['9.255.255.255', false],
      ['10.0.0.0', true],
      ['10.255.255.255', true],
      ['11.0.0.0', false],
      ['100.63.255.255', false],
      ['100.64.0.0', true],
      ['100.100.100.200', true], // Metadata of Alibaba's cloud.
      ['100.127.255.255', true],
      ['100.128.0.0', false],
      ['127.0.0.53', true],
      ['169.253.255.255', false],
      ['169.254.169.254', true],
      ['169.255.0.0', false],
      ['172.15.255.255', false],
      ['172.16.0.0', true],
      ['172.31.255.255', true],
      ['172.32.0.0', false],
      ['192.0.0.192', true], // Metadata of Oracle's cloud.
      ['192.167.255.255', false],
      ['192.168.0.0', true],
      ['192.169.0.0', false],
      ['198.17.255.255', false],
      ['198.18.0.0', true],
      ['198.19.255.255', true],
      ['198.20.0.0', false],
      ['223.255.255.255', false],
      ['224.0.0.0', true],
      ['255.255.255.255', true],
      ['8.8.8.8', false],
    ] as const) {
      assert.equal(covers(closedRanges, address), isClosed, address);
    }
  });

  test('begin at their first address, and none overlaps another', () => {
    for (const [index, range] of closedRanges.entries()) {
      assert.equal(toAddress(rangeOf(range).first), range.split('/')[0]);
      for (const other of closedRanges.slice(index + 1)) assert.ok(!overlaps(rangeOf(range), rangeOf(other)), other);
    }
  });

  test('hold all where no name may lead, and where no policy may', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        if (isNeverByName(address)) assert.ok(covers(closedRanges, address));
        if (destinationProblem(address) !== undefined) assert.ok(isNeverByName(address));
      }),
    );
    for (const address of ['127.0.0.1', '0.0.0.0', '169.254.169.254', '239.1.1.1', '255.255.255.255']) {
      assert.ok(isNeverByName(address), address);
    }
    for (const address of ['10.0.0.1', '192.168.1.1', '100.64.0.1', '8.8.8.8', '128.0.0.1', '169.253.0.1']) {
      assert.ok(!isNeverByName(address), address);
    }
  });
});

suite('without overlaps', () => {
  test('are the ranges, and of the addresses those that no range has', () => {
    assert.deepEqual(
      withoutOverlaps(['10.0.0.0/8', '192.0.2.0/24'], ['10.0.2.2', '192.0.3.0', '9.255.255.255', '192.0.2.255']),
      ['10.0.0.0/8', '192.0.2.0/24', '192.0.3.0', '9.255.255.255'],
    );
    assert.deepEqual(withoutOverlaps([], ['10.0.2.2']), ['10.0.2.2']);
  });

  test('is each address that was to be closed, and no address twice', () => {
    const lists = fc.uniqueArray(fc.oneof(addresses, fc.constantFrom('10.0.2.2', '11.0.0.0', '223.255.255.255')));
    fc.assert(
      fc.property(lists, (list) => {
        const all = withoutOverlaps(closedRanges, list);
        for (const address of list) assert.equal(all.filter((one) => covers([one], address)).length, 1, address);
        assert.ok(all.every((one) => closedRanges.includes(one as never) || list.includes(one)));
      }),
    );
  });
});

const sample = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 203.0.113.0/24 2 0 2
        +-- 203.0.113.0/30 2 0 2
           |-- 203.0.113.0
              /24 link UNICAST
           |-- 203.0.113.2
              /32 host LOCAL
        |-- 203.0.113.255
           /32 link BROADCAST
     |-- 10.0.0.0
        /32 host LOCAL
        /31 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 203.0.113.2
        /32 host LOCAL
     |-- 203.0.113.99
        /32 link UNICAST
`;

suite('the addresses of a host', () => {
  test('are the local ones of its tables, each once, without loopback', () => {
    assert.deepEqual(parseFibTrie(sample), ['10.0.0.0', '203.0.113.2']);
    assert.deepEqual(parseFibTrie(''), []);
  });

  test('are not missed for what else is said of them', () => {
    const leaf = (...lines: string[]) =>
      `Local:\n     |-- 198.51.100.5\n${lines.map((line) => `        ${line}\n`).join('')}`;
    for (const lines of [
      ['/32 host LOCAL tos=4', '/32 host LOCAL'],
      ['/32 host LOCAL tos=4'],
      ['/32 link UNICAST tos=8', '/32 host LOCAL'],
    ]) {
      assert.deepEqual(parseFibTrie(leaf(...lines)), ['198.51.100.5'], lines.join());
    }
    assert.deepEqual(parseFibTrie(leaf('/32 link BROADCAST', '/24 link UNICAST')), []);
  });

  test('are ranges, where a host has made whole ranges its own', () => {
    assert.deepEqual(parseFibTrie('Local:\n     |-- 203.0.113.0\n        /24 host LOCAL\n'), ['203.0.113.0/24']);
    assert.deepEqual(withoutOverlaps(['203.0.113.0/24'], ['203.0.113.0/24', '203.0.113.7']), ['203.0.113.0/24']);
  });

  test('of this host are those that it knows itself', { skip: needsLinux }, async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .flatMap((one) => (one?.family === 'IPv4' && !one.internal ? [one.address] : []));
    assert.deepEqual(parseFibTrie(readFileSync('/proc/net/fib_trie', 'utf8')), [...new Set(own)].sort());
    assert.deepEqual(await hostAddresses(process.pid), parseFibTrie(readFileSync('/proc/net/fib_trie', 'utf8')));
  });

  const script = [
    'ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 up',
    'ip address add 198.51.100.5/24 dev d0; ip address add 10.0.0.0/31 dev d0; ip address add 192.0.2.9/32 dev d0',
    'ip route add 192.0.2.9/32 dev d0 metric 5; ip route add local 203.0.113.0/24 dev lo',
    'exec cat /proc/self/net/fib_trie',
  ].join('\n');
  const made = spawnSync('unshare', ['--net', 'sh', '-ec', script], { encoding: 'utf8' });
  const skip =
    made.status !== 0 && `no network namespace can be made here: ${made.error?.message ?? made.stderr.trim()}`;
  test('are what a real kernel says', { skip }, () => {
    const seen = parseFibTrie(made.stdout);
    for (const address of ['10.0.0.0', '192.0.2.9', '198.51.100.5', '203.0.113.77']) {
      assert.ok(covers(seen, address), `${address} of ${seen}`);
    }
    assert.ok(!covers(seen, '198.51.100.255') && !covers(seen, '198.51.100.6') && !covers(seen, '127.0.0.1'));
  });
});
