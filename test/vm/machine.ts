import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type Options, type ResultPromise } from 'execa';
import { withLock } from '../../setup/lock.ts';
import { SetupError, say } from '../../setup/say.ts';
import { CACHE, type DiskKind, removeStale, temporaryFolder } from './cache.ts';
import { type Disk, ensureDisk, makeFileSystem } from './disk.ts';
import { ensureHostPrograms, QEMU } from './host-programs.ts';
import { copyProject } from './project.ts';

const BOOT_TIMEOUT_MS = 5 * 60_000;
const POWER_OFF_TIMEOUT_MS = 60_000;
/** Room for what tests and set-up write into the project's folder. */
const PROJECT_SIZE = '1G';

/** A running virtual machine: Debian 13 with systemd and cgroup v2. The test's host is 10.0.2.2 there. */
export interface Machine extends AsyncDisposable {
  /** Runs a shell script in it, as root. */
  run<T extends Options>(script: string, options?: T): ResultPromise<T>;
  /** Reboots it, and waits until it lets us in again. */
  reboot(): Promise<void>;
}

/** Makes and boots a machine for which everything is still to be done. Removes what runs left behind that were killed. */
export async function bareMachine(): Promise<Machine> {
  return bootMachine(await readyDisk('bare'));
}

/** Makes and boots one with the project in it, as it is in the work tree. */
export async function setUpMachine(): Promise<Machine> {
  return bootMachine(await readyDisk('set-up'), projectDisk);
}

async function readyDisk(kind: DiskKind): Promise<Disk> {
  if (process.getuid?.() !== 0) throw new SetupError('building the machine needs root');
  await ensureHostPrograms();
  mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  return withLock(join(CACHE, 'lock'), async () => {
    removeStale();
    return await ensureDisk(kind);
  });
}

/** Boots it from its disk, which stays as it is: what the machine writes goes to nameless temporary files. */
async function bootMachine(disk: Disk, secondDisk?: (folder: string) => Promise<string>): Promise<Machine> {
  const folder = temporaryFolder();
  const console = join(folder, 'console.log');
  const port = await freePort();
  const images = [disk.image, ...(secondDisk === undefined ? [] : [await secondDisk(folder)])];
  const qemu = start(disk, images, console, port);
  const run: Machine['run'] = (script, options) => ssh(disk, port, script, options);
  const end = async () => {
    qemu.kill('SIGKILL');
    await qemu;
    rmSync(folder, { recursive: true });
  };
  try {
    await waitForLogin(run, qemu);
  } catch (error) {
    process.stderr.write(readFileSync(console, 'utf8').slice(-4000));
    await end();
    throw error;
  }
  const powerOff = async () => {
    const timeout = POWER_OFF_TIMEOUT_MS;
    await run('systemctl poweroff', { reject: false, timeout, stdio: 'ignore' });
    await Promise.race([qemu, sleep(timeout, undefined, { ref: false })]);
    await end();
  };
  const bootId = async () => (await run('cat /proc/sys/kernel/random/boot_id')).stdout;
  const reboot = async () => {
    const before = await bootId();
    await run('systemctl reboot', { reject: false, stdio: 'ignore' });
    await waitForLogin(run, qemu, async () => (await bootId()) !== before);
  };
  return { run, reboot, [Symbol.asyncDispose]: powerOff };
}

async function projectDisk(folder: string): Promise<string> {
  const copy = join(folder, 'project');
  mkdirSync(copy);
  await copyProject(copy);
  await makeFileSystem(copy, join(folder, 'project.img'), PROJECT_SIZE);
  rmSync(copy, { recursive: true });
  return join(folder, 'project.img');
}

/**
 * QEMU that interprets every instruction: /dev/kvm may be there and still not work (in a virtual machine without nesting),
 * and a run should take the same way everywhere.
 */
function start(disk: Disk, images: readonly string[], console: string, port: number) {
  const hardware = ['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '4096'];
  const boot = ['-kernel', disk.kernel, '-initrd', disk.initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet'];
  const drives = images.flatMap((file) => ['-drive', `file=${file},format=raw,if=virtio,snapshot=on,cache=unsafe`]);
  const network = [
    ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:22`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
  ];
  const rest = ['-device', 'virtio-rng-pci', '-nodefaults', '-display', 'none', '-serial', `file:${console}`];
  // However this process ends, the machine goes with it.
  const command = ['--pdeathsig', 'KILL', '--', QEMU, ...hardware, ...boot, ...drives, ...network, ...rest];
  return execa('setpriv', command, { stdio: ['ignore', 'inherit', 'inherit'], reject: false, env: { TMPDIR: CACHE } });
}

function ssh<T extends Options>({ key }: Disk, port: number, script: string, options = {} as T): ResultPromise<T> {
  const settings = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'BatchMode=yes'];
  const connection = [...settings, 'ConnectTimeout=10', 'ServerAliveInterval=60'].flatMap((setting) => ['-o', setting]);
  const target = ['-F', 'none', '-i', key, '-p', String(port), 'root@127.0.0.1'];
  const given = ['stdio', 'input', 'inputFile'].some((name) => name in options);
  const stdin = given ? {} : { stdin: 'ignore' as const };
  return execa('ssh', [...connection, ...target, script], { ...stdin, ...options }) as unknown as ResultPromise<T>;
}

async function waitForLogin(
  run: Machine['run'],
  qemu: Promise<unknown>,
  isNew: () => Promise<boolean> = async () => true,
): Promise<void> {
  const ended = qemu.then(() => 'ended' as const);
  const started = Date.now();
  for (;;) {
    if ((await Promise.race([ended, sleep(1000)])) === 'ended') throw new Error('the machine ended while it booted');
    const { exitCode } = await run('systemctl is-system-running --wait', { reject: false, timeout: 120_000 });
    // 255 is ssh's own; is-system-running says 1 for a system that runs, but has failed units.
    if ((exitCode === 0 || exitCode === 1) && (await isNew().catch(() => false))) break;
    if (Date.now() - started > BOOT_TIMEOUT_MS) throw new Error('the machine does not let us in');
  }
  say('vm', `booted in ${Math.round((Date.now() - started) / 1000)} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
