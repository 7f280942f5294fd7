import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import { bashCompletion } from './bash-completion.ts';
import { manPage } from './man-page.ts';
import { say } from './say.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const BUILT_FROM = join(DIST, '.built-from');

/**
 * The driver, twice: for GitLab Runner, which starts it ten times per job, without the commands for people, whose code is most of it; and
 * whole. bin/bulkhead knows which of them is wanted.
 */
export const bundles = { stages: 'bulkhead.cjs', everything: 'commands.cjs' } as const;
export type BundleName = keyof typeof bundles;

/**
 * What dockerode loads for features that the driver does not use: Docker over SSH, BuildKit sessions, build contexts
 * from a folder. A driver process starts about ten times per job, and these are most of what it would read.
 */
const UNUSED = ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'tar-fs', '@balena/dockerignore'];

/**
 * What the libraries load at their start, and what serves us in its place: modules of Node that cost milliseconds each and
 * are for remote hosts, build contexts and external subcommands; a copy of Node's streams; and a debug log that would print
 * registry passwords.
 */
const REPLACED: Record<string, string> = {
  https: "module.exports = require('node:http')",
  'readable-stream': "module.exports = require('node:stream')",
  'node:child_process': 'module.exports = {}',
  zlib: 'module.exports = {}',
  debug: 'module.exports = () => () => {}',
};
const libraries = /node_modules\/(?:docker-modem|dockerode|commander)\//;

/** One minified CommonJS file (ES modules that import node:http start slower: they pull in undici). */
export async function bundle(name: BundleName): Promise<{ code: string; legal: string; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outfile: join(DIST, bundles[name]),
    write: false,
    bundle: true,
    minify: true,
    metafile: true,
    platform: 'node',
    // The CommonJS build of jsonc-parser finds its parts at run time, where no bundler can follow.
    mainFields: ['module', 'main'],
    target: 'node22',
    format: 'cjs',
    legalComments: 'external',
    logLevel: 'warning',
    plugins: name === 'stages' ? [withoutCommands, stubs] : [stubs],
  });
  const text = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { code: text('.cjs'), legal: text('.LEGAL.txt'), inputs: Object.keys(metafile.inputs) };
}

const withoutCommands: Plugin = {
  name: 'leave out the commands for people',
  setup({ onResolve }) {
    onResolve({ filter: /\/commands\/all\.ts$/ }, ({ path }) => ({ path, namespace: 'unused' }));
  },
};

const stubs: Plugin = {
  name: 'leave out what the driver does not use',
  setup({ onResolve, onLoad }) {
    for (const name of UNUSED) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: 'unused' }));
    }
    for (const name of Object.keys(REPLACED)) {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ importer }) =>
        libraries.test(importer) ? { path: name, namespace: 'replaced' } : undefined,
      );
    }
    onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({ contents: REPLACED[path] ?? '' }));
    // zod's messages in fifty languages are two fifths of the bundle; the driver writes its own, in English.
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export { default as en } from './en.js'" }));
    onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({ contents: stub(path) }));
  },
};

/** What reads a pipeline in a sandbox of `bulkhead local`, as a file of its own: it is sent in there. */
async function bundleReader(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/local/reader/read-pipeline.ts'],
    write: false,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}

/** Lets itself be imported and taken apart, as modules do while they load, and throws when it is called. */
function stub(name: string): string {
  return `
    const refuse = () => { throw new Error(${JSON.stringify(`${name} is not part of this bundle: the driver does not use it`)}); };
    module.exports = new Proxy(refuse, { get: (target, key) => (key === 'prototype' ? target[key] : module.exports), construct: refuse });`;
}

/** Writes what is in dist/ unless it was made from the same sources and packages. */
export async function ensureBundle(): Promise<void> {
  const sources = hashOfSources();
  if (existsSync(BUILT_FROM) && readFileSync(BUILT_FROM, 'utf8') === sources) return;
  say(
    'bundle',
    `building ${Object.values(bundles)
      .map((file) => `dist/${file}`)
      .join(' and ')}`,
  );
  for (const folder of ['man', 'completions']) mkdirSync(join(DIST, folder), { recursive: true });
  const write = (file: string, content: string) => writeIfChanged(join(DIST, file), content, { mode: 0o644 });
  for (const name of Object.keys(bundles) as BundleName[]) {
    const { code, legal } = await bundle(name);
    write(bundles[name], code);
    write(`${bundles[name]}.LEGAL.txt`, legal);
  }
  write('read-pipeline.cjs', await bundleReader());
  write('man/bulkhead.1', manPage());
  write('completions/bulkhead.bash', bashCompletion());
  write('.built-from', sources);
}

function hashOfSources(): string {
  const files = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    ...['bundle', 'command-line', 'man-page', 'bash-completion'].map((name) => `setup/${name}.ts`),
    ...globSync('src/**/*', { cwd: ROOT }),
  ];
  const hash = createHash('sha256');
  for (const file of files.filter((name) => /\.\w+$/.test(name)).sort()) {
    const content = readFileSync(join(ROOT, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

if (import.meta.main) await ensureBundle();
