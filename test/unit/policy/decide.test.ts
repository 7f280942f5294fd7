import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decide, type JobRequest } from '../../../src/policy/decide.ts';
import { formatImageReference } from '../../../src/sandbox/image-reference.ts';
import { policyFile } from '../samples.ts';
import { policyOf } from './files.ts';

const request = (changes: Partial<JobRequest> = {}): JobRequest => ({
  image: 'debian:12',
  pullPolicies: [],
  user: undefined,
  services: [],
  variables: [],
  ...changes,
});
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const policy = await policyOf();
const pinned = await policyOf({ images: { ...policyFile.images, digest: 'required' } });
const noRoot = await policyOf({ user: { run: 'image', root: 'refused' } });
const fixed = await policyOf({ user: { run: '1000:1000', root: 'refused' } });
const closed = await policyOf({ images: { ...policyFile.images, allow: [] } });
const refused = (code: string, message: RegExp, hint: RegExp) => ({ name: 'BulkheadError', code, message, hint });

suite('a job gets', () => {
  test('the image it asks for, in full', () => {
    const { image } = decide(policy, request());
    assert.equal(formatImageReference(image.reference), 'docker.io/library/debian:12');
  });

  test('the image of the runner when it names none', () => {
    const { image } = decide(policy, request({ image: undefined }), 'alpine');
    assert.equal(formatImageReference(image.reference), 'docker.io/library/alpine:latest');
  });

  test('the first pull policy when it asks for none, else what of its own is allowed, in its order', () => {
    const asked = (pullPolicies: string[]) => decide(policy, request({ pullPolicies })).image.pullPolicies;
    assert.deepEqual(asked([]), ['if-not-present']);
    assert.deepEqual(asked(['always', 'if-not-present']), ['always', 'if-not-present']);
    assert.deepEqual(asked(['never', 'always']), ['always']);
  });

  test('the user it asks for, where the policy leaves that to the image', () => {
    for (const user of ['1000', '1000:1000', 'nobody', 'www-data:www-data', 'root', '0', 'image']) {
      assert.equal(decide(policy, request({ user })).user, user);
    }
    assert.equal(decide(policy, request()).user, undefined);
    assert.equal(decide(noRoot, request({ user: '1000:0' })).user, '1000:0');
  });

  test('the user of the policy, where that says who', () => {
    assert.equal(decide(fixed, request()).user, '1000:1000');
    assert.equal(decide(fixed, request({ user: '1000:1000' })).user, '1000:1000');
  });

  test('services', () => {
    const service = (name: string) => ({ name, pullPolicies: [] });
    const { services } = decide(policy, request({ services: [service('redis:8'), service('postgres:17')] }));
    assert.deepEqual(
      services.map(({ reference }) => formatImageReference(reference)),
      ['docker.io/library/redis:8', 'docker.io/library/postgres:17'],
    );
  });

  test('services as the user that it asks for, by the rules of its own', () => {
    const asked = (of: typeof policy, user?: string) =>
      decide(of, request({ services: [{ name: 'redis:8', pullPolicies: [], user }] })).services[0]?.user;
    assert.deepEqual([asked(policy), asked(policy, 'redis'), asked(fixed)], [undefined, 'redis', '1000:1000']);
    for (const [of, user] of [
      [fixed, 'redis'],
      [noRoot, 'root'],
      [policy, '../x'],
    ] as const) {
      assert.throws(() => asked(of, user), { code: 'policy-user-refused' });
    }
  });
});

suite('a job does not get', () => {
  for (const [what, against, changes, expected] of [
    [
      'an image of another registry',
      policy,
      { image: 'docker.io.evil.org/library/debian' },
      refused(
        'policy-image-refused',
        /^policy "site" does not allow image docker\.io\.evil\.org\/library\/debian:latest \(rule images\.allow in site\.json, line 3\)$/,
        /^Allowed: docker\.io\/\*\*, localhost\/\*\*\.$/,
      ),
    ],
    [
      'any image where none is allowed',
      closed,
      {},
      refused('policy-image-refused', /rule images\.allow/, /^Allowed: none\.$/),
    ],
    [
      'an image by tag where a digest is required',
      pinned,
      {},
      refused('policy-image-refused', /rule images\.digest in site\.json/, /named by digest/),
    ],
    [
      'a pull policy that is not allowed',
      policy,
      { pullPolicies: ['never', 'x\ny'] },
      refused('policy-pull-policy-refused', /pull policy "never", "x\\ny" of image docker/, /if-not-present, always/),
    ],
    [
      'a service of another registry',
      policy,
      { services: [{ name: 'evil.org/redis', pullPolicies: [] }] },
      refused(
        'policy-services-refused',
        /service evil\.org\/redis:latest \(rule services\.allow/,
        /docker\.io\/library\/\*/,
      ),
    ],
    [
      'more services',
      policy,
      { services: Array.from({ length: 3 }, () => ({ name: 'redis', pullPolicies: [] })) },
      refused('policy-services-refused', /3 services \(rule limits\.services in site\.json/, /at most 2/),
    ],
    [
      'a variable that is refused',
      policy,
      { variables: ['CI', 'CI_DEBUG_TRACE'] },
      refused('policy-variable-refused', /variable "CI_DEBUG_TRACE" \(rule environment\.refuse/, /Remove the variable/),
    ],
    [
      'another user than the policy says',
      fixed,
      { user: '1001' },
      refused('policy-user-refused', /user "1001" \(rule user\.run in site\.json/, /^Allowed: 1000:1000\.$/),
    ],
    ...['root', '0', '00:1000', 'root:users'].map(
      (user) =>
        [
          `root (${user}) where the policy refuses that`,
          noRoot,
          { user },
          refused('policy-user-refused', /\(rule user\.root in site\.json/, /other than root/),
        ] as const,
    ),
    ...[':0', '1000:', 'a b', '-1', '../x', '1000:1000:0', 'x\ny', 'x'.repeat(40), ''].map(
      (user) =>
        [
          `what is no user (${JSON.stringify(user)})`,
          policy,
          { user },
          refused('policy-user-refused', /rule user\.run/, /user:group/),
        ] as const,
    ),
    ['no image', policy, { image: undefined }, refused('image-missing', /names no image/, /defaultImage/)],
    [
      'what is no image',
      policy,
      { image: 'docker-archive:/x' },
      refused('image-reference-invalid', /docker-archive/, /./),
    ],
  ] as const) {
    test(what, () => assert.throws(() => decide(against, request(changes as Partial<JobRequest>)), expected));
  }

  test('but by digest it does, where that is required', () => {
    const { image } = decide(pinned, request({ image: `debian:12@${digest}` }));
    assert.equal(formatImageReference(image.reference), `docker.io/library/debian@${digest}`);
  });
});
