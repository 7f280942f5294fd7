import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { nameServices, serviceName } from '../../../src/services/names.ts';

const digest = `@sha256:${'0123456789abcdef'.repeat(4)}`;

suite('the name of a service', () => {
  // Those of GitLab Runner's own tests (helpers/container/services/test), and some more.
  for (const [image, service, version, ...aliases] of [
    ['service', 'service', 'latest', 'service'],
    ['service:version', 'service', 'version', 'service'],
    ['namespace/service', 'namespace/service', 'latest', 'namespace__service', 'namespace-service'],
    ['namespace/service:version', 'namespace/service', 'version', 'namespace__service', 'namespace-service'],
    ['domain.tld/service', 'domain.tld/service', 'latest', 'domain.tld__service', 'domain.tld-service'],
    [
      'domain.tld/namespace/service:version',
      'domain.tld/namespace/service',
      'version',
      'domain.tld__namespace__service',
      'domain.tld-namespace-service',
    ],
    ['domain.tld:8080/service', 'domain.tld/service', 'latest', 'domain.tld__service', 'domain.tld-service'],
    ['domain.tld:8080/service:version', 'domain.tld/service', 'version', 'domain.tld__service', 'domain.tld-service'],
    [
      'subdomain.domain.tld:8080/namespace/service:version',
      'subdomain.domain.tld/namespace/service',
      'version',
      'subdomain.domain.tld__namespace__service',
      'subdomain.domain.tld-namespace-service',
    ],
    [`service${digest}`, 'service', digest, 'service'],
    [`namespace/service${digest}`, 'namespace/service', digest, 'namespace__service', 'namespace-service'],
    [
      `domain.tld:8080/namespace/service${digest}`,
      'domain.tld/namespace/service',
      digest,
      'domain.tld__namespace__service',
      'domain.tld-namespace-service',
    ],
    [`service:version${digest}`, 'service', 'version', 'service'],
    ['localhost:5000/service', 'localhost/service', 'latest', 'localhost__service', 'localhost-service'],
    ['service:8080', 'service', '8080', 'service'],
  ] as const) {
    test(image, () => assert.deepEqual(serviceName(image), { service, version, aliases }));
  }

  for (const image of ['', 'Service', 'a b', `service@${'x'.repeat(9)}`, 'oci:./service']) {
    test(`is none: ${JSON.stringify(image)}`, () =>
      assert.throws(() => serviceName(image), { code: 'image-reference-invalid' }));
  }
});

suite('aliases', () => {
  const named = (...services: [string, ...string[]][]) =>
    nameServices(services.map(([image, ...aliases]) => ({ image, aliases })));

  test('are those of the name, and those declared', () => {
    assert.deepEqual(named(['a/postgres:17', 'db', 'pg'], ['redis', 'redis', 'cache']), {
      aliases: [
        ['a__postgres', 'a-postgres', 'db', 'pg'],
        ['redis', 'cache'],
      ],
      warnings: [],
    });
  });

  test('belong to the first that asks, whatever the case of letters', () => {
    const { aliases, warnings } = named(['redis:7', 'Cache'], ['redis:8', 'cache', 'second']);
    assert.deepEqual(aliases, [['redis', 'Cache'], ['second']]);
    assert.deepEqual(warnings, [
      'Skipping alias "redis" for service "redis:8" (services[1]): alias is already in use by another service.',
      'Skipping alias "cache" for service "redis:8" (services[1]): alias is already in use by another service.',
    ]);
  });

  test('are all taken: the service is not started', () => {
    const { aliases, warnings } = named(['redis'], ['redis']);
    assert.deepEqual(aliases, [['redis'], []]);
    assert.match(warnings[1] ?? '', /^Service "redis" \(services\[1\]\) is not started/);
  });

  test("that would say something else in the DNS server's file are left out", () => {
    const strange = ['$NAME', 'a:b', 'a/b', 'ä', '.a', 'a.', '-a', 'a..b', 'a-.b', 'a\u0000b', 'a\u0085b', '', 'a\nb'];
    for (const alias of strange) {
      const { aliases, warnings } = named(['redis', alias, 'fine_1.local']);
      assert.deepEqual(aliases, [['redis', 'fine_1.local']], JSON.stringify(alias));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /it is no name of a host\.$/);
    }
  });

  test('are as long as DNS has them, and no longer', () => {
    const label = 'x'.repeat(63);
    const fine = [label, [label, label, label, 'x'.repeat(61)].join('.')];
    assert.equal(fine[1]?.length, 253);
    const long = [`${label}x`, `a.${label}x`, [label, label, label, 'x'.repeat(62)].join('.'), 'x'.repeat(100_000)];
    const { aliases, warnings } = named(['redis', ...fine, ...long]);
    assert.deepEqual(aliases, [['redis', ...fine]]);
    assert.equal(warnings.length, long.length);
    for (const warning of warnings) assert.ok(warning.length < 300, warning);
  });

  test("are not those of an image's name that no host could have, either", () => {
    const { aliases } = named([`registry.example.com/${'group/'.repeat(12)}redis`, 'cache']);
    assert.deepEqual(aliases, [['cache']]);
  });

  test('are 32 for one service: the log names those beyond', () => {
    const many = Array.from({ length: 40 }, (_, index) => `name-${index}`);
    const { aliases, warnings } = named(['redis', ...many], ['postgres', 'name-31', 'name-30']);
    assert.deepEqual(aliases, [
      ['redis', ...many.slice(0, 31)],
      ['postgres', 'name-31'],
    ]);
    assert.deepEqual(warnings, [
      'Skipping "name-31", "name-32", "name-33", "name-34", "name-35", "name-36", "name-37", "name-38" and 1 more for service "redis" (services[0]): a service has at most 32 names.',
      'Skipping alias "name-30" for service "postgres" (services[1]): alias is already in use by another service.',
    ]);
  });

  test('cannot flood the log', () => {
    const { aliases, warnings } = named(['redis', ...Array.from({ length: 5000 }, (_, index) => `:${index}`)]);
    assert.deepEqual(aliases, [['redis']]);
    assert.equal(warnings.length, 9);
    assert.equal(warnings[8], 'Skipping 4992 more aliases for service "redis" (services[0]), for the same reasons.');
  });
});
