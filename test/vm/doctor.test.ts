import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { podmanUser } from '../../setup/podman-user.ts';
import { configuration, images, layout, TestJob } from '../integration/host.ts';
import { archives, saveImages } from './saved-images.ts';

// Each of doctor's failures that needs a host to itself: provoked, seen, and mended by what doctor says. Those of the
// configuration's files are in docs/walk-through.md and test/integration/doctor.test.ts.

const repository = join(import.meta.dirname, '../..');
const bulkhead = join(repository, 'bin/bulkhead');
const user = podmanUser();
const sh = (script: string, env: Record<string, string> = {}) =>
  execa('sh', ['-ec', script], { cwd: repository, env, stdin: 'ignore', all: true });
/** "As Podman's user, with the environment of the service", and "restart the service": as docs/doctor.md says. */
const page = readFileSync(join(repository, 'docs/doctor.md'), 'utf8');
const [, become = ''] = /^ {4}(setpriv .*) sh -c 'cd && podman system migrate'$/m.exec(page) ?? [];
const [, restart = ''] = /^ {4}(systemctl .* restart .*)$/m.exec(page) ?? [];
const asOwner = (script: string) => sh(`${become} sh -ec 'cd && ${script}'`);
const systemctl = (command: string) => sh(`systemctl --user --machine=${user.name}@ ${command}`);

interface Line {
  readonly id: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly text: string;
  readonly fix?: string;
}

async function doctor(): Promise<(id: string) => Line> {
  const { stdout, stderr, exitCode } = await execa(bulkhead, ['doctor', '--json'], {
    env: { BULKHEAD_CONFIG: layout.config },
    reject: false,
    stdin: 'ignore',
  });
  assert.ok(exitCode === 0 || exitCode === 1, stderr);
  const { checks } = JSON.parse(stdout) as { checks: Line[] };
  return (id) => {
    const line = checks.find((check) => check.id === id);
    assert.ok(line, id);
    return line;
  };
}

interface Fault {
  readonly check: string;
  readonly state: 'fail' | 'warn';
  readonly text: RegExp;
  /** What doctor says that mends it. Its groups are the commands that are typed then. */
  readonly fix: RegExp;
  provoke(): Promise<unknown>;
  /** Does what `fix` says. @param commands that it names. */
  mend(...commands: string[]): Promise<unknown>;
  /** Where this machine cannot be made better than that. */
  readonly mended?: 'warn';
}

const faults: Record<string, Fault> = {
  'a key that nobody knows in the configuration': {
    check: 'configuration',
    state: 'fail',
    text: /: Unrecognized key: "sockets"$/,
    fix: /^Correct the keys named\.$/,
    provoke: () => sh(`sed -i '0,/"socket"/s//"sockets"/' ${layout.config}`),
    mend: () => sh(`sed -i 's/"sockets"/"socket"/' ${layout.config}`),
  },
  'a clock that goes wrong': {
    check: 'clock',
    state: 'fail',
    text: /^it says .*, and .* was written /,
    fix: /set it by hand: (date --utc --set=)"…"$/,
    mended: 'warn',
    provoke: () =>
      sh(
        `date +%s >/run/clock-before; cut -d. -f1 /proc/uptime >/run/uptime-before; touch ${configuration.stateFolder}; date --set="3 days ago"`,
      ),
    mend: (command) =>
      sh(`${command}@$(($(cat /run/clock-before) + $(cut -d. -f1 /proc/uptime) - $(cat /run/uptime-before)))`),
  },
  'no module for tunnels': {
    check: 'tun-device',
    state: 'fail',
    text: /^there is no device \/dev\/net\/tun$/,
    fix: /^(modprobe tun) /,
    provoke: () => sh('rmmod tun || true; rm -f /dev/net/tun'),
    mend: (command) => sh(command),
  },
  'a Podman service that does not run': {
    check: 'podman-version',
    state: 'fail',
    text: /^the Podman service does not answer /,
    fix: /^Start the service that owns the socket named in the configuration/,
    provoke: () => systemctl('stop bulkhead-podman.socket bulkhead-podman.service'),
    mend: () => systemctl('start bulkhead-podman.socket'),
  },
  'a Podman service of root': {
    check: 'podman-rootless',
    state: 'fail',
    text: /^the Podman service runs as root$/,
    fix: /^Run a dedicated service as an unprivileged user .*, and name its socket as "socket"/,
    async provoke() {
      await sh('systemd-run --unit=rootful podman system service --time=0 unix:///run/rootful.sock; sleep 3');
      await sh(`sed -i 's|"${layout.socket}"|"/run/rootful.sock"|' ${layout.config}`);
    },
    mend: () => sh(`sed -i 's|"/run/rootful.sock"|"${layout.socket}"|' ${layout.config}; systemctl stop rootful`),
  },
  'another default runtime': {
    check: 'default-runtime',
    state: 'fail',
    text: /^containers run under "crun", not runsc$/,
    fix: /^Put runtime = "runsc" below \[engine\] of the containers\.conf of the service, .*; restart the service\.$/,
    provoke: () =>
      sh(`sed -i 's/^runtime = "runsc"/runtime = "crun"/' ${join(layout.dataDir, 'containers.conf')}; ${restart}`),
    mend: () =>
      sh(`sed -i 's/^runtime = "crun"/runtime = "runsc"/' ${join(layout.dataDir, 'containers.conf')}; ${restart}`),
  },
  'a flag of runsc that opens sandboxes': {
    check: 'runsc',
    state: 'warn',
    text: /--host-uds=open: sandboxes can reach Unix sockets of the host$/,
    fix: /^Take it out of the script that \[engine\.runtimes\]/,
    provoke: () => sh(`sed -i 's/ --oci-seccomp/ --host-uds=open --oci-seccomp/' ${join(layout.dataDir, 'bin/runsc')}`),
    mend: () => sh(`sed -i 's/ --host-uds=open//' ${join(layout.dataDir, 'bin/runsc')}`),
  },
  'a runsc that does not start': {
    check: 'sandbox',
    state: 'fail',
    text: /^the helper sandbox did not start: .*exec: \/usr\/bin\/runsc: not found/,
    fix: /^Look at the Podman service's log; /,
    provoke: () => sh('mv /usr/bin/runsc /usr/bin/runsc.kept'),
    mend: () => sh('mv /usr/bin/runsc.kept /usr/bin/runsc'),
  },
  'no cgroup controllers for the user': {
    check: 'cgroups',
    state: 'warn',
    text: /^no limits: systemd does not delegate the cgroup controllers /,
    fix: /^Put "(\[Service\]\\nDelegate=cpu memory pids)" into (\S+), then reboot\.$/,
    provoke: () =>
      sh(
        `mkdir -p /etc/systemd/system/user@.service.d; printf '[Service]\nDelegate=\nDelegate=pids\n' >/etc/systemd/system/user@.service.d/delegate.conf; systemctl daemon-reload; systemctl restart user@${user.uid}; sleep 3`,
      ),
    mend: (text, file) =>
      sh(`printf '${text}' >${file}; systemctl daemon-reload; systemctl restart user@${user.uid}; sleep 3`),
  },
  'what a killed runner left': {
    check: 'leftovers',
    state: 'warn',
    text: /^objects of 1 jobs and \d+ slices that are over$/,
    fix: /^(bulkhead gc)$/,
    async provoke() {
      const files = 'printf "test:\\n  image: %s\\n  script: sleep 900\\n" "$1" >.gitlab-ci.yml';
      await sh(`mkdir /root/killed; cd /root/killed; git init -q; set -- ${images.busybox}; ${files}`);
      const killed = execa(bulkhead, ['local'], {
        cwd: '/root/killed',
        env: { BULKHEAD_CONFIG: layout.config },
        stdin: 'ignore',
        reject: false,
        buffer: false,
      });
      for await (const line of killed) if (String(line).startsWith('$ sleep')) killed.kill('SIGKILL');
    },
    mend: (command) => sh(`bin/${command}`, { BULKHEAD_CONFIG: layout.config }),
  },
  'receipts that somebody wrote into': {
    check: 'receipts',
    state: 'fail',
    text: /^receipts\.jsonl:2: the record before it was changed$/,
    fix: /then move its receipts\*\.jsonl elsewhere, and keep them\.$/,
    async provoke() {
      const job = await TestJob.prepared();
      await job[Symbol.asyncDispose]();
      await sh(`sed -i '1s/{/{ /' ${configuration.stateFolder}/receipts.jsonl`);
    },
    mend: () => sh(`mkdir /root/evidence; mv ${configuration.stateFolder}/receipts*.jsonl /root/evidence`),
  },
  'ids that another user has as well': {
    check: 'subordinate-ids',
    state: 'fail',
    text: /^in \/etc\/subuid, mallory has ids that bulkhead has, too/,
    fix: /^Give mallory another range in \/etc\/subuid \(usermod --del-sub… and --add-sub…\)/,
    provoke: () =>
      sh(
        `useradd mallory; usermod --add-subuids "$(awk -F: '$1=="bulkhead"{print $2+100"-"$2+200}' /etc/subuid)" mallory`,
      ),
    mend: () => sh(`usermod --del-subuids "$(awk -F: '$1=="bulkhead"{print $2+100"-"$2+200}' /etc/subuid)" mallory`),
  },
  'too few subordinate ids': {
    check: 'subordinate-ids',
    state: 'fail',
    text: /^a container has 1001 user ids and 1001 group ids; it needs 65536 of each$/,
    fix: /^(usermod .*); then, as bulkhead, with the environment of the service: (podman system migrate); then restart the service$/,
    async provoke() {
      await sh(`sed -i -E 's/^(bulkhead:[0-9]+):.*/\\1:1000/' /etc/subuid /etc/subgid`);
      await asOwner('podman system migrate');
      await sh(restart);
    },
    async mend(usermod = '', migrate = '') {
      await sh(usermod);
      // Whoever looks again before that was done is not given a second range.
      assert.match(
        (await doctor())('subordinate-ids').fix ?? '',
        /^\/etc\/subuid and \/etc\/subgid have them\. As bulkhead/,
      );
      await asOwner(migrate);
      await sh(restart);
    },
  },
  'a disk that is almost full': {
    check: 'disk-space',
    state: 'fail',
    text: /^almost nothing is left: /,
    fix: /: (bulkhead gc --caches-older-than 30d); then, as Podman's user, with the environment of the service: (podman image prune .*)$/,
    mended: 'warn',
    async provoke() {
      await sh(
        `fallocate --length $(($(df --output=avail -B1 ${layout.dataDir} | tail -n 1) - 1300 * 1024 * 1024)) /var/tmp/hog`,
      );
      await sh('cd /var/tmp; head -c 400M /dev/zero >zeros; tar -cf zeros.tar zeros; rm zeros');
      await asOwner('podman import --quiet /var/tmp/zeros.tar localhost/unused:1');
      await sh('rm /var/tmp/zeros.tar');
    },
    async mend(gc, prune) {
      await sh(`bin/${gc}`, { BULKHEAD_CONFIG: layout.config });
      await asOwner(`${prune} --force`);
    },
  },
  'no helper image': {
    check: 'helper-image',
    state: 'fail',
    text: /is not in the store of the service$/,
    fix: /^bulkhead init, where that set the host up \((npm run setup), where set-up did\); else, /,
    provoke: () => asOwner(`podman rmi --force ${configuration.helperImage}`),
    // What npm runs; this machine has none.
    mend: (command) => sh(command === 'npm run setup' ? 'sh setup/with-setup.sh' : 'false'),
  },
  'images that are copied layer by layer': {
    check: 'storage-driver',
    state: 'fail',
    text: /^Podman stores images with vfs, which copies every layer$/,
    fix: /^As bulkhead, with the environment of the service: (podman system reset); then put driver = "overlay" below \[storage\] of (\S+), restart the service, and make the images again /,
    async provoke() {
      await asOwner('podman system reset --force');
      await sh(`sed -i 's/^driver = "overlay"/driver = "vfs"/' ${join(layout.dataDir, 'storage.conf')}; ${restart}`);
    },
    async mend(reset, file) {
      await asOwner(`${reset} --force`);
      await sh(`sed -i 's/^driver = "vfs"/driver = "overlay"/' ${file}; ${restart}`);
    },
  },
};

before(() => saveImages(user));

/** Other tests come after these. */
after(async () => {
  await sh(`rm -f /var/tmp/hog; ${restart}`);
  for (const archive of Object.values(archives)) await user.exec('podman', ['load', '--quiet'], { inputFile: archive });
});

for (const [name, fault] of Object.entries(faults)) {
  test(name, async (t) => {
    await fault.provoke();
    let typed: string[] = [];
    try {
      const seen = (await doctor())(fault.check);
      t.diagnostic(JSON.stringify(seen));
      typed = fault.fix.exec(seen.fix ?? '')?.slice(1) ?? [];
      assert.equal(seen.state, fault.state, seen.text);
      assert.match(seen.text, fault.text);
      assert.match(seen.fix ?? '', fault.fix);
    } finally {
      await fault.mend(...typed);
    }
    const { state, text } = (await doctor())(fault.check);
    assert.equal(state, fault.mended ?? 'ok', text);
  });
}
