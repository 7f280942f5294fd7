import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { say } from '../../setup/say.ts';
import { CACHE, type DiskKind, hashOfInputs, ROOT, temporaryFolder } from './cache.ts';
import { PROJECT, writeGuestFiles, writeInitramfsSettings } from './guest-files.ts';
import { copyProject } from './project.ts';

/** What QEMU boots, and the key that opens the machine. */
export interface Disk {
  readonly image: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly key: string;
}

const RELEASE = 'trixie';
/** A host as a rented server comes: systemd, a login, git. Podman, runsc and the rest are set-up's task. */
const PACKAGES = [
  ...['systemd-sysv', 'udev', 'dbus', 'dbus-user-session', 'libpam-systemd', 'linux-image-cloud-amd64'],
  ...['initramfs-tools', 'lz4', 'openssh-server', 'ca-certificates', 'git', 'iproute2', 'procps'],
];
const SIZE = '30G';
const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child'];
const MINUTE = 60_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The machine's disk, made when there is none of the same inputs. */
export async function ensureDisk(kind: DiskKind): Promise<Disk> {
  const name = `${kind}-${hashOfInputs(kind)}`;
  const folder = join(CACHE, name);
  if (!existsSync(folder)) await build(kind, folder);
  for (const other of readdirSync(CACHE)) if (other.startsWith(`${kind}-`) && other !== name) discard(other);
  const [image, kernel, initrd, key] = ['disk.img', 'vmlinuz', 'initrd', 'key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  return { image, kernel, initrd, key };
}

const discard = (name: string): void => rmSync(join(CACHE, name), { recursive: true, force: true });

async function build(kind: DiskKind, folder: string): Promise<void> {
  say('vm', `building a Debian 13 machine (${kind}) in ${CACHE} (minutes, once)`);
  const draft = temporaryFolder();
  const root = join(draft, 'root');
  try {
    chmodSync(draft, 0o755);
    await bootstrap(root);
    if (kind === 'set-up') await setUpWithin(root);
    const result = join(draft, 'result');
    mkdirSync(result, { mode: 0o700 });
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bulkhead-vm', '-f', join(result, 'key')]);
    writeGuestFiles(root, join(result, 'key.pub'), kind);
    for (const name of ['vmlinuz', 'initrd.img']) {
      const [file = ''] = globSync(`boot/${name}-*`, { cwd: root });
      cpSync(join(root, file), join(result, name.replace('.img', '')));
    }
    await makeFileSystem(root, join(result, 'disk.img'), SIZE);
    renameSync(result, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function bootstrap(root: string): Promise<void> {
  mkdirSync(root, { mode: 0o755 });
  writeInitramfsSettings(root);
  const options = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, '--skip=check/empty'];
  // In namespaces of its own: if it is killed, what it has mounted in the root is gone before anybody removes that.
  const command = [...NAMESPACES, '--mount-proc', 'mmdebstrap', '--quiet', ...options, RELEASE, root];
  await execa('unshare', command, { stdin: 'ignore', timeout: 15 * MINUTE });
  await execa('chroot', [root, 'systemctl', 'enable', '--quiet', 'systemd-networkd', 'ssh'], { env: { PATH } });
}

/**
 * Runs set-up and makes all images at this host's own speed, not at an emulated processor's. Afterwards the machine is
 * what set-up would find on a host where it has run before: when it boots, set-up adds what systemd asks for.
 */
async function setUpWithin(root: string): Promise<void> {
  cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
  await copyProject(join(root, PROJECT));
  const setUp = 'sh setup/with-setup.sh test/vm/make-images.ts && sh setup/with-setup.sh --stop';
  const enter = join(ROOT, 'test/pristine/enter.sh');
  await execa(
    'unshare',
    [...NAMESPACES, '--ipc', '--uts', 'sh', enter, root, 'sh', '-c', `cd ${PROJECT} && ${setUp}`],
    {
      env: { HOME: '/root', PATH },
      extendEnv: false,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 20 * MINUTE,
    },
  );
  rmSync(join(root, PROJECT), { recursive: true });
  await execa('chroot', [root, 'apt-get', 'clean'], { env: { PATH } });
}

/** An ext4 image of a folder, no larger on disk than what it holds. Without a journal: nobody needs it after a crash. */
export async function makeFileSystem(folder: string, image: string, size: string): Promise<void> {
  await execa('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-d', folder, image, size]);
}
