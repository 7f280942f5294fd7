/**
 * `npm test`: everything but the virtual machines and the soak, in the order in which it is cheapest to fail. `npm run test:integration`,
 * `test:runner`, `test:pristine`, `test:walk`, `test:vm` and `test:soak` run one part. Set-up has run before.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { asRoot } from '../setup/as-root.ts';
import { installation } from '../setup/packages.ts';
import { ensureProjectImages, ensureServiceImages } from '../setup/service-images.ts';
import { ensureTestImages } from '../setup/test-images.ts';
import { findProgram } from '../src/host-setup/find-program.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

interface Part {
  readonly title: string;
  /** It takes long, and what it tests changes seldom. */
  readonly onlyWhenNamed?: boolean;
  readonly prepare?: () => Promise<unknown>;
  readonly command: readonly [string, ...string[]];
}

/** Real sandboxes on two cores: one file at a time, and none may take for ever. */
function nodeTest(folder: string, ...options: string[]): [string, ...string[]] {
  return [process.execPath, '--test', ...options, ...globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort()];
}

/** Says so, and succeeds, where no GitLab Runner can be built. */
function withRunner(folder: string): [string, ...string[]] {
  return [process.execPath, 'test/runner/main.ts', ...globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort()];
}

const oneAtATime = ['--test-concurrency=1', '--test-timeout=1800000'];
const parts: Record<string, Part> = {
  types: { title: 'types', command: [bin('tsc')] },
  lint: { title: 'lint and format', command: [bin('biome'), 'check'] },
  unit: { title: 'unit tests', command: nodeTest('unit') },
  integration: {
    title: 'integration tests: real Podman, real runsc',
    prepare: async () => {
      await ensureProgram('ip', 'iproute2');
      await ensureProgram('jq', 'jq');
      await ensureProgram('pgrep', 'procps');
      await ensureTestImages();
      await ensureServiceImages();
      await ensureProjectImages();
    },
    command: nodeTest('integration', ...oneAtATime),
  },
  runner: {
    title: 'a real GitLab Runner, with a stand-in for the GitLab server',
    prepare: () => ensureTestImages(),
    command: withRunner('runner'),
  },
  pristine: {
    title: 'set-up from pristine Debian roots',
    // Set-up has it installed only where it had to make a base image.
    prepare: () => ensureProgram('mmdebstrap', 'mmdebstrap'),
    command: nodeTest('pristine', ...oneAtATime),
  },
  soak: {
    title: 'two hundred jobs through one GitLab Runner',
    onlyWhenNamed: true,
    prepare: () => ensureTestImages(),
    command: withRunner('soak'),
  },
  walk: {
    title: 'docs/walk-through.md, on a bare Debian 13 with systemd',
    onlyWhenNamed: true,
    command: nodeTest('walk', ...oneAtATime),
  },
  vm: {
    title: 'a virtual machine with systemd: limits that bite',
    onlyWhenNamed: true,
    command: [
      process.execPath,
      join(root, 'test/vm/main.ts'),
      ...globSync('test/vm/**/*.test.ts', { cwd: root }).sort(),
    ],
  },
};

/** What tests want and nothing else; without it those that need it are skipped, and say so. */
async function ensureProgram(name: string, debianPackage: string): Promise<void> {
  if (process.getuid?.() === 0 && !findProgram(name)) await asRoot([installation('tests', [debianPackage])]);
}

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`no part "${unknown}"; there are: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const failed: string[] = [];
for (const [name, { title, onlyWhenNamed, prepare, command }] of Object.entries(parts)) {
  if (chosen.length > 0 ? !chosen.includes(name) : onlyWhenNamed) continue;
  console.log(`\n=== ${title}`);
  await prepare?.();
  const [file, ...args] = command;
  const { exitCode } = await execa(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], reject: false });
  if (exitCode !== 0) failed.push(title);
}
if (failed.length > 0) {
  console.error(`\nFAILED: ${failed.join('; ')}`);
  process.exit(1);
}
