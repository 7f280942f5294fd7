import type { Facts } from './facts.ts';
import type { PerExecutor } from './two-executors.ts';

/** The Docker executor did not get as far as the job's script, however often it was tried: there is nothing to compare with. */
export class NothingToCompare extends Error {}

const mostRuns = 3;

/**
 * What is wrong between a run of ours and one of the Docker executor. The latter's has races of its own on Podman: a container
 * that ends at once may count as one that did not start, a connection may be lost. So while something is wrong, it runs again.
 * Ours never does: what it did wrong once is wrong beside each of theirs.
 * @throws NothingToCompare when that is all that the first run gave.
 */
export async function wrongInTheEnd(
  ours: Promise<Facts>,
  theirs: () => Promise<Facts>,
  onRepeat: (wrong: readonly string[]) => void,
  compare: (facts: PerExecutor<Facts>) => readonly string[],
): Promise<readonly string[]> {
  const [bulkhead, first] = await Promise.all([ours, theirs()]);
  let docker = first;
  for (let run = 1; ; run += 1) {
    const wrong = compare({ docker, bulkhead });
    if (wrong.length === 0 || run === mostRuns) return wrong;
    onRepeat(wrong);
    try {
      docker = await theirs();
    } catch (error) {
      if (error instanceof NothingToCompare) return wrong;
      throw error;
    }
  }
}
