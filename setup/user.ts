import { findAccount, lingers, missingSubordinateIds } from '../src/host-setup/accounts.ts';
import { accountStep, lingerStep, subordinateIdsStep } from '../src/host-setup/user-steps.ts';
import type { RootStep } from './as-root.ts';
import { isRoot, systemdRuns } from './host.ts';
import type { HostLayout } from './layout.ts';

/** The root steps that make the service's user and give it subordinate ids (and, under systemd, a session of its own). */
export async function missingUser({ user, dataDir }: HostLayout): Promise<RootStep[]> {
  const account = await findAccount(user);
  const range = await missingSubordinateIds(user);
  return [
    ...(isRoot && !account ? [accountStep(user, dataDir)] : []),
    ...(range === undefined ? [] : [subordinateIdsStep(user, range)]),
    ...(systemdRuns && !lingers(user) ? [lingerStep(user)] : []),
  ];
}
