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
import { backportsOf } from './backports.ts';
import { release } from './host.ts';

// Usage, as root: install-from-backports.ts <package>
// Installs a package from the release's backports without adding them to the host's apt configuration: apt reads one
// temporary source, and keeps its lists in a temporary folder.

const [name = ''] = process.argv.slice(2);
const { codename } = release();
const sources = hostSources();
if (!sources) throw new Error(`no apt source of ${codename} is configured`);

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-backports-'));
try {
  chmodSync(folder, 0o755); // apt downloads as a user of its own
  mkdirSync(join(folder, 'lists'));
  writeFileSync(join(folder, sources.file), sources.text);
  await apt('update');
  await apt('install', '--no-install-recommends', name);
} finally {
  rmSync(folder, { recursive: true });
}

async function apt(...command: string[]): Promise<void> {
  const options = [
    `Dir::Etc::sourcelist=${join(folder, sources?.file ?? '')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    // With the host's package cache, the host's next apt call would find these lists in it.
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
  ];
  await execa('apt-get', ['-qq', '-y', ...options.flatMap((option) => ['-o', option]), ...command], {
    stdio: 'inherit',
  });
}

/** The first of the host's source files that has the release, as sources of its backports. */
function hostSources(): { text: string; file: string } | undefined {
  const parts = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(parts) ? readdirSync(parts).map((file) => join(parts, file)) : []),
  ];
  for (const file of files.filter((path) => existsSync(path))) {
    const format = (['sources', 'list'] as const).find((ending) => file.endsWith(`.${ending}`));
    const text = format && backportsOf(readFileSync(file, 'utf8'), codename, format);
    // apt tells the format by the file's ending.
    if (text) return { text, file: `backports.${format}` };
  }
  return undefined;
}
