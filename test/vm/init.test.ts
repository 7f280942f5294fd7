import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { execa } from 'execa';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { podmanUser } from '../../setup/podman-user.ts';
import { findAccount } from '../../src/host-setup/accounts.ts';
import { asPodmanUser } from '../../src/host-setup/podman-user.ts';
import { operatorLayout } from '../../src/init/operator-layout.ts';
import { customTable } from '../../src/runner/custom-block.ts';
import { TestJob } from '../integration/host.ts';
import { archives, saveImages } from './saved-images.ts';

// An operator's host: this machine once what set-up did to it is undone. It is not set up for other tests afterwards.

const repository = join(import.meta.dirname, '../..');
const bulkhead = join(repository, 'bin/bulkhead');
const configToml = '/etc/gitlab-runner/config.toml';
const registered = `# by hand
concurrent = 2

[[runners]]
  name = "vm" # the only one
  url = "https://gitlab.example.com"
  token = "glrt-x"
  executor = "custom"
  [runners.custom]
    run_exec = ""
  [runners.cache]
    MaxUploadedArchiveSize = 0`;
const layout = operatorLayout({}, { uid: 0, username: 'root', homedir: '/root' });
const driver = { env: { BULKHEAD_CONFIG: layout.config } };

const sh = async (script: string) => (await execa('sh', ['-ec', script], { cwd: repository })).stdout;
const init = (...args: string[]) => execa(bulkhead, ['init', ...args], { reject: false, all: true, stdin: 'ignore' });

/** Everything that set-up or init could leave: files with their contents, accounts, units, shared memory. */
async function listing(): Promise<string[]> {
  const found: string[] = [];
  const visit = (path: string, deep: boolean) => {
    for (const name of readdirSync(path).sort()) {
      const child = join(path, name);
      const status = lstatSync(child);
      // The tools for accounts keep the file of before, as `passwd-`.
      if (/^\/etc\/(passwd|group|g?shadow|subuid|subgid)-$/.test(child)) continue;
      const content = status.isSymbolicLink()
        ? readlinkSync(child)
        : status.isFile() && deep
          ? createHash('sha256').update(readFileSync(child)).digest('hex')
          : '';
      found.push(`${child} ${status.mode.toString(8)} ${status.uid}:${status.gid} ${content}`);
      if (status.isDirectory() && deep) visit(child, deep);
    }
  };
  visit('/etc', true);
  visit('/var/lib/systemd/linger', true);
  for (const folder of ['/var/lib', '/run', '/run/user', '/dev/shm', '/root', '/home']) visit(folder, false);
  const units = await sh(
    'systemctl list-unit-files --no-legend; systemctl list-units --all --no-legend --plain "bulkhead*"',
  );
  return [...found, ...units.split('\n')];
}

before(async () => {
  await saveImages(podmanUser());
  await sh('sh setup/with-setup.sh --stop');
  const [, undo = ''] = readFileSync(join(repository, 'docs/setup.md'), 'utf8').split('## Undo\n');
  for (const [, script = ''] of undo.matchAll(/^```sh\n(.*?)^```$/gms)) await sh(script);
  mkdirSync('/etc/gitlab-runner', { mode: 0o700 });
  writeFileSync(configToml, registered, { mode: 0o600 });
});

let pristine: string[];

test('a pristine host is set up by one command', async (t) => {
  pristine = await listing();
  const { exitCode, all, durationMs } = await init('--helper-image', archives.helper, '--merge', configToml);
  t.diagnostic(`${Math.round(durationMs / 1000)} s`);
  assert.equal(exitCode, 0, all);
  const { runners } = getStaticTOMLValue(parseTOML(readFileSync(configToml, 'utf8'))) as { runners: object[] };
  assert.deepEqual((runners[0] as Record<string, unknown>)['custom'], customTable(bulkhead));
  assert.equal(await sh('systemctl is-active bulkhead-gc.timer'), 'active');
});

test('a second time there is nothing to do', async () => {
  // The timer has started it, since the boot was long ago; what systemd says of it must not change in between.
  await sh('systemctl start bulkhead-gc.service');
  const [files, started] = [await listing(), await sh("systemctl show -p ActiveEnterTimestamp 'user@*.service'")];
  const { exitCode, all } = await init('--merge', configToml);
  assert.equal(exitCode, 0, all);
  assert.doesNotMatch(String(all), /^init: (file|runtime|service|merge|timer|configuration|folder|user): /m);
  assert.deepEqual(await listing(), files);
  assert.equal(await sh("systemctl show -p ActiveEnterTimestamp 'user@*.service'"), started);
});

test('a real job runs through it, its limits proven', async () => {
  const account = await findAccount(layout.user);
  assert.ok(account);
  const user = asPodmanUser(account, layout, true);
  await user.exec('podman', ['load', '--quiet'], { inputFile: archives.busybox });
  await using job = new TestJob({}, driver);
  assert.equal((await job.player.stage('config')).exitCode, 0);
  const prepare = await job.player.stage('prepare');
  const text = `${prepare.stdout}${prepare.stderr}`;
  assert.equal(prepare.exitCode, 0, text);
  for (const limit of ['memory', 'pids', 'cpu'])
    assert.match(text, new RegExp(`Isolation proven: [^;]*limits\\.${limit}`));
  const script = await job.sh('echo hello from a sandbox');
  assert.match(script.stdout.toString(), /^hello from a sandbox$/m);
});

test('gc runs as its timer starts it', async () => {
  await sh('systemctl start bulkhead-gc.service');
  assert.equal(await sh('systemctl show -p Result --value bulkhead-gc.service'), 'success');
});

test('what the operator changed survives, everything else goes, and config.toml is what it was', async () => {
  const assignments = join(layout.policies, 'assignments.json');
  const shipped = readFileSync(assignments, 'utf8');
  writeFileSync(assignments, `${shipped}\n`);
  const { exitCode, all } = await init('--uninstall');
  assert.equal(exitCode, 1, all);
  assert.match(String(all), new RegExp(`^left: ${assignments}: it was changed`, 'm'));
  assert.match(String(all), /^left: the user bulkhead: it owns data/m);
  assert.equal(readFileSync(assignments, 'utf8'), `${shipped}\n`);
  assert.equal(readFileSync(configToml, 'utf8'), registered);
  assert.ok(await findAccount(layout.user), 'data has its owner');
  writeFileSync(assignments, shipped);
});

test('with its data gone as well, nothing is left', async () => {
  const { exitCode, all } = await init('--uninstall', '--purge');
  assert.equal(exitCode, 0, all);
  assert.doesNotMatch(String(all), /^left: /m);
  assert.deepEqual(await listing(), pristine);
  assert.equal(await findAccount(layout.user), undefined);
});

test("an ordinary user is told root's part, and then needs no root", async () => {
  await sh('useradd --create-home alice');
  const account = await findAccount('alice');
  assert.ok(account);
  const session = `/run/user/${account.uid}`;
  const become = [
    '--reuid=alice',
    '--regid=alice',
    '--init-groups',
    'env',
    '-i',
    'HOME=/home/alice',
    'PATH=/usr/bin:/bin',
  ];
  const asAlice = (...args: string[]) =>
    execa('setpriv', [...become, `XDG_RUNTIME_DIR=${session}`, bulkhead, 'init', ...args], {
      reject: false,
      all: true,
      stdin: 'ignore',
      cwd: '/home/alice',
    });
  const home = () => sh('find /home/alice | sort');
  const before = await home();

  const first = await asAlice();
  assert.equal(first.exitCode, 1, first.all);
  const [, line = ''] = /^ {2}sudo (sh -c .*)$/m.exec(String(first.all)) ?? [];
  assert.match(line, /loginctl enable-linger alice/);
  assert.equal(await home(), before);
  await sh(line);

  const second = await asAlice('--helper-image', archives.helper);
  assert.equal(second.exitCode, 0, second.all);
  const gc = ['--user', '--machine=alice@', 'is-active', 'bulkhead-gc.timer', 'bulkhead-podman.socket'];
  assert.equal((await execa('systemctl', gc)).stdout, 'active\nactive');

  const last = await asAlice('--uninstall', '--purge');
  assert.equal(last.exitCode, 0, last.all);
  assert.doesNotMatch(String(last.all), /^left: /m);
  assert.equal(await home(), before);
  assert.doesNotMatch(await sh('ps -u alice -o args'), /podman|catatonit|pasta|aardvark/);
  for (const archive of Object.values(archives)) rmSync(archive);
});
