import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSandbox, startSandbox } from '../../src/podman/containers.ts';
import { execute } from '../../src/podman/exec.ts';
import { findImage } from '../../src/podman/images.ts';
import { parseJob } from '../../src/runner/job.ts';
import { type SandboxSpec, specifyJob } from '../../src/sandbox/specification.ts';
import { makeJob } from '../player/job.ts';
import { configuration, images, layout, podman, TestJob } from './host.ts';

let job: TestJob;
before(async () => {
  job = await TestJob.prepared({ image: images.python });
});
after(async () => {
  await job[Symbol.asyncDispose]();
});

/**
 * Runs an attack in a sandbox that is the job's build sandbox but for one change: the direction in which it must work, or
 * the test would prove nothing. The sandbox carries the job's labels, so the job's cleanup removes it.
 */
async function attackWith(
  change: (spec: SandboxSpec) => SandboxSpec,
  script: string,
): Promise<{ code: number; output: string }> {
  const described = parseJob(makeJob({ id: Number(job.key.split('-')[0]) }));
  const owner = { policy: 'test', policyHash: 'test', deadline: 1, runnerProcess: '1:1' };
  const { build } = specifyJob(described, configuration, owner);
  const spec = { ...change(build), name: `${build.name}-bent-${Math.random().toString(36).slice(2)}` };
  const image = await findImage(podman, images.python);
  assert.ok(image);
  await createSandbox(podman, spec, image);
  await startSandbox(podman, spec);
  let output = '';
  const code = await execute(podman, spec.name, ['sh', '-c', script], async ({ data }) => {
    output += Buffer.from(data).toString();
  });
  return { code, output };
}

test('a job cannot change the script of a later stage', async () => {
  const attack =
    'for f in /bulkhead/scripts/* /bulkhead/init; do echo "echo hacked" > $f || exit 1; rm -f $f || exit 1; done; touch /bulkhead/x';
  await job.sh('echo first');
  assert.notEqual((await job.sh(attack)).exitCode, 0);
  assert.equal((await job.sh('mount -o remount,rw /bulkhead')).exitCode, 1);
  assert.notEqual((await job.sh(attack, 'get_sources')).exitCode, 0, 'from the helper, where hooks run');
  assert.equal((await job.sh('echo still mine')).stdout.toString(), 'still mine\n');

  const writable = (spec: SandboxSpec): SandboxSpec => ({
    ...spec,
    mounts: spec.mounts.map((mount) => (mount.kind === 'volume' ? { ...mount, readOnly: false } : mount)),
  });
  assert.equal((await attackWith(writable, 'touch /bulkhead/scripts/x')).code, 0, 'works where the volume is writable');
});

test('a job does not see files of the host', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-secret-'));
  try {
    await writeFile(join(folder, 'file'), 'secret of the host', { mode: 0o644 });
    const attack = `cat ${folder}/file /proc/1/root${folder}/file ${layout.config}`;
    const result = await job.sh(attack);
    assert.ok(!`${result.stdout}`.includes('secret of the host'));
    assert.ok(!`${result.stdout}`.includes('helperImage'));

    const mounted = (spec: SandboxSpec): SandboxSpec => ({
      ...spec,
      mounts: [...spec.mounts, { kind: 'host-file', source: layout.config, target: layout.config }],
    });
    assert.match(
      (await attackWith(mounted, `cat ${layout.config}`)).output,
      /helperImage/,
      'works where it is mounted',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a job does not see Podman's socket", async () => {
  const result = await job.sh(
    `ls ${layout.runDir} /run/user /var/run/docker.sock /run/podman; find / -xdev -type s 2>/dev/null`,
  );
  assert.ok(!result.stdout.includes('podman.sock'), result.stdout.toString());
});

test('a job does not see processes of the host, nor of its own helper', async () => {
  const helper = await job.player.startRun('get_sources', 'echo going; sleep 31415');
  await helper.outputs('going');
  const result = await job.sh('cat /proc/[0-9]*/cmdline | tr "\\0" " "; ls /proc | grep -c "^[0-9]"; hostname');
  const text = result.stdout.toString();
  assert.doesNotMatch(text, /31415|podman|conmon|gitlab/);
  assert.notEqual(text.trim().split('\n').at(-1), hostname());
  await helper.terminate(60_000, 10_000);
});

test('another job cannot be seen: volumes, files, network names', async () => {
  await using other = await TestJob.prepared({ image: images.python });
  await other.sh('echo secret of the other job > /builds/secret; echo tmp > /tmp/secret', 'get_sources');
  const result = await job.sh(
    `ls -R /builds /tmp; cat /builds/secret /tmp/secret; getent hosts ${other.name('build')} ${other.name('helper')}; mount`,
  );
  assert.doesNotMatch(result.stdout.toString(), /secret/);
  assert.ok(!result.stdout.includes(other.key));
  const own = await job.sh(`getent hosts ${job.name('helper')}`);
  assert.match(own.stdout.toString(), /\d/, 'the lookup itself works: the own helper is found');
});

test('capabilities: only those of package installation, in no process more', async () => {
  const status = (await job.sh('cat /proc/self/status')).stdout.toString();
  // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7.
  for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
    assert.match(status, new RegExp(`${set}:\\t00000000000000fb`), status);
  assert.match(status, /CapInh:\t0000000000000000/);
  // gVisor lets anybody make a device node in its own file systems; there is no device behind it.
  const disk = `python3 -c "import os; os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0)); os.open('/tmp/disk', 0)"`;
  const opened = await job.sh(disk);
  assert.equal(opened.exitCode, 1);
  assert.match(opened.stderr.toString(), /No such device|not permitted/i);
  const chroot = 'python3 -c "import os; os.chroot(\'/\')"';
  assert.equal((await job.sh(chroot)).exitCode, 1);
  const with_ = (spec: SandboxSpec): SandboxSpec => ({ ...spec, capabilities: [...spec.capabilities, 'SYS_CHROOT'] });
  // The seccomp profile of newer runsc filters chroot as well; capabilities are what is bent here.
  const bent = await attackWith(with_, 'grep CapEff /proc/self/status');
  assert.match(bent.output, /CapEff:\t00000000000400fb/, 'a capability that is given can be seen');
});

test('a package can be installed: files of other owners, scripts that drop to another user', async () => {
  const result = await job.sh(`set -e
mkdir -p /tmp/p/DEBIAN /tmp/p/opt/tool && cd /tmp
printf 'Package: tool\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.com>\\nDescription: x\\n' > p/DEBIAN/control
printf '#!/bin/sh\\nset -e\\nchown nobody:nogroup /opt/tool/data\\nchmod 2750 /opt/tool/data\\n' > p/DEBIAN/postinst
chmod 755 p/DEBIAN/postinst; echo data > p/opt/tool/data
dpkg-deb --root-owner-group --build p tool.deb >/dev/null
dpkg -i tool.deb >/dev/null
stat -c '%U:%G %a' /opt/tool/data
python3 -c "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534); print(os.getuid())"`);
  assert.equal(result.exitCode, 0, result.stderr.toString());
  assert.equal(result.stdout.toString(), 'nobody:nogroup 2750\n65534\n');
});
