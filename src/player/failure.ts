import type { StageResult } from './stage-process.ts';

/** Reasons as GitLab knows them (common/network.go). */
export type FailureReason =
  | 'script_failure'
  | 'runner_system_failure'
  | 'job_execution_timeout'
  | 'job_canceled'
  | 'runner_configuration_error';

/** A failure of which the runner knows the reason (its BuildError). Any other error is a runner_system_failure. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly reason: FailureReason;
  /** What `allow_failure: exit_codes` looks at; 0 when the failure has none. */
  readonly exitCode: number;

  constructor(reason: FailureReason, message: string, exitCode = 0) {
    super(message);
    this.reason = reason;
    this.exitCode = exitCode;
  }
}

/** SYSTEM_FAILURE_EXIT_CODE and codes of no meaning: the runner blames itself. */
export class SystemFailure extends Error {
  override readonly name = 'SystemFailure';
}

export const buildFailureExitCode = 1;
export const systemFailureExitCode = 2;

/** How the runner understands the end of one driver process (executors/custom/command/command.go): undefined is success. */
export function failureOf(result: StageResult): Error | undefined {
  if (result.abandoned) return new SystemFailure('failed to kill process, likely process is dormant');
  const status = result.signal ? `signal: ${result.signal}` : `exit status ${result.exitCode}`;
  switch (result.exitCode) {
    case 0:
      return undefined;
    case buildFailureExitCode:
      return buildFailure(result.exitCodeFile, status);
    case systemFailureExitCode:
      return new SystemFailure(status);
    default:
      return unknownFailure(result.exitCode ?? -1, status);
  }
}

function buildFailure(file: string | undefined, status: string): Error {
  if (file === undefined) return new JobFailure('script_failure', status, buildFailureExitCode);
  const line = file.split('\n')[0]?.replace(/\r$/, '') ?? '';
  if (!/^[+-]?\d+$/.test(line)) return unknownFailure(systemFailureExitCode, status);
  return new JobFailure('script_failure', `exit status ${line}`, Number(line));
}

function unknownFailure(code: number, status: string): SystemFailure {
  return new SystemFailure(
    `unknown Custom executor executable exit code ${code}; executable execution terminated with: ${status}`,
  );
}

/** Anything thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
