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
    const strange = ['$NAME', 'a:b', 'a/b', 'ä', '.a', 'a.', '-a', 'a\u0000b', 'a\u0085b', 'x'.repeat(254), '', 'a\nb'];
    const { aliases, warnings } = named(['redis', ...strange, 'fine_1.local']);
    assert.deepEqual(aliases, [['redis', 'fine_1.local']]);
    assert.equal(warnings.length, strange.length);
    for (const warning of warnings) assert.match(warning, /it is no name of a host\.$/);
  });
});
