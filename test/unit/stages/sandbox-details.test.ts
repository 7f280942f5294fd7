import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsSchema } from '../../../src/policy/schema.ts';
import { parseImageReference } from '../../../src/sandbox/image-reference.ts';
import { describeSandboxes } from '../../../src/stages/sandbox-details.ts';

const shipped = JSON.parse(readFileSync(join(import.meta.dirname, '../../../policies/baseline.json'), 'utf8'));
const { $schema, description, extends: base, ...sections } = shipped;
const image = (letter: string) => ({
  id: `sha256:${letter.repeat(64)}`,
  user: '',
  entrypoint: [],
  command: [],
  environment: [],
  exposedPorts: [],
  volumes: [],
  digests: [],
});
const images = { helper: image('a'), build: image('b'), entrypoint: ['/entry', 'a b'], services: [] };
const runtime = { version: 'runsc version 1', flags: ['--oci-seccomp=true'] };

function describe(change: object, user?: string): Map<string, string> {
  const settings = settingsSchema.parse({ ...sections, ...change });
  const lines = describeSandboxes(settings, user, images, runtime, {
    gvisor: { state: 'proven', evidence: 'runsc, sandbox process 7' },
    'limits.memory': { state: 'unavailable', reason: 'the operator has no cgroups', remedy: 'get some' },
  });
  return new Map(lines.map((line) => line.split(/ {2,}/, 2) as [string, string]));
}

test('the author learns what the sandboxes are', () => {
  const seen = describe({ limits: { ...sections.limits, memory: '4GiB', cpus: 0.5, pids: 'unlimited' } });
  assert.equal(seen.get('runtime'), 'runsc version 1 --oci-seccomp=true');
  assert.equal(seen.get('helper image'), 'a'.repeat(12));
  assert.equal(seen.get('user'), "the image's");
  assert.equal(seen.get('entrypoint'), '["/entry","a b"]');
  assert.equal(seen.get('cpus limit'), '0.5');
  assert.equal(seen.get('pids limit'), 'unlimited');
  assert.equal(seen.get('gvisor'), 'proven: runsc, sandbox process 7');
});

test('why the host does not give something is not the author’s concern', () => {
  const lines = [...describe({}).entries()].filter(([name]) => name === 'limits.memory').map(([, value]) => value);
  assert.deepEqual(lines, ['not on this runner']);
});

test('no capabilities and another user are said so', () => {
  const seen = describe({ capabilities: [], builds: 'disk' }, '1000:1000');
  assert.equal(seen.get('capabilities'), 'none');
  assert.equal(seen.get('user'), '1000:1000');
});

test('services are said, where the job has any', () => {
  assert.equal(describe({}).get('network'), 'helper: egress, build: egress');
  const settings = settingsSchema.parse(sections);
  const service = { ...image('c'), reference: parseImageReference('redis:8') };
  const lines = describeSandboxes(settings, undefined, { ...images, services: [service] }, runtime, {});
  assert.ok(
    lines.some((line) => /^network +helper: egress, build: egress, services: job$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(
    lines.some((line) => /^memory limit of a service +1GiB$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(
    lines.some((line) => /^service image +c{12} docker\.io\/library\/redis:8$/.test(line)),
    lines.join('\n'),
  );
});
