/**
 * `npm test`: everything, in the order in which it is cheapest to fail. `npm run test:integration` and `test:pristine` run
 * one part. Set-up has run before.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { asRoot } from '../setup/as-root.ts';
import { findProgram } from '../setup/find-program.ts';
import { installation } from '../setup/packages.ts';
import { ensureTestImages } from '../setup/test-images.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

interface Part {
  readonly title: string;
  readonly prepare?: () => Promise<unknown>;
  readonly command: readonly [string, ...string[]];
}

/** Real sandboxes on two cores: one file at a time, and none may take for ever. */
function nodeTest(folder: string, ...options: string[]): [string, ...string[]] {
  return [process.execPath, '--test', ...options, ...globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort()];
}

const oneAtATime = ['--test-concurrency=1', '--test-timeout=1800000'];
const parts: Record<string, Part> = {
  types: { title: 'types', command: [bin('tsc')] },
  lint: { title: 'lint and format', command: [bin('biome'), 'check'] },
  unit: { title: 'unit tests', command: nodeTest('unit') },
  integration: {
    title: 'integration tests: real Podman, real runsc',
    prepare: () => ensureTestImages(),
    command: nodeTest('integration', ...oneAtATime),
  },
  pristine: {
    title: 'set-up from pristine Debian roots',
    prepare: ensureMmdebstrap,
    command: nodeTest('pristine', ...oneAtATime),
  },
};

/** Set-up has it installed only where it had to make a base image. */
async function ensureMmdebstrap(): Promise<void> {
  if (process.getuid?.() === 0 && !findProgram('mmdebstrap')) await asRoot([installation('tests', ['mmdebstrap'])]);
}

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`no part "${unknown}"; there are: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const failed: string[] = [];
for (const [name, { title, prepare, command }] of Object.entries(parts)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
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
