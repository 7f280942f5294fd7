import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { askDns } from './ask-dns.ts';
import { images, layout, TestJob } from './host.ts';

// What one script tries, and in which setting it would work, is in the table in attacks/. Here is what a table cannot say.

let job: TestJob;
before(async () => {
  job = await TestJob.prepared({ image: images.python });
});
after(async () => {
  await job[Symbol.asyncDispose]();
});

test('whatever a job tries on the scripts, those of later stages are still the runner’s', async () => {
  const attack =
    'for f in /bulkhead/scripts/* /bulkhead/init; do echo "echo hacked" > $f; rm -f $f; done; touch /bulkhead/x';
  const sizes = async () => (await job.sh('wc -c /bulkhead/init /bulkhead/probe')).stdout.toString();
  const before = await sizes();
  assert.notEqual((await job.sh(attack)).exitCode, 0);
  // runsc may say that it refused, and empty them all the same.
  assert.equal(await sizes(), before);
  assert.equal((await job.sh('mount -o remount,rw /bulkhead')).exitCode, 1);
  assert.notEqual((await job.sh(attack, 'get_sources')).exitCode, 0, 'from the helper, where hooks run');
  assert.equal((await job.sh('echo still mine')).stdout.toString(), 'still mine\n');
  assert.equal((await job.sh('echo still mine', 'archive_cache')).stdout.toString(), 'still mine\n');
});

test('no socket of anybody else is in a sandbox', async () => {
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
  await using mine = await TestJob.prepared({ image: images.python });
  await using other = await TestJob.prepared({ image: images.python });
  await other.sh('echo secret of the other job > /builds/secret; echo tmp > /tmp/secret', 'get_sources');
  // First, since Podman's DNS server asks the host's resolver for names it does not know, and answers nobody meanwhile.
  const own = await mine.sh(askDns(`${mine.name('build')}.dns.podman`));
  assert.equal(own.stdout.toString(), 'answers: 1\n', 'the lookup itself works: its own name is found');
  const result = await mine.sh(
    `exec 2>/dev/null; ls -R /builds /tmp; cat /builds/secret /tmp/secret; getent hosts ${other.name('build')} ${other.name('helper')}; mount`,
  );
  assert.doesNotMatch(result.stdout.toString(), /secret/);
  assert.ok(!result.stdout.includes(other.key));
});

test('capabilities: only those that baseline gives, in no process more', async () => {
  const status = (await job.sh('cat /proc/self/status')).stdout.toString();
  // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10.
  for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
    assert.match(status, new RegExp(`${set}:\\t00000000000004fb`), status);
  assert.match(status, /CapInh:\t0000000000000000/);
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
  assert.equal(result.exitCode, 0, result.stdout.toString());
  assert.equal(result.stdout.toString(), 'nobody:nogroup 2750\n65534\n');
});
