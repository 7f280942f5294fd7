import { failuresOf, type GcOutcome } from '../commands/gc/report.ts';
import { collect } from '../commands/gc.ts';
import { type Check, type Finding, ok, warn } from './check.ts';

export const leftovers: Check = {
  id: 'leftovers',
  title: 'leftovers',
  about:
    'What jobs left behind that nobody cleaned up after, as `bulkhead gc --dry-run` sees it ([orphans](gc.md)). The next jobs remove it, two at a time; `bulkhead gc` removes it now.',
  async look(host) {
    await host.supportedPodman.need();
    return judgeLeftovers(await collect(await host.configuration.need(), true, 0, undefined));
  },
};

export function judgeLeftovers(outcome: GcOutcome): Finding {
  const jobs = outcome.jobs.filter(({ action }) => action === 'found').length;
  const slices = outcome.slices.filter(({ action }) => action === 'found').length;
  const strange = outcome.strange.length;
  const [failure] = failuresOf(outcome);
  if (failure !== undefined) return warn(failure.message, failure.hint);
  if (jobs + slices > 0) {
    return warn(`objects of ${jobs} jobs and ${slices} slices that are over`, 'bulkhead gc');
  }
  if (strange > 0) {
    return warn(
      `${strange} objects have our labels, and are not ours beyond doubt`,
      'bulkhead gc --dry-run names them.',
    );
  }
  return ok('none');
}
