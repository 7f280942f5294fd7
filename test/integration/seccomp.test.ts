import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Bundle } from '../../src/guarantees/bundle.ts';
import { type SandboxDemand, seeFromHost } from '../../src/guarantees/sandbox-facts.ts';
import { images, podman, policyWith, TestJob } from './host.ts';

const profiles = join(import.meta.dirname, '../../seccomp');

async function bundleOf(name: string): Promise<Bundle> {
  const { process, bundle } = await seeFromHost(podman, { spec: { name } } as SandboxDemand);
  assert.ok(process?.commandLine.includes('--oci-seccomp=true'), 'the sandbox has --oci-seccomp');
  assert.ok('seen' in bundle);
  return bundle.seen;
}

/** Every call with its conditions, as one line each. */
function calls(rules: readonly { names: readonly string[]; args?: readonly object[] | undefined }[]): string[] {
  const describe = ({ index, op, value, valueTwo = 0 }: Record<string, unknown>) =>
    `${index} ${op} ${value} ${valueTwo}`;
  return rules
    .flatMap(({ names, args = [] }) =>
      names.map((name) => [name, ...args.map((arg) => describe(arg as Record<string, unknown>))].join(' ')),
    )
    .sort();
}

for (const name of ['baseline', 'restricted', 'hermetic']) {
  test(`what runsc was given: the profile ${name}, no new privileges, no capability too many`, async () => {
    await using policy = await policyWith({ seccomp: name });
    await using job = await TestJob.prepared({ image: images.python }, policy);
    const file = JSON.parse(await readFile(join(profiles, `${name}.json`), 'utf8'));
    for (const role of ['helper', 'build'] as const) {
      const { process, linux } = await bundleOf(job.name(role));
      assert.equal(process.noNewPrivileges, true);
      assert.equal(linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
      assert.deepEqual(calls(linux.seccomp.syscalls), calls(file.syscalls));
      for (const set of Object.values(process.capabilities ?? {})) {
        for (const held of set ?? [])
          assert.match(held, /^CAP_(CHOWN|DAC_OVERRIDE|FOWNER|FSETID|KILL|SETGID|SETUID|NET_BIND_SERVICE)$/);
      }
    }
  });
}

test('a syscall that the profile leaves out fails in a stage script', async (t) => {
  await using job = await TestJob.prepared({ image: images.python });
  const attack = await job.sh('unshare --user true');
  const filtered = /^Seccomp:\t2$/m.test((await job.sh('cat /proc/self/status')).stdout.toString());
  if (!filtered) {
    t.diagnostic('NOT filtered: this runsc applies seccomp to the first process of a container only');
    assert.equal(attack.exitCode, 0, 'the attack works where nothing filters it');
    return;
  }
  assert.equal(attack.exitCode, 1);
  assert.match(attack.stdout.toString(), /Operation not permitted/);
});
