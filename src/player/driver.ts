import type { DriverPrograms } from './executor.ts';

/** This driver, as config.toml would name it: one executable, with the stage as first argument. */
export function bulkheadPrograms(executable: string): DriverPrograms {
  const program = (stage: string) => ({ executable, args: [stage] });
  return {
    config: program('config'),
    prepare: program('prepare'),
    run: program('run'),
    cleanup: program('cleanup'),
  };
}
