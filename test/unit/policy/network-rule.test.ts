import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { overlaps, rangeOf, toAddress } from '../../../src/policy/ipv4-range.ts';
import { destinationProblem, networkRules, portsOf } from '../../../src/policy/network-rule.ts';
import { anyText } from '../samples.ts';
import { networkRules as someRules } from './policies.ts';

const label = 'a'.repeat(63);

suite('a destination', () => {
  for (const text of [
    'gitlab',
    'internet',
    'registry.example.com',
    'registry.example.com.evil.org',
    'xn--bcher-kva.example',
    '_srv._tcp.example.com',
    'a_b.example.com',
    '1.example.com',
    '10.0.0.example',
    '0x7f.0.0.x',
    'x',
    'internet.example.com',
    'gitlab-1',
    'localhost.example.com',
    'notlocalhost',
    'host.containers.internal',
    `${label}.com`,
    `${`${label}.`.repeat(3)}${'a'.repeat(61)}`,
    '1.2.3.4',
    '1.2.3.4/32',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '128.0.0.0/8',
    '169.254.169.254',
    '192.0.2.128/25',
    '223.255.255.255',
    '223.0.0.0/8',
    '1.0.0.0/8',
    '126.255.255.255',
    '128.0.0.0',
  ]) {
    test(`is ${text.slice(0, 40)}`, () => assert.equal(destinationProblem(text), undefined));
  }

  for (const [text, problem] of [
    ['', /^must be/],
    ['Internet', /^must be/],
    ['GITLAB', /^must be/],
    ['Registry.Example.com', /^must be/],
    ['registry.example.com.', /^must be/],
    ['.example.com', /^must be/],
    ['a..b', /^must be/],
    ['*.example.com', /^must be/],
    ['-a.example.com', /^must be/],
    ['a-.example.com', /^must be/],
    ['a.b-', /^must be/],
    ['a.-b', /^must be/],
    ['example.com:443', /^is no IPv4 address or host name/],
    ['https://example.com', /^is no IPv4 address or range/],
    ['example.com/8', /^is no IPv4 address or range/],
    ['exa mple.com', /^must be/],
    ['example.com\n', /^must be/],
    ['example.com\n127.0.0.1', /^must be/],
    ['\u0435xample.com', /^must be/], // A Cyrillic letter.
    ['bücher.example', /^must be/],
    ['@closed', /^must be/],
    ['1.2.3.0x7f', /^must be/], // A last part of digits is an address to some.
    ['example.1', /^must be/],
    [`${label}a.com`, /^must be/],
    [`${`${label}.`.repeat(3)}${'a'.repeat(62)}`, /^must be/],
    ['localhost', /^is the sandbox itself/],
    ['a.localhost', /^is the sandbox itself/],
    ['::1', /IPv4 only/],
    ['2001:db8::/32', /^is no IPv4 address or range/],
    ['::ffff:127.0.0.1', /IPv4 only/],
    ['127.1', /^is no IPv4/],
    ['2130706433', /^is no IPv4/],
    ['010.0.0.1', /^is no IPv4/],
    ['1.2.3', /^is no IPv4/],
    ['1.2.3.4.5', /^is no IPv4/],
    ['1.2.3.256', /^is no IPv4/],
    ['.', /^is no IPv4/],
    ['/', /^is no IPv4/],
    ['/8', /^is no IPv4/],
    ['10.0.0.0/8/8', /^is no IPv4/],
    ['10.0.0.0/', /^must have a prefix/],
    ['10.0.0.0/08', /^must have a prefix/],
    ['10.0.0.0/8 ', /^must have a prefix/],
    ['10.0.0.0/+8', /^must have a prefix/],
    ['10.0.0.0/255.0.0.0', /^must have a prefix/],
    ['0.0.0.0/0', /^must have a prefix/],
    ['0.0.0.0/1', /^must have a prefix/],
    ['128.0.0.0/1', /^must have a prefix/],
    ['8.0.0.0/7', /^must have a prefix/],
    ['10.0.0.0/33', /^must have a prefix/],
    ['10.0.0.1/8', /^must begin at its first address, 10\.0\.0\.0$/],
    ['192.0.2.129/25', /^must begin at its first address, 192\.0\.2\.128$/],
    ['255.255.255.254/8', /^must begin at its first address, 255\.0\.0\.0$/],
    ['0.0.0.0', /^is in 0\.0\.0\.0\/8/],
    ['0.255.255.255', /^is in 0\.0\.0\.0\/8/],
    ['127.0.0.1', /^is in 127\.0\.0\.0\/8/],
    ['127.0.0.0/8', /^is in 127\.0\.0\.0\/8/],
    ['127.128.0.0/9', /^is in 127\.0\.0\.0\/8/],
    ['224.0.0.1', /^is in 224\.0\.0\.0\/4/],
    ['239.255.255.255', /^is in 224\.0\.0\.0\/4/],
    ['240.0.0.0/8', /^is in 240\.0\.0\.0\/4/],
    ['255.255.255.255', /^is in 240\.0\.0\.0\/4/],
  ] as const) {
    test(`is not ${JSON.stringify(text.slice(0, 40))}`, () => assert.match(destinationProblem(text) ?? '', problem));
  }

  const bytes = fc.oneof(fc.nat(260), fc.constantFrom(0, 1, 126, 127, 128, 223, 224, 240, 255));
  const nearRanges = fc
    .tuple(bytes, bytes, bytes, bytes, fc.option(fc.integer({ min: -1, max: 34 }), { nil: undefined }))
    .map(([a, b, c, d, length]) => `${a}.${b}.${c}.${d}${length === undefined ? '' : `/${length}`}`);
  const canonicalRanges = fc
    .tuple(fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 }))
    .map(([number, length]) => `${toAddress(Math.floor(number / 2 ** (32 - length)) * 2 ** (32 - length))}/${length}`);

  test('that is a range begins where it says, and is nobody’s own', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(nearRanges, canonicalRanges), (text) => {
        if (destinationProblem(text) !== undefined) return;
        accepted++;
        const [address = '', length = '32'] = text.split('/');
        const { first, last } = rangeOf(text);
        assert.equal(toAddress(first), address);
        assert.equal(last - first + 1, 2 ** (32 - Number(length)));
        const [begin = 0, end = 0] = [first, last].map((one) => Math.floor(one / 2 ** 24));
        assert.equal(begin, end, 'of one first byte');
        assert.ok(begin > 0 && begin !== 127 && begin < 224, text);
      }),
      { numRuns: 5000 },
    );
    assert.ok(accepted > 300, `${accepted}`);
  });

  test('is a name or a range, whatever the text; and nothing is thrown', () => {
    const near = fc
      .array(fc.constantFrom('a', 'Z', '0', '9', '.', '-', '_', '/', ':', '\n', '@', '*', 'localhost', '127', ' '))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(anyText(), near, fc.domain(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6()), (text) => {
        if (destinationProblem(text) !== undefined) return;
        assert.match(text, /^[a-z0-9._-]+(\/[0-9]{1,2})?$/, 'as the schema has it');
      }),
      { numRuns: 5000 },
    );
  });

  test('takes no time to be refused', () => {
    const start = performance.now();
    for (const text of ['a'.repeat(1e6), 'a.'.repeat(5e5), '-'.repeat(1e6), `${'a-'.repeat(120)}!`, '1.'.repeat(5e5)]) {
      assert.ok(destinationProblem(text));
    }
    assert.ok(performance.now() - start < 1000);
  });
});

suite('ranges and addresses', () => {
  test('are numbers, and back', () => {
    assert.deepEqual(rangeOf('255.255.255.255'), { first: 2 ** 32 - 1, last: 2 ** 32 - 1 });
    assert.deepEqual(rangeOf('192.0.2.77/24'), { first: 3221225984, last: 3221226239 });
    assert.deepEqual(rangeOf('0.0.0.0/0'), { first: 0, last: 2 ** 32 - 1 });
    fc.assert(fc.property(fc.nat(2 ** 32 - 1), (number) => assert.equal(rangeOf(toAddress(number)).first, number)));
  });

  test('overlap where they have an address in common', () => {
    for (const [one, other, expected] of [
      ['10.0.0.0/8', '10.255.255.255', true],
      ['10.0.0.0/8', '11.0.0.0', false],
      ['10.0.0.0/8', '9.255.255.255', false],
      ['10.1.0.0/16', '10.0.0.0/8', true],
      ['224.0.0.0/4', '240.0.0.0/4', false],
    ] as const) {
      assert.equal(overlaps(rangeOf(one), rangeOf(other)), expected, `${one} ${other}`);
      assert.equal(overlaps(rangeOf(other), rangeOf(one)), expected, `${other} ${one}`);
    }
  });

  test('of ports are one, or from and to', () => {
    assert.deepEqual(portsOf(443), { first: 443, last: 443 });
    assert.deepEqual(portsOf('8000-8010'), { first: 8000, last: 8010 });
    assert.deepEqual(portsOf('80-80'), { first: 80, last: 80 });
  });
});

suite('the list of a policy', () => {
  const told = (rule: unknown) =>
    networkRules.safeParse([rule]).error?.issues.map(({ path, message }) => `${path.slice(1).join('.')}: ${message}`) ??
    [];

  for (const rule of [
    { to: 'gitlab' },
    { to: 'gitlab', ports: [22] },
    { to: 'internet', ports: [443, '8000-8010'] },
    { to: '10.1.0.0/16', ports: ['1-65535'], protocol: 'udp', from: ['build'] },
    { to: 'x', ports: [1, 65535], from: ['helper', 'build', 'services'] },
  ]) {
    test(`takes ${JSON.stringify(rule)}`, () => assert.deepEqual(told(rule), []));
  }

  for (const [rule, path] of [
    [{ ports: [80] }, /^to: /],
    [{ to: 'internet' }, /^ports: must be there$/],
    [{ to: '10.0.0.1' }, /^ports: must be there$/],
    [{ to: 'gitlab.example.com' }, /^ports: must be there$/],
    [{ to: '127.0.0.1', ports: [80] }, /^to: "127\.0\.0\.1" is in 127/],
    [{ to: 'x', ports: [] }, /^ports: /],
    [{ to: 'x', ports: [0] }, /^ports/],
    [{ to: 'x', ports: [65536] }, /^ports/],
    [{ to: 'x', ports: [1.5] }, /^ports/],
    [{ to: 'x', ports: ['80'] }, /^ports/],
    [{ to: 'x', ports: ['0-80'] }, /^ports/],
    [{ to: 'x', ports: ['80-79'] }, /^ports/],
    [{ to: 'x', ports: ['1-65536'] }, /^ports/],
    [{ to: 'x', ports: ['1-2-3'] }, /^ports/],
    [{ to: 'x', ports: ['-1'] }, /^ports/],
    [{ to: 'x', ports: ['1 - 2'] }, /^ports/],
    [{ to: 'x', ports: ['1-2\n'] }, /^ports/],
    [{ to: 'x', ports: [80, 80] }, /^ports\.1: is there twice$/],
    [{ to: 'x', ports: Array.from({ length: 33 }, (_, index) => index + 1) }, /^ports/],
    [{ to: 'x', ports: 80 }, /^ports/],
    [{ to: 'x', ports: [80], protocol: 'icmp' }, /^protocol/],
    [{ to: 'x', ports: [80], from: [] }, /^from/],
    [{ to: 'x', ports: [80], from: ['internal'] }, /^from/],
    [{ to: 'x', ports: [80], from: ['build', 'build'] }, /^from\.1: is there twice$/],
    [{ to: 'x', ports: [80], port: 443 }, /port/],
  ] as const) {
    test(`refuses ${JSON.stringify(rule).slice(0, 70)}`, () => assert.match(told(rule).join('\n'), path));
  }

  test('has 64 entries at most', () => {
    const entries = (length: number) => Array.from({ length }, (_, index) => ({ to: `h${index}`, ports: [1] }));
    assert.ok(networkRules.safeParse(entries(64)).success);
    assert.ok(!networkRules.safeParse(entries(65)).success);
  });

  test('takes all that the tests of policies make', () => {
    fc.assert(fc.property(someRules, (rules) => assert.deepEqual(networkRules.parse(rules), rules)));
  });
});
