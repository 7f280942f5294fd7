import fc from 'fast-check';
import { guaranteeNames } from '../../../src/guarantees/guarantee.ts';
import { capabilityNames } from '../../../src/policy/capabilities.ts';
import { hosts, imageNames } from './image-names.ts';

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 512 }), fc.constantFrom('MiB', 'GiB', 'GB'))
  .map(([n, unit]) => `${n}${unit}`);
const orUnlimited = <T>(one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: one as fc.Arbitrary<unknown> }, fc.constant('unlimited'));
const some = (names: readonly string[]) => fc.uniqueArray(fc.constantFrom(...names), { maxLength: 6 });

/** Patterns that allow some of what imageNames makes. */
export const imagePatterns = fc.oneof(
  fc.constantFrom(
    'docker.io/**',
    'docker.io/library/*',
    'docker.io/library/debian',
    'localhost/**',
    '*/**',
    '*.example.com/**',
    '*/*/*:*',
    '*/**@*',
  ),
  hosts.map((host) => `${host.toLowerCase().replace('index.', '')}/**`),
);
const rules = {
  allow: fc.uniqueArray(imagePatterns, { maxLength: 3 }),
  digest: fc.constantFrom('required', 'optional'),
  pullPolicies: fc.uniqueArray(fc.constantFrom('always', 'if-not-present', 'never'), { minLength: 1 }),
};
const reach = fc.constantFrom('none', 'job', 'listed', 'egress');

const addresses = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255))
  .filter(([first]) => first !== 127)
  .map((parts) => parts.join('.'));
const ranges = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.integer({ min: 16, max: 24 }))
  .filter(([first]) => first !== 127)
  .map(([first, second, length]) => `${first}.${second}.0.0/${length}`);
const hostNames = fc.constantFrom(
  'registry.example.com',
  'registry.example.com.evil.org',
  'metadata.google.internal',
  'host.containers.internal',
  'xn--bcher-kva.example',
  '_srv.a-b.test',
  'x',
);
const port = fc.integer({ min: 1, max: 65535 });
const portRange = fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const ports = fc.uniqueArray(fc.oneof(port, portRange), { minLength: 1, maxLength: 3 });
const ruleOptions = {
  protocol: fc.constantFrom('tcp', 'udp'),
  from: fc.uniqueArray(fc.constantFrom('helper', 'build', 'services'), { minLength: 1 }),
};
/** Entries of `network.allow`. */
export const networkRules = fc.uniqueArray(
  fc.oneof(
    fc.record({ to: fc.constant('gitlab'), ports, ...ruleOptions }, { requiredKeys: ['to'], noNullPrototype: true }),
    fc.record(
      { to: fc.oneof(fc.constant('internet'), addresses, ranges, hostNames), ports, ...ruleOptions },
      { requiredKeys: ['to', 'ports'], noNullPrototype: true },
    ),
  ),
  { maxLength: 4, selector: (rule) => JSON.stringify(rule) },
);

const sections = {
  images: rules,
  services: rules,
  user: { run: fc.constantFrom('image', '1000:1000', '65534:65534'), root: fc.constantFrom('allowed', 'refused') },
  capabilities: some(capabilityNames),
  rootFilesystem: fc.constantFrom('ephemeral', 'read-only'),
  builds: fc.constantFrom('disk', 'memory'),
  tmpfs: { '/tmp': sizes, '/run': fc.oneof(sizes, fc.constant('none')) },
  seccomp: fc.constantFrom('baseline', 'restricted'),
  ulimits: { core: sizes, nofile: fc.nat(9999) },
  network: { helper: reach, build: reach, services: reach, allow: networkRules },
  limits: {
    memory: orUnlimited(sizes),
    cpus: orUnlimited(fc.integer({ min: 1, max: 64 })),
    pids: orUnlimited(fc.integer({ min: 64, max: 9999 })),
    disk: sizes,
    log: orUnlimited(sizes),
    services: fc.nat(4),
    serviceMemory: orUnlimited(sizes),
  },
  cache: fc.constantFrom('none', 'project', 'project-and-protection'),
  environment: { refuse: fc.uniqueArray(fc.constantFrom('CI_DEBUG_*', 'SECRET', '*_PROXY'), { maxLength: 2 }) },
  require: some(guaranteeNames),
};

function records(required: boolean): fc.Arbitrary<Record<string, unknown>> {
  const options = required ? {} : { requiredKeys: [] };
  const whole = Object.fromEntries(
    Object.entries(sections).map(([name, section]) => [
      name,
      section instanceof fc.Arbitrary ? section : fc.record(section as Record<string, fc.Arbitrary<unknown>>, options),
    ]),
  );
  return fc.record(whole as Record<string, fc.Arbitrary<unknown>>, { ...options, noNullPrototype: true });
}

/** Valid policy files that say everything. */
export const wholePolicies = records(true);
/** Valid policy files that say something. */
export const policyFragments = records(false);

/** Responses of GitLab, with all that the author of a job can choose. */
export const authorChoices = fc.record({
  image: fc.option(
    fc.record({ name: imageNames, pull_policy: fc.constantFrom(null, ['always'], ['never', 'always'], ['x']) }),
    { nil: null },
  ),
  services: fc.option(fc.array(fc.record({ name: imageNames }), { maxLength: 3 }), { nil: null }),
  variables: fc.array(
    fc.record({
      key: fc.constantFrom(
        'A',
        'CI_PROJECT_PATH',
        'CI_COMMIT_REF_PROTECTED',
        'CI_JOB_IMAGE',
        'CI_DEBUG_TRACE',
        'SECRET',
        'CI_RUNNER_DESCRIPTION',
      ),
      value: fc.constantFrom('', 'true', 'group/other', 'docker.io.evil.org/x'),
    }),
    { maxLength: 4 },
  ),
  steps: fc.constantFrom(null, [{ name: 'script', script: ['id'] }]),
  hooks: fc.constantFrom(null, [{ name: 'pre_get_sources_script', script: ['id'] }]),
  cache: fc.constantFrom(null, [{ key: '../../x' }]),
});
