import { basename } from 'node:path';
import { SetupError, say } from '../../setup/say.ts';
import { PROJECT } from './guest-files.ts';
import { setUpMachine } from './machine.ts';

// Usage: main.ts <test file>…
// Runs test files in a virtual machine with systemd and cgroup version 2, which limits and the systemd service need. Ends
// with the exit code of the tests.

const SET_UP = 'sh setup/with-setup.sh test/vm/make-images.ts';
const TEST = 'node_modules/node/bin/node --test --test-reporter=spec --test-concurrency=1 --test-timeout=1800000';

async function main(files: readonly string[]): Promise<number> {
  if (files.some((file) => !/^[\w./-]+$/.test(file))) throw new SetupError('give test files by their plain paths');
  await using machine = await setUpMachine();
  const timed = async (what: string, script: string): Promise<number> => {
    const options = { stdio: ['ignore', 'inherit', 'inherit'], reject: false } as const;
    const { exitCode, durationMs } = await machine.run(`cd ${PROJECT} && ${script}`, options);
    say('vm', `${what}: ${Math.round(durationMs / 1000)} s`);
    return exitCode ?? 1;
  };
  const setUp = await timed('set-up', SET_UP);
  if (setUp !== 0) return setUp;
  // Last, for they take away what set-up made: images, and all of it.
  const last = ['doctor.test.ts', 'init.test.ts'];
  const others = files.filter((file) => !last.includes(basename(file)));
  const groups = [others, ...last.map((name) => files.filter((file) => basename(file) === name))].filter(
    (group) => group.length > 0,
  );
  const codes: number[] = [];
  for (const group of groups) codes.push(await timed('tests', `${TEST} ${group.join(' ')}`));
  return codes.find((code) => code !== 0) ?? 0;
}

// The machine ends with this process; what it left on disk goes as the process exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`vm: ${error.message}\n`);
  process.exitCode = 1;
}
