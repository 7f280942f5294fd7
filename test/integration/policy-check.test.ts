import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { request } from '../../src/podman/client.ts';
import type { Finding } from '../../src/policy/finding.ts';
import { configuration, podman, policyWith } from './host.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const profiles = mkdtempSync(join(tmpdir(), 'bulkhead-profiles-'));
cpSync(configuration.seccompProfiles, profiles, { recursive: true });
// As set-up does it: the user of the service reads them.
chmodSync(profiles, 0o755);
after(() => rmSync(profiles, { recursive: true }));

/** What is found about the policy `test` on this host. */
async function check(change: Record<string, unknown>): Promise<{ exitCode: number | undefined; findings: Finding[] }> {
  await using policy = await policyWith(change, { seccompProfiles: profiles });
  for (const name of ['restricted', 'hermetic']) rmSync(join(policy.policies, `${name}.json`));
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, 'policy', 'check', '--host', '--json'], {
    env: policy.env,
    reject: false,
  });
  assert.notEqual(exitCode, 2, stderr);
  await assertNothingLeft();
  return { exitCode, findings: JSON.parse(stdout).findings };
}

async function assertNothingLeft(): Promise<void> {
  const filters = { label: ['io.bulkhead.instance=bulkhead:policy-check'] };
  const [containers, volumes, networks] = await Promise.all([
    request('list', podman.listContainers({ all: true, filters })),
    request('list', podman.listVolumes({ filters })),
    request('list', podman.listNetworks({ filters })),
  ]);
  assert.deepEqual([containers, volumes.Volumes ?? [], networks], [[], [], []]);
}

const errors = (findings: Finding[]) =>
  findings.filter(({ level }) => level === 'error').map(({ path, message }) => `${path}: ${message}`);

test('a policy that this host can give is fine here; what is not required is only told', async () => {
  const { exitCode, findings } = await check({});
  assert.deepEqual([exitCode, errors(findings)], [0, []]);
  assert.ok(findings.some(({ level, message }) => level === 'info' && message.includes('cannot give limits.disk')));
});

test('a guarantee that this host cannot give is an error where it is required', async () => {
  const { exitCode, findings } = await check({ require: ['rootless', 'gvisor', 'limits.disk'] });
  assert.equal(exitCode, 1);
  assert.match(errors(findings).join('\n'), /^require\[2\]: requires limits\.disk, which this host cannot give: /);
  const bounded = await check({
    require: ['rootless', 'gvisor', 'capabilities', 'rootfs', 'limits.disk'],
    builds: 'memory',
    limits: { disk: '64MiB' },
    rootFilesystem: 'read-only',
    cache: 'none',
    user: { run: '1000:1000', root: 'refused' },
    capabilities: [],
  });
  assert.deepEqual([bounded.exitCode, errors(bounded.findings)], [0, []]);
});

test('a profile that reads well, but that Podman and runsc cannot use, is found', async () => {
  const broken = JSON.parse(readFileSync(join(profiles, 'baseline.json'), 'utf8'));
  broken.archMap = [{ architecture: 'SCMP_ARCH_NONE_SUCH', subArchitectures: [] }];
  broken.syscalls[0].args = [
    { index: 5, value: 1, valueTwo: 0, op: 'SCMP_CMP_EQ' },
    { index: 5, value: 2, valueTwo: 0, op: 'SCMP_CMP_EQ' },
  ];
  writeFileSync(join(profiles, 'broken.json'), JSON.stringify(broken), { mode: 0o644 });
  const { exitCode, findings } = await check({ seccomp: 'broken' });
  assert.equal(exitCode, 1, JSON.stringify(findings));
  assert.match(errors(findings).join('\n'), /: this host can make no sandboxes for policy test: /);
});
