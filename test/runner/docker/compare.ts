import type { Facts } from './facts.ts';
import type { PerExecutor } from './two-executors.ts';

export type Difference = PerExecutor<string> & { readonly fact: string };

const absent = '(absent)';

/** What differs between the two runs of one job, by name of the fact. */
export function differences(job: string, facts: PerExecutor<Facts>): Difference[] {
  const names = [...new Set([...facts.docker.keys(), ...facts.bulkhead.keys()])];
  return names.flatMap((name) => {
    const docker = facts.docker.get(name) ?? absent;
    const bulkhead = facts.bulkhead.get(name) ?? absent;
    return docker === bulkhead ? [] : [{ fact: `${job}/${name}`, docker, bulkhead }];
  });
}
