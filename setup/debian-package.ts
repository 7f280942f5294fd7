import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import manifest from '../package.json' with { type: 'json' };
import { ensureBundle } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
/** Where the product lies: nothing but it, and nobody but root changes it. */
const HOME = 'usr/lib/bulkhead';

/** As `package.json` lists it for npm, and what the bundles look for around them: their own Node, and who reads pipelines. */
const CONTENT = [
  ...manifest.files.filter((name) => name !== 'docs'),
  'package.json',
  'node_modules/node/bin/node',
  'node_modules/node/package.json',
  'node_modules/gitlab-ci-local',
];

/** What `bulkhead init` asks for (src/init/requirements.ts), in the names of Debian 13 and of Debian 12. */
const DEPENDS = [
  'libc6 (>= 2.28)',
  'libstdc++6',
  'podman (>= 4.3)',
  'uidmap',
  'netavark',
  'aardvark-dns',
  'iptables',
  'nftables',
  'catatonit',
  'fuse-overlayfs',
  'passt | slirp4netns',
  'runsc',
  'util-linux',
];

/**
 * Builds the Debian package of this tree. It puts files in place and does nothing else: no user, no service, no configuration; that is
 * `bulkhead init`'s, and the operator's.
 * @param folder where the package goes.
 * @returns its path.
 * @throws ExecaErrors of dpkg-deb.
 */
export async function buildDebianPackage(folder: string): Promise<string> {
  await ensureBundle();
  const tree = mkdtempSync(join(tmpdir(), 'bulkhead-deb-'));
  try {
    chmodSync(tree, 0o755);
    const make = (path: string) => mkdirSync(join(tree, dirname(path)), { recursive: true, mode: 0o755 });
    const write = (path: string, content: string | Buffer) => {
      make(path);
      writeFileSync(join(tree, path), content, { mode: 0o644 });
    };
    const copy = (from: string, to: string) => {
      make(to);
      const filter = (source: string) => !source.includes(join('dist', 'compile-cache'));
      cpSync(join(ROOT, from), join(tree, to), { recursive: true, filter });
    };
    for (const name of CONTENT) copy(name, join(HOME, name));
    copy('docs', 'usr/share/doc/bulkhead/docs');
    for (const name of ['README.md', 'SECURITY.md', 'examples']) copy(name, join('usr/share/doc/bulkhead', name));
    write('usr/share/doc/bulkhead/copyright', readFileSync(join(ROOT, 'LICENSE')));
    write('usr/share/doc/bulkhead/changelog.gz', gzipped('CHANGELOG.md'));
    write('usr/share/man/man1/bulkhead.1.gz', gzipped('dist/man/bulkhead.1'));
    copy('dist/completions/bulkhead.bash', 'usr/share/bash-completion/completions/bulkhead');
    make('usr/bin/bulkhead');
    symlinkSync(`../../${HOME}/bin/bulkhead`, join(tree, 'usr/bin/bulkhead'));
    // Of Node's compile cache; bin/bulkhead names it.
    make('var/cache/bulkhead/x');
    await execa('chmod', ['--recursive', 'u=rwX,go=rX', join(tree, 'usr'), join(tree, 'var')]);

    const { stdout: architecture } = await execa('dpkg', ['--print-architecture']);
    write('DEBIAN/control', await control(architecture, tree));
    write('DEBIAN/postrm', '#!/bin/sh\nset -e\nrm -rf /var/cache/bulkhead\n');
    chmodSync(join(tree, 'DEBIAN/postrm'), 0o755);
    const file = join(folder, `bulkhead_${manifest.version}_${architecture}.deb`);
    mkdirSync(folder, { recursive: true });
    await execa('dpkg-deb', ['--root-owner-group', '-Zzstd', '--build', tree, file]);
    return file;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const gzipped = (path: string): Buffer => gzipSync(readFileSync(join(ROOT, path)), { level: 9 });

async function control(architecture: string, tree: string): Promise<string> {
  const { stdout: size } = await execa('du', ['--summarize', '--block-size=1024', join(tree, 'usr')]);
  return `Package: bulkhead
Version: ${manifest.version}
Architecture: ${architecture}
Maintainer: Bulkhead <bulkhead@localhost>
Installed-Size: ${Number.parseInt(size, 10)}
Depends: ${DEPENDS.join(', ')}
Recommends: dbus-user-session, git
Suggests: mmdebstrap
Section: devel
Priority: optional
Description: GitLab Runner Custom executor driver on gVisor and rootless Podman
 Runs every CI job in gVisor sandboxes of an unprivileged user, under policies that
 a security team edits, and proves the isolation before a job's code runs.
 .
 The package enables nothing: "bulkhead init" sets the host up.
`;
}

if (import.meta.main) console.log(await buildDebianPackage(join(ROOT, 'build')));
