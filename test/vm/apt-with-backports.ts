import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { backportsOf } from '../../setup/backports.ts';
import { release } from '../../setup/host.ts';

// Usage, as root: apt-with-backports.ts <package>…
// Installs packages from the release's backports, and what they depend on from the release itself. The host's apt
// configuration stays as it is: apt reads a temporary folder of sources, and keeps its lists in another.

const { codename } = release();
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-backports-'));
try {
  chmodSync(folder, 0o755); // apt downloads as a user of its own
  mkdirSync(join(folder, 'lists'));
  mkdirSync(join(folder, 'sources'));
  copySources();
  await apt('update');
  await apt('install', '--no-install-recommends', `--target-release=${codename}-backports`, ...process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true });
}

/** Puts each of the host's source files into the folder, and beside it the backports that can be derived from it. */
function copySources(): void {
  const parts = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(parts) ? readdirSync(parts).map((f) => join(parts, f)) : [])];
  files.forEach((file, index) => {
    const format = (['sources', 'list'] as const).find((ending) => file.endsWith(`.${ending}`));
    if (!format || !existsSync(file)) return;
    const text = readFileSync(file, 'utf8');
    writeFileSync(join(folder, 'sources', `${index}.${format}`), text);
    const backports = backportsOf(text, codename, format);
    if (backports) writeFileSync(join(folder, 'sources', `${index}-backports.${format}`), backports);
  });
}

async function apt(...command: string[]): Promise<void> {
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${join(folder, 'sources')}`,
    `Dir::State::lists=${join(folder, 'lists')}`,
    // With the host's package cache, the host's next apt call would find these lists in it.
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
  ];
  await execa('apt-get', ['-qq', '-y', ...options.flatMap((option) => ['-o', option]), ...command], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
