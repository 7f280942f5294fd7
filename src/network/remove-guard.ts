import { BulkheadError } from '../errors.ts';
import { RootlessNetns } from '../host/rootless-netns.ts';
import type { Podman } from '../podman/client.ts';
import { containerPlace, runningSandboxes } from '../podman/containers.ts';
import { interfaceName, networksOf } from '../sandbox/names.ts';
import { jobKeyOf, tableName } from './ruleset.ts';

/**
 * Removes a job by `remove`, and then the rules for its networks: not before, since what still runs must stay guarded. Where
 * the rules are is only known as long as a sandbox runs.
 * @param isGone of what `remove` returned: whether no sandbox is left to guard.
 * @returns what `remove` does.
 * @throws what `remove` does, or BulkheadError `cleanup-incomplete`.
 */
export async function removeWithGuard<T>(
  podman: Podman,
  jobKey: string,
  remove: () => Promise<T>,
  isGone: (result: T) => boolean = () => true,
): Promise<T> {
  await using netns = await findNetns(podman, jobKey);
  const result = await remove();
  if (netns !== undefined && isGone(result)) await removeTable(netns, jobKey);
  return result;
}

/** Undefined when no sandbox of the job runs on a network: the rules are gone with the namespace, or the next job's guard removes them. */
async function findNetns(podman: Podman, jobKey: string): Promise<RootlessNetns | undefined> {
  // Whatever is wrong here must not keep the containers from being removed; `remove` says so if Podman does not answer.
  const running = await runningSandboxes(podman, jobKey).catch(() => []);
  const bridges = networksOf.map((of) => interfaceName({ key: jobKey }, of));
  for (const id of running) {
    try {
      const place = await containerPlace(podman, id);
      if (place.netnsFile !== '') return await RootlessNetns.find(place, bridges);
    } catch {
      // On no network, or gone meanwhile.
    }
  }
  return undefined;
}

async function removeTable(netns: RootlessNetns, jobKey: string): Promise<void> {
  const table = `inet ${tableName(jobKey)}`;
  try {
    // Adding it first makes it no failure that it is gone.
    await netns.run(['nft', `add table ${table}; delete table ${table}`]);
  } catch (cause) {
    throw new BulkheadError(
      'cleanup-incomplete',
      `the rules for the job's networks are left: ${(cause as Error).message}`,
      "None of its sandboxes is left, and the next job's rules take theirs away. If it repeats, look at nftables on this host.",
      { cause },
    );
  }
}

/**
 * Removes the tables of other jobs whose bridges are gone: their cleanup was killed, or came after their last sandbox. Tables
 * are listed before interfaces, so that what is loaded meanwhile is safe.
 */
export async function removeStale(netns: RootlessNetns, ownKey: string): Promise<void> {
  const text = await netns.run(['nft', '-j', 'list', 'tables']);
  const { nftables } = JSON.parse(text) as { nftables: { table?: { family: string; name: string } }[] };
  const keys = nftables
    .flatMap(({ table }) => (table?.family === 'inet' ? (jobKeyOf(table.name) ?? []) : []))
    .filter((key) => key !== ownKey);
  if (keys.length === 0) return;
  const devices = await netns.devices();
  const isGone = (key: string) => !networksOf.some((of) => devices.includes(interfaceName({ key }, of)));
  for (const key of keys.filter(isGone)) await removeTable(netns, key);
}
