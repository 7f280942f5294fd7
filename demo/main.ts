import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Docker from 'dockerode';
import { EXAMPLE_IMAGE } from '../setup/image-names.ts';
import { hostLayout } from '../setup/layout.ts';
import { shellWord } from '../src/host/shell-word.ts';
import { type JobObject, listObjects } from './objects.ts';
import { processesOf } from './processes.ts';
import { type Proof, prove, tellingFlags } from './proof.ts';
import { table, verdict } from './table.ts';

const root = join(import.meta.dirname, '..');
const layout = hostLayout();
const podman = new Docker({ socketPath: layout.socket });
// The image that set-up made stands in for the official one: no registry is needed.
const command = ['local', 'test: [test_roman]', '--variable', `IMAGE=${EXAMPLE_IMAGE}`];

/** What was there while the job ran. */
let objects: JobObject[] = [];
let proofs: Proof[] = [];

const { exitCode, pid } = await runLocal();
const left = await listObjects(podman, pid);
const processes = await processesOf(proofs.map(({ container }) => container.id));
const alive = processes.filter(({ execMonitor }) => !execMonitor);
report();
process.exitCode = exitCode === 0 && proven() && left.length === 0 && alive.length === 0 ? 0 : 1;

/** `bulkhead local` in examples/python, as anybody would call it; its job is looked at as soon as its sandboxes run. */
async function runLocal(): Promise<{ exitCode: number | null; pid: number }> {
  process.stdout.write(`$ cd examples/python && bulkhead ${command.map(shellWord).join(' ')}\n`);
  const child = spawn(join(root, 'bin/bulkhead'), command, {
    cwd: join(root, 'examples/python'),
    env: { ...process.env, BULKHEAD_CONFIG: layout.config },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // bin/bulkhead ends in an exec: the process that the labels name is this one.
  const runner = child.pid ?? 0;
  let looking: Promise<void> | undefined;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    process.stdout.write(`${line}\n`);
    if (line.startsWith('Isolation proven')) looking ??= look(runner);
  });
  await Promise.all([once(child, 'close'), once(lines, 'close')]);
  await looking;
  return { exitCode: child.exitCode, pid: runner };
}

/** Before the first line of the job has run: what is there, and what each container really is. */
async function look(runner: number): Promise<void> {
  objects = await listObjects(podman, runner);
  proofs = await Promise.all(objects.filter(({ kind }) => kind === 'container').map((each) => prove(podman, each)));
}

function proven(): boolean {
  const running = proofs.filter(({ pid: sandbox }) => sandbox > 0);
  return running.length >= 2 && proofs.every(({ problem }) => problem === undefined);
}

function report(): void {
  const out = process.stdout;
  const made = objects.map(({ kind, role, name, state: now }) => [kind, role, name, now]);
  out.write(table('Made for the job, all labelled with it', made));

  const seen = proofs.flatMap(({ container, runtime, pid: sandbox, uid, commandLine, problem }) => {
    const process =
      sandbox > 0 ? `${commandLine[0]} (pid ${sandbox}, uid ${uid})` : 'never started: only carries files';
    const flags = tellingFlags(commandLine).join(' ');
    return [
      [container.role, `OCIRuntime ${runtime}`, problem ? `NOT PROVEN: ${problem}` : process],
      ...(flags ? [['', '', flags]] : []),
    ];
  });
  out.write(table('Seen from outside the sandboxes, by libpod and /proc', seen));
  const verdicts = [
    verdict(exitCode === 0, exitCode === 0 ? 'The job passed.' : `bulkhead local ended with exit code ${exitCode}.`),
    verdict(
      proven(),
      proven() ? 'Every sandbox is gVisor, rootless.' : 'It was not proven that every sandbox is gVisor.',
    ),
    leftovers(),
  ];
  out.write(`\n${verdicts.join('\n')}\n`);
}

function leftovers(): string {
  const names = [...left.map(({ name }) => name), ...alive.map(({ name, pid: one }) => `${name} (pid ${one})`)];
  if (names.length > 0) return verdict(false, `Left behind: ${names.join(', ')}`);
  const waiting = processes.length - alive.length;
  const note =
    waiting > 0 ? `\n  (Podman keeps ${waiting} exec monitors, conmon, a while longer: exit_command_delay.)` : '';
  return verdict(true, 'Nothing is left: no container, volume, network or sandbox process of the job.') + note;
}
