import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ErrorCode } from '../../../src/errors.ts';
import { classifyPullError, isTransient } from '../../../src/images/pull-failure.ts';
import { escapeForeign } from '../../../src/runner/job-log.ts';

/** What Podman puts before the reason, as far as it does. */
const source = (name: string) => `initializing source docker://${name}: `;
const reading = (name: string, tag = 'latest') => `${source(`${name}:${tag}`)}reading manifest ${tag} in ${name}: `;
const hub = 'docker.io/library/tool';
const registry = 'registry.example.com';
const gitlab = `${registry}/group/tool`;

/** Wordings of containers/image (docker/errors_test.go and what users reported), as old and new versions have them. */
const wordings: readonly [what: string, code: ErrorCode, message: string][] = [
  ['a tag that does not exist', 'image-not-found', `${reading(hub, 'nope')}manifest unknown`],
  ['the same in old versions', 'image-not-found', `Error ${reading(gitlab)}manifest unknown: manifest unknown`],
  [
    'only the cause, as Podman 6 says it',
    'image-not-found',
    '(HTTP code 404) unexpected - manifest unknown: manifest unknown ',
  ],
  [
    'a repository that does not exist',
    'image-not-found',
    `${reading(gitlab)}name unknown: repository name not known to registry`,
  ],
  ['a registry that says "not found" its own way', 'image-not-found', `${reading(gitlab)}unknown: Not Found`],
  ['a registry that answers with a page', 'image-not-found', `${reading(gitlab)}StatusCode: 404, "Not found\\r"`],
  ['Harbor', 'image-not-found', `${reading(gitlab)}unknown: artifact group/tool:latest not found`],
  ['Harbor, only the cause', 'image-not-found', 'unknown: artifact group/tool:latest not found'],
  [
    'a repository that does not exist, in the wording for default messages',
    'image-not-found',
    `${reading(gitlab)}repository name not known to registry`,
  ],
  [
    'an architecture that the image lacks',
    'image-not-found',
    `choosing an image from manifest list docker://${hub}:latest: no image found in image index for architecture "s390x", variant "", OS "linux"`,
  ],

  [
    'a private or missing repository of Docker Hub',
    'image-access-denied',
    `${reading(hub)}requested access to the resource is denied`,
  ],
  [
    'two reasons',
    'image-access-denied',
    `${reading(hub)}errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n`,
  ],
  ['an anonymous request', 'image-access-denied', `${reading(gitlab)}authentication required`],
  [
    'Quay',
    'image-access-denied',
    `${reading('quay.io/a/b')}unauthorized: access to the requested resource is not authorized`,
  ],
  [
    'wrong credentials',
    'image-access-denied',
    `${source(gitlab)}unable to retrieve auth token: invalid username/password: unauthorized: HTTP Basic: Access denied`,
  ],
  [
    "a project's registry without permission, old",
    'image-access-denied',
    `${source(gitlab)}Requesting bear token: invalid status code from registry 403 (Forbidden)`,
  ],
  [
    "a project's registry without permission, new",
    'image-access-denied',
    `${source(gitlab)}Requesting bearer token: received unexpected HTTP status: 403 Forbidden`,
  ],
  ["GitLab's own words", 'image-access-denied', `${reading(gitlab)}denied: access forbidden`],
  ["Podman 5's answer to a 401", 'image-access-denied', '(HTTP code 401) unexpected - unauthorized'],
  [
    "Podman 5's answer to a 403 in other words than a registry's",
    'image-access-denied',
    `(HTTP code 500) server error - error parsing HTTP 403 response body: invalid character 'o' in literal null: "no"`,
  ],
  ['a 401 whose words are those that every 401 has', 'image-access-denied', `${reading(gitlab)}unauthorized`],
  ['a 403 without words', 'image-access-denied', `${reading(gitlab)}StatusCode: 403, nope`],
  ['a 403 in words of its own', 'image-access-denied', `${reading(gitlab)}denied: you may not, today`],

  [
    'the rate limit',
    'image-pull-failed',
    `${reading(hub)}toomanyrequests: You have reached your unauthenticated pull rate limit.`,
  ],
  ['the rate limit without words', 'image-pull-failed', 'too many requests to registry'],
  [
    'no name service',
    'image-pull-failed',
    `pinging container registry ${registry}: Get "https://${registry}/v2/": dial tcp: lookup ${registry}: no such host`,
  ],
  [
    'nobody there',
    'image-pull-failed',
    'pinging container registry localhost:5000: Get "https://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused',
  ],
  [
    'a certificate nobody knows',
    'image-pull-failed',
    'pinging container registry registry.example.com: tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ],
  ['plain HTTP', 'image-pull-failed', 'http: server gave HTTP response to HTTPS client'],
  [
    'a proxy in the way',
    'image-pull-failed',
    'pinging container registry registry.example.com: proxyconnect tcp: Forbidden',
  ],
  ['a broken registry', 'image-pull-failed', `${reading(gitlab)}received unexpected HTTP status: 502 Bad Gateway`],
  [
    'a full disk',
    'image-pull-failed',
    'writing blob: storing blob to file "/var/tmp/storage1/1": write /var/tmp/storage1/1: no space left on device',
  ],
  [
    'too few subordinate ids',
    'image-pull-failed',
    'potentially insufficient UIDs or GIDs available in user namespace (requested 0:42 for /etc/gshadow): lchown /etc/gshadow: invalid argument',
  ],
  [
    'a blob that is gone',
    'image-pull-failed',
    'reading blob sha256:abc: fetching blob: received unexpected HTTP status: 404 Not Found',
  ],
  [
    'a signature that is missing',
    'image-pull-failed',
    'Source image rejected: A signature was required, but no signature exists',
  ],
  ['nothing we have ever read', 'image-pull-failed', 'the moon is in the wrong house'],
  ['no words at all', 'image-pull-failed', ''],
  [
    'a registry with a telling name that is down',
    'image-pull-failed',
    'pinging container registry unauthorized.example.com: dial tcp: lookup unauthorized.example.com: no such host',
  ],
];

suite('why an image could not be pulled', () => {
  for (const [what, code, message] of wordings) {
    test(`${what}: ${code}`, () => {
      const error = classifyPullError(gitlab, message);
      assert.equal(error.code, code);
      assert.ok(error.message.includes(gitlab), 'names the image');
      assert.ok(error.message.includes(escapeForeign(message)), "keeps the registry's words");
    });
  }

  test('what is not understood blames the system', () => {
    assert.equal(classifyPullError(gitlab, 'surprise').blame, 'system');
    assert.equal(classifyPullError(gitlab, 'manifest unknown').blame, 'job');
  });
});

suite('what to ask for once more', () => {
  const blob = 'writing blob: storing blob to file "/var/tmp/storage1/1": happened during read: ';
  for (const [transient, what, message] of [
    [true, 'a layer that was cut', `${blob}unexpected EOF`],
    [true, 'a connection that was reset', `${blob}read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer`],
    [
      true,
      'nobody who answers in time',
      `${source(gitlab)}pinging container registry ${registry}: net/http: TLS handshake timeout`,
    ],
    [
      true,
      'a sick registry',
      `${source(gitlab)}pinging container registry ${registry}: invalid status code from registry 500 (Internal Server Error)`,
    ],
    [true, 'a sick registry, later', `${reading(gitlab)}received unexpected HTTP status: 502 Bad Gateway`],
    [
      true,
      'a sick store behind it',
      'parsing image configuration: Error fetching blob: invalid status code from registry 503 (Service Unavailable)',
    ],
    [
      false,
      'a layer that is not what it should be',
      `${blob}Digest did not match, expected sha256:abc, got sha256:def`,
    ],
    [
      false,
      'a configuration that is not',
      'parsing image configuration: Download config.json digest sha256:abc does not match expected sha256:def',
    ],
    [
      false,
      'a layer that is gone',
      'parsing image configuration: Error fetching blob: invalid status code from registry 404 (Not Found)',
    ],
    [
      false,
      'nobody there: Podman has asked four times',
      `${source(gitlab)}dial tcp 127.0.0.1:5000: connect: connection refused`,
    ],
    [false, 'the rate limit: Podman has asked twenty times', `${reading(gitlab)}toomanyrequests: slow down`],
    [false, 'no such host', `${source(gitlab)}dial tcp: lookup ${registry}: no such host`],
    [
      false,
      'a certificate nobody knows',
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
    [false, 'wrong credentials', `${reading(gitlab)}unauthorized: authentication required`],
    [false, 'a tag with a number', `${reading(gitlab, '500')}manifest unknown`],
    [false, 'a full disk', 'write /var/tmp/storage1/1: no space left on device'],
    [false, 'no words at all', ''],
  ] as const) {
    test(`${transient ? 'is' : 'is not'} ${what}`, () => assert.equal(isTransient(message), transient));
  }

  test('and what a registry says is cut and escaped', () => {
    const { message } = classifyPullError(gitlab, `denied: \u001b[2J${'x'.repeat(5000)}`);
    assert.ok(message.length < 1300 && message.includes('\\x1b[2J'), message);
  });
});
