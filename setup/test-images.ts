import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { pack } from 'tar-stream';
import { isMadeFrom } from '../src/host-setup/image-build.ts';
import { INPUTS_LABEL } from '../src/host-setup/image-names.ts';
import { TEST_IMAGES } from './image-names.ts';
import { type HostLayout, hostLayout } from './layout.ts';
import { type PodmanUser, podmanUser } from './podman-user.ts';
import { say } from './say.ts';

/** Raise it when what this file makes changes. */
const VERSION = '2';

/** Has the images in the service's storage that tests want and nobody else does. Returns their names. */
export async function ensureTestImages(layout: HostLayout = hostLayout()): Promise<typeof TEST_IMAGES> {
  const names = Object.values(TEST_IMAGES);
  const made = await Promise.all(names.map((name) => isMadeFrom(layout, name, VERSION)));
  if (made.every(Boolean)) return TEST_IMAGES;
  say('images', `making ${names.join(', ')}`);
  const user = podmanUser(layout);
  const busybox = await busyboxRoot();
  const insider = await busyboxRoot(INSIDER);
  await importRoot(user, TEST_IMAGES.busybox, busybox, ['CMD ["sh"]']);
  await importRoot(user, TEST_IMAGES.busyboxNonRoot, busybox, ['CMD ["sh"]', 'USER 1000']);
  await importRoot(user, TEST_IMAGES.insider, insider, ['CMD ["sh"]', 'USER toor']);
  await importRoot(user, TEST_IMAGES.noShell, await textRoot(), ['CMD ["/nothing"]']);
  return TEST_IMAGES;
}

async function importRoot(user: PodmanUser, name: string, root: Buffer, changes: string[]): Promise<void> {
  const options = [...changes, `LABEL ${INPUTS_LABEL}=${VERSION}`].map((change) => `--change=${change}`);
  await user.exec('podman', ['import', '--quiet', ...options, '-', name], { input: root });
}

const ORDINARY = { passwd: 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' };
/** A setuid `su` that asks root for no password, and root under another name. */
const INSIDER = {
  passwd: 'root::0:0::/root:/bin/sh\ntoor::0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
  setuid: 'opt/su',
};

/** A root whose every program is Debian's static busybox; one of them setuid, where asked for. */
async function busyboxRoot({ passwd, setuid }: { passwd: string; setuid?: string } = ORDINARY): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-busybox-'));
  try {
    await execa('apt-get', ['-qq', 'download', 'busybox-static'], { cwd: folder });
    const [deb = ''] = readdirSync(folder);
    await execa('dpkg-deb', ['--extract', deb, 'root'], { cwd: folder });
    // Debian 13 has it below /usr.
    const candidates = ['root/bin/busybox', 'root/usr/bin/busybox'].map((path) => join(folder, path));
    const binary = candidates.find((path) => existsSync(path)) ?? '';
    const applets = (await execa(binary, ['--list'])).stdout.split('\n').filter((name) => name !== 'busybox');
    const root = pack();
    const busybox = readFileSync(binary);
    root.entry({ name: 'bin/busybox', mode: 0o755 }, busybox);
    for (const name of applets) root.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
    root.entry({ name: 'tmp', type: 'directory', mode: 0o1777 });
    root.entry({ name: 'root', type: 'directory', mode: 0o700 });
    root.entry({ name: 'home/user', type: 'directory', mode: 0o755, uid: 1000, gid: 1000 });
    root.entry({ name: 'etc/passwd' }, passwd);
    root.entry({ name: 'etc/group' }, 'root:x:0:\nuser:x:1000:\n');
    if (setuid !== undefined) root.entry({ name: setuid, mode: 0o4755 }, busybox);
    root.finalize();
    return await buffer(root);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function textRoot(): Promise<Buffer> {
  const root = pack();
  root.entry({ name: 'README' }, 'This image holds no program.\n');
  root.finalize();
  return await buffer(root);
}
