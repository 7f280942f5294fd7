import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Captured, OutputCapture } from './output-capture.ts';

/** How one driver process is started. */
export interface StageCommand {
  readonly stage: string;
  readonly executable: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** BUILD_EXIT_CODE_FILE, read when the process is gone. */
  readonly exitCodeFile: string;
}

export interface StageProcessOptions {
  /** false counts and hashes the output instead of keeping it (default true). */
  readonly keepOutput?: boolean;
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
}

export interface StageResult {
  readonly stage: string;
  /** null when a signal ended the process, or when it was abandoned. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From spawn until both output streams were closed, in milliseconds. */
  readonly durationMs: number;
  /** What was written; empty when the output was not kept. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** SHA-256 of the stream in hexadecimal, when the output was not kept. */
  readonly stdoutSha256: string | undefined;
  readonly stderrSha256: string | undefined;
  /** The text of BUILD_EXIT_CODE_FILE after the process, undefined without the file. */
  readonly exitCodeFile: string | undefined;
  /** Peak resident memory in KiB of the process itself, as last seen: read every 20 ms, so its very end may be missed. */
  readonly peakKiB: number;
  /** The runner gave up on it: neither SIGTERM nor SIGKILL made it go and close its output. */
  readonly abandoned: boolean;
}

/** One running driver process, leader of its own process group, with /dev/null as standard input. */
export class StageProcess {
  readonly pid: number;
  /** Fulfils when the process has ended AND its output is closed: the runner waits for both (Go's cmd.Wait). */
  readonly result: Promise<StageResult>;
  readonly #child: ChildProcess;
  readonly #stdout: OutputCapture;
  readonly #stderr: OutputCapture;
  readonly #abandon: () => void;

  private constructor(child: ChildProcess, pid: number, command: StageCommand, options: StageProcessOptions) {
    const started = performance.now();
    const keep = options.keepOutput ?? true;
    this.#child = child;
    this.pid = pid;
    this.#stdout = new OutputCapture(child.stdout, keep, options.onStdout);
    this.#stderr = new OutputCapture(child.stderr, keep, options.onStderr);
    let abandoned = false;
    const { promise: given, resolve: giveUp } = Promise.withResolvers<void>();
    this.#abandon = () => {
      abandoned = true;
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      giveUp();
    };
    const peak = watchPeakMemory(child);
    this.result = Promise.race([once(child, 'close'), given]).then(() => {
      const [stdout, stderr]: Captured[] = [this.#stdout.captured(), this.#stderr.captured()];
      if (!stdout || !stderr) throw new Error('no output captured');
      return {
        stage: command.stage,
        exitCode: abandoned ? null : child.exitCode,
        signal: child.signalCode,
        durationMs: performance.now() - started,
        stdout: stdout.data,
        stderr: stderr.data,
        stdoutBytes: stdout.bytes,
        stderrBytes: stderr.bytes,
        stdoutSha256: stdout.sha256,
        stderrSha256: stderr.sha256,
        exitCodeFile: readIfThere(command.exitCodeFile),
        peakKiB: peak(),
        abandoned,
      };
    });
  }

  /** Starts the process. Rejects when the executable cannot be started, with Node's spawn error. */
  static async start(command: StageCommand, options: StageProcessOptions = {}): Promise<StageProcess> {
    const child = spawn(command.executable, command.args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    if (child.pid === undefined) {
      const [error] = await once(child, 'error');
      throw error;
    }
    return new StageProcess(child, child.pid, command, options);
  }

  /** Sends a signal to the process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal to its whole process group, as the runner does. False when nothing is left there. */
  signalGroup(signal: NodeJS.Signals): boolean {
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }

  /** SIGTERM to the group; SIGKILL after `gracefulMs`; given up `forceMs` later (helpers/process/killer.go). */
  async terminate(gracefulMs: number, forceMs: number): Promise<StageResult> {
    if (!this.signalGroup('SIGTERM')) this.signalGroup('SIGKILL');
    if (!(await this.#endsWithin(gracefulMs))) {
      this.signalGroup('SIGKILL');
      if (!(await this.#endsWithin(forceMs))) this.#abandon();
    }
    return this.result;
  }

  /** Waits until the text appears in the kept output (either stream). Rejects when the process ends without it. */
  async outputs(text: string): Promise<void> {
    const found = Promise.race([this.#stdout.contains(text), this.#stderr.contains(text)]);
    const ended = this.result.then(({ stdout, stderr }) => {
      if (!stdout.includes(text) && !stderr.includes(text)) throw new Error(`the stage ended without "${text}"`);
    });
    await Promise.race([found, ended]);
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    const timer = new AbortController();
    const ended = this.result.then(() => true);
    const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
    try {
      return await Promise.race([ended, late]);
    } finally {
      timer.abort();
    }
  }
}

/** Polls the kernel's own high-water mark, so only growth in the last 20 ms can be missed. Returns a reader, in KiB. */
function watchPeakMemory(child: ChildProcess): () => number {
  let peak = 0;
  const look = (): void => {
    const status = readIfThere(`/proc/${child.pid}/status`);
    peak = Math.max(peak, Number(status?.match(/^VmHWM:\s*(\d+) kB$/m)?.[1] ?? 0));
  };
  look();
  const timer = setInterval(look, 20);
  timer.unref();
  child.once('exit', () => clearInterval(timer));
  return () => peak;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
