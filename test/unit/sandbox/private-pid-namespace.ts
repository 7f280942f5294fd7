import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The fragments under test hold `kill -9 -1`. Outside a pid namespace of their own that would end every process of this
 * machine, so the guard runs before anything else, as PID 1 of the new namespace, and refuses any other place.
 */
const guard = `[ "$$" = 1 ] || exit 99
[ "$(readlink /proc/1/ns/pid)" = "$(readlink /proc/self/ns/pid)" ] || exit 99
[ "$(readlink /proc/self/ns/pid)" != "$OUTER_PID_NAMESPACE" ] || exit 99`;

const enter = ['--pid', '--fork', '--mount-proc', '--kill-child', '--'];

/** Why such a namespace cannot be made here, or undefined. Tries with nothing more than the guard. */
export function whyNoPidNamespace(): string | undefined {
  const env = { ...process.env, OUTER_PID_NAMESPACE: readlinkSync('/proc/self/ns/pid') };
  const result = spawnSync('unshare', [...enter, '/bin/sh', '-c', guard], { env, encoding: 'utf8' });
  if (result.status === 0) return undefined;
  return `no private pid namespace here (needs root and unshare): ${result.error?.message ?? result.stderr.trim()}`;
}

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A sandbox as far as the fragments see one: a pid namespace with a PID 1 that reaps, a folder, and `shell` as its sh. */
export class PidNamespace {
  readonly folder = mkdtempSync(join(tmpdir(), 'bulkhead-shell-'));
  readonly #env: NodeJS.ProcessEnv;

  constructor(shell: string) {
    symlinkSync(shell, join(this.folder, 'sh'));
    this.#env = {
      PATH: `${this.folder}:${process.env['PATH']}`,
      OUTER_PID_NAMESPACE: readlinkSync('/proc/self/ns/pid'),
    };
  }

  /** The path of a stage script with this text. */
  script(text: string): string {
    return this.file('script', text);
  }

  /** The path of a file in the working directory, which is also the first of PATH; one that can be run, or not. */
  file(name: string, text: string, mode = 0o700): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Runs `scenario` as PID 1; its arguments are the words of `command`. Standard input is a pipe with text in it. */
  async run(scenario: string, command: readonly string[]): Promise<Outcome> {
    const child = spawn('unshare', [...enter, '/bin/sh', '-c', `${guard}\n${scenario}`, 'init', ...command], {
      cwd: this.folder,
      env: this.#env,
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    child.stdin.on('error', () => {});
    child.stdin.end('the standard input of the exec\n');
    const [exitCode, stdout, stderr] = await Promise.all([
      new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject)),
      child.stdout.setEncoding('utf8').toArray(),
      child.stderr.setEncoding('utf8').toArray(),
    ]);
    return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
