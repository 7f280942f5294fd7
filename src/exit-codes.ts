import { rm, writeFile } from 'node:fs/promises';
import { BulkheadError } from './errors.ts';
import { systemFailureExitCode } from './system-failure-exit-code.ts';

/** How GitLab Runner wants to hear about outcomes (executors/custom/command/command.go). */
export interface ExitCodes {
  readonly success: 0;
  /** The job failed: its script, or something its author asked for. */
  readonly buildFailure: number;
  /** We failed: the runner retries prepare, and blames nobody's script. */
  readonly systemFailure: number;
  /** Where the script's own exit code goes, so that `allow_failure: exit_codes` works. */
  readonly exitCodeFile: string | undefined;
}

export function exitCodesFrom(env: NodeJS.ProcessEnv): ExitCodes {
  const build = Number.parseInt(env['BUILD_FAILURE_EXIT_CODE'] ?? '', 10);
  return {
    success: 0,
    buildFailure: build > 0 && build < 256 ? build : 1,
    systemFailure: systemFailureExitCode,
    exitCodeFile: env['BUILD_EXIT_CODE_FILE'] || undefined,
  };
}

/**
 * One path serves the whole job, so what an earlier stage left must not be taken for this stage's code.
 * @throws BulkheadError `exit-code-file-unwritable`.
 */
export async function forgetEarlierExitCode(codes: ExitCodes): Promise<void> {
  if (codes.exitCodeFile === undefined) return;
  try {
    await rm(codes.exitCodeFile, { force: true });
  } catch (cause) {
    throw unwritable(`an earlier stage's exit code cannot be removed: ${(cause as Error).message}`, cause);
  }
}

/**
 * The driver's exit code for a script that ended with `scriptExitCode`.
 * @throws BulkheadError `exit-code-file-unwritable`: without the file GitLab would show 1 instead of the real code.
 */
export async function reportScriptExit(codes: ExitCodes, scriptExitCode: number): Promise<number> {
  if (scriptExitCode === 0) return codes.success;
  if (codes.exitCodeFile === undefined) return codes.buildFailure;
  try {
    await writeFile(codes.exitCodeFile, `${scriptExitCode}\n`);
  } catch (cause) {
    throw unwritable(
      `the script ended with exit code ${scriptExitCode}, but that could not be written down: ${(cause as Error).message}`,
      cause,
    );
  }
  return codes.buildFailure;
}

function unwritable(what: string, cause: unknown): BulkheadError {
  return new BulkheadError(
    'exit-code-file-unwritable',
    `BUILD_EXIT_CODE_FILE: ${what}`,
    'Check space and permissions of the temporary folder of GitLab Runner.',
    { cause },
  );
}
