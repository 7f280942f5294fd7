import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { proveGvisor } from '../../src/guarantees/gvisor.ts';
import { images, podman, TestJob } from './host.ts';

/** The part of the OCI runtime specification that this is about. */
interface Bundle {
  readonly process: { readonly noNewPrivileges?: boolean; readonly capabilities: Record<string, string[] | undefined> };
  readonly linux: { readonly seccomp?: { readonly defaultAction: string; readonly syscalls: { names: string[] }[] } };
}

async function bundleOf(container: string): Promise<Bundle> {
  const { pid, process } = await proveGvisor(podman, container);
  assert.ok(process.commandLine.includes('--oci-seccomp=true'), `sandbox ${pid} has no --oci-seccomp`);
  const folder = process.commandLine.find((word) => word.startsWith('--bundle='))?.slice('--bundle='.length);
  return JSON.parse(await readFile(`${folder}/config.json`, 'utf8'));
}

test('what runsc was given: our profile, no new privileges, no capability too many', async () => {
  await using job = await TestJob.prepared({ image: images.python });
  for (const role of ['helper', 'build'] as const) {
    const { process, linux } = await bundleOf(job.name(role));
    assert.equal(process.noNewPrivileges, true);
    assert.equal(linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
    const allowed = linux.seccomp.syscalls.flatMap(({ names }) => names);
    for (const name of ['read', 'execve', 'clone3']) assert.ok(allowed.includes(name), name);
    for (const name of ['mount', 'unshare', 'bpf', 'keyctl']) assert.ok(!allowed.includes(name), name);
    for (const set of Object.values(process.capabilities)) {
      for (const name of set ?? []) assert.match(name, /^CAP_(CHOWN|DAC_OVERRIDE|FOWNER|FSETID|KILL|SETGID|SETUID)$/);
    }
  }
});

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
  assert.match(attack.stderr.toString(), /Operation not permitted/);
});
