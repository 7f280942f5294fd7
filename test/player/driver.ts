import { resolve } from 'node:path';
import type { DriverPrograms } from './executor.ts';

/** This repository's driver, as config.toml would name it: one executable, with the stage as first argument. */
export function bulkheadPrograms(executable = resolve(import.meta.dirname, '../../bin/bulkhead')): DriverPrograms {
  const program = (stage: string) => ({ executable, args: [stage] });
  return {
    config: program('config'),
    prepare: program('prepare'),
    run: program('run'),
    cleanup: program('cleanup'),
  };
}
