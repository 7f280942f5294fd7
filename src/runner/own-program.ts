import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** bin/bulkhead, as far as it can be told: it starts the running file, which lies beside it in dist/. */
export function ownProgram(): string | undefined {
  const beside = join(dirname(process.argv[1] ?? ''), '../bin/bulkhead');
  return existsSync(beside) ? beside : undefined;
}
