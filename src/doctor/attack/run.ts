import { randomUUID } from 'node:crypto';
import { hostname, networkInterfaces, release } from 'node:os';
import type { Configuration } from '../../configuration.ts';
import { enforce } from '../../guarantees/results.ts';
import { Canary } from '../../network/canary.ts';
import type { Podman } from '../../podman/client.ts';
import { request } from '../../podman/client.ts';
import { execute } from '../../podman/exec.ts';
import { inspectContainer } from '../../podman/libpod.ts';
import type { Policy } from '../../policy/policy.ts';
import { type Rehearsal, rehearseJob } from '../../stages/rehearse.ts';
import { version } from '../../version.ts';
import type { PodmanInfo } from '../host/podman-info.ts';
import { type Attack, type Circumstances, judgeAttack, type Row, type Variables } from './attack.ts';
import { kernelAttacks } from './attacks/kernel.ts';
import { privilegeAttacks } from './attacks/privileges.ts';
import { surroundingsAttacks } from './attacks/surroundings.ts';
import { observedRows } from './observed.ts';
import { type AttackReport, reportOf } from './report.ts';

export const attacks: readonly Attack[] = [...kernelAttacks, ...privilegeAttacks, ...surroundingsAttacks];

/** Seconds that a script has. */
const patience = 10;
const longestOutput = 4096;

export interface Target {
  readonly podman: Podman;
  readonly configuration: Configuration;
  /** Path of the configuration file; empty when nobody knows. */
  readonly configurationFile: string;
  readonly policy: Policy;
  readonly info: PodmanInfo;
  readonly stop: AbortSignal;
}

/**
 * Runs hostile scripts in a job of nobody's under the policy, beside a victim and after one, and removes all of them. Nothing
 * hostile runs where a guarantee is violated.
 * @param told of each row as it is known.
 * @throws BulkheadError `guarantee-violated`, and those of rehearseJob.
 */
export async function attack(target: Target, told: (row: Row) => Promise<void>): Promise<AttackReport> {
  const { podman, configuration, policy, info, stop } = target;
  const rehearse = (meanwhile: (rehearsal: Rehearsal) => Promise<void>) =>
    rehearseJob(podman, policy, configuration, { occasion: 'doctor', stop, meanwhile });
  const mark = `bulkhead-mark-${randomUUID()}`;
  const rows: Row[] = [];
  let runtime = '';
  await rehearse((earlier) => leaveMarks(podman, earlier, mark));
  await rehearse(async (victim) => {
    await leaveMarks(podman, victim, mark);
    const address = await lieInWait(podman, victim);
    await rehearse(async (attacker) => {
      enforce(attacker.results, []);
      runtime = [info.runtime.version, ...attacker.runtimeFlags].join(' ');
      await using canary = await Canary.open(ownAddresses());
      const [host = '', port = ''] = canary.addresses[0]?.split(':') ?? [];
      const variables: Variables = {
        CONFIG: target.configurationFile,
        SOCKET: configuration.socket,
        HOST_NAME: hostname(),
        HOST: host,
        PORT: port,
        VICTIM_ADDRESS: address,
        MARK: mark,
      };
      const circumstances = { settings: policy.settings, guarantees: attacker.results };
      for (const one of attacks) {
        stop.throwIfAborted();
        rows.push(await play(podman, attacker, one, variables, circumstances));
        await told(rows.at(-1) as Row);
      }
      for (const row of observedRows(circumstances)) {
        rows.push(row);
        await told(row);
      }
    });
  });
  const subject = {
    time: new Date().toISOString(),
    bulkhead: version,
    host: hostname(),
    kernel: release(),
    podman: info.version,
    runtime,
    policy: { name: policy.name, hash: policy.hash },
  };
  return reportOf(subject, rows);
}

async function play(
  podman: Podman,
  { spec }: Rehearsal,
  one: Attack,
  variables: Variables,
  circumstances: Circumstances,
): Promise<Row> {
  const { id, title, controls } = one;
  const impossible = one.impossible?.(variables);
  if (impossible !== undefined) return { id, title, controls, outcome: 'untried', evidence: impossible };
  const absent = one.absent?.(variables);
  if (absent !== undefined) return { id, title, controls, outcome: 'held', evidence: absent };
  const { exitCode, said } = await bash(podman, spec.build.name, one.script, variables);
  const late = exitCode === 124 ? '\ntimed out' : '';
  return judgeAttack(one, exitCode, said + late, circumstances);
}

/** What a job leaves where it may: in volumes, in folders that its user can write, in memory. */
async function leaveMarks(podman: Podman, { spec, results }: Rehearsal, mark: string): Promise<void> {
  enforce(results, []);
  const script =
    'for folder in /builds /tmp /var/tmp /dev/shm /root /home; do echo "$MARK" > "$folder/mark" || :; done; test -e /builds/mark';
  const { exitCode, said } = await bash(podman, spec.build.name, script, { MARK: mark });
  if (exitCode !== 0) throw new Error(`a job of the doctor's could write nothing to its own volume: ${said}`);
}

/** Has the victim run something, and listen. @returns its address; empty when it is on no network. */
async function lieInWait(podman: Podman, { spec }: Rehearsal): Promise<string> {
  const seen = await request('inspect network', inspectContainer<Addresses>(podman, spec.build.name));
  const networks = Object.values(seen.NetworkSettings?.Networks ?? {});
  const address = networks.map(({ IPAddress }) => IPAddress ?? '').find((one) => one !== '') ?? '';
  const script = [
    'sleep 31415 < /dev/null > /dev/null 2>&1 & kill -0 $!',
    ...(address === ''
      ? []
      : ['git daemon --detach --reuseaddr --base-path=/builds && sleep 0.5', ': < /dev/tcp/127.0.0.1/9418']),
  ].join(' && ');
  const { exitCode, said } = await bash(podman, spec.build.name, script, {});
  if (exitCode !== 0) throw new Error(`the victim does not listen: ${said}`);
  return address;
}

interface Addresses {
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>> | null;
  } | null;
}

/** Its output, cut. Ends with 124 when the script took too long. */
async function bash(
  podman: Podman,
  container: string,
  script: string,
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly exitCode: number; readonly said: string }> {
  const environment = Object.entries({ LC_ALL: 'C', ...variables }).map(([name, value]) => `${name}=${value}`);
  const limit = ['timeout', '--kill-after=1', String(patience)];
  let said = '';
  const exitCode = await execute(
    podman,
    container,
    ['env', ...environment, ...limit, 'bash', '-c', script],
    async ({ data }) => {
      if (said.length < longestOutput) said += Buffer.from(data).toString('latin1');
    },
  );
  return { exitCode, said: said.slice(0, longestOutput) };
}

/** IPv4, but for those that mean the sandbox itself there. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
