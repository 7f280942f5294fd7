import type { ExitCodes } from '../exit-codes.ts';

/** What every stage gets from main.ts. */
export interface StageContext {
  readonly env: NodeJS.ProcessEnv;
  readonly codes: ExitCodes;
  /** The file named with --config. */
  readonly configPath: string | undefined;
  /** Aborted when GitLab Runner ends the stage (SIGTERM), or somebody at a terminal does. */
  readonly stop: AbortSignal;
  /** Is told when a step of the stage ended, where somebody wants to know. */
  readonly onStep?: (name: string) => void;
}

/** A stage returns the driver's exit code, or throws a BulkheadError. */
export type Stage = (context: StageContext) => Promise<number>;
