import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { configurationPaths } from '../../configuration.ts';
import type { Outcome, Row } from '../../doctor/attack/attack.ts';
import { standards } from '../../doctor/attack/controls.ts';
import type { AttackReport, JudgedControl } from '../../doctor/attack/report.ts';
import { attack } from '../../doctor/attack/run.ts';
import type { Host } from '../../doctor/host/host.ts';
import { requireRootless } from '../../guarantees/rootless.ts';
import type { CommandContext, CommandExitCode } from '../command.ts';
import { count, line, printNote, printResult } from '../print.ts';
import { attackPage } from './attack-page.ts';

/** `bulkhead doctor --attack`. @throws BulkheadError when nothing can be attacked. */
export async function attackHost(
  host: Host,
  { env, configPath, json }: CommandContext,
  page: string | undefined,
): Promise<CommandExitCode> {
  const configuration = await host.configuration.look();
  const podman = await host.podman.look();
  const info = await host.info.look();
  requireRootless(info);
  await host.policies.look();
  const policy = await host.policy.look();
  const configurationFile = configurationPaths(env, configPath).find((path) => existsSync(path)) ?? '';
  const target = { podman, configuration, configurationFile, policy, info, stop: host.stop };
  const report = await attack(target, async (row) => {
    if (!json) await printResult(describeRow(row));
  });
  if (json) await printResult(JSON.stringify(attackJson(report)));
  else await printResult(['', ...describeControls(report.controls)].join('\n'));
  if (page !== undefined) await writeFile(page, attackPage(report));
  await printNote(summary(report));
  return report.rows.some(({ outcome }) => outcome === 'broken') ? 1 : 0;
}

const words: Readonly<Record<Outcome, string>> = {
  held: 'held  ',
  broken: 'BROKEN',
  open: 'open  ',
  untried: '-     ',
};

export function describeRow({ outcome, title, evidence }: Row): string {
  return line(`${words[outcome]}  ${title}: ${evidence}`);
}

export function describeControls(controls: readonly JudgedControl[]): string[] {
  return Object.entries(standards).flatMap(([standard, name]) => [
    `${name}:`,
    ...controls
      .filter((one) => one.standard === standard)
      .map(({ id, about, outcome, why }) => {
        const reason = outcome === 'held' ? '' : `: ${why}`;
        return line(`  ${words[outcome]}  ${id} (${about})${reason}`);
      }),
  ]);
}

function summary({ rows, subject }: AttackReport): string {
  const of = (outcome: Outcome) => rows.filter((row) => row.outcome === outcome).length;
  return `${count(rows.length, 'row')} under policy ${subject.policy.name}: ${of('held')} held, ${of('broken')} BROKEN, ${of('open')} open by policy or host, ${of('untried')} not tried`;
}

/** The stable shape that docs/doctor.md describes. */
export function attackJson({ subject, rows, controls }: AttackReport): object {
  return {
    schemaVersion: 1,
    passed: rows.every(({ outcome }) => outcome !== 'broken'),
    subject,
    attacks: rows,
    controls,
  };
}
