import { loadConfiguration } from '../configuration.ts';
import { removeOrphans } from '../orphans/remove-orphans.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { sandboxStates } from '../podman/sandbox-states.ts';
import type { PeopleCommand, Register } from './command.ts';
import { printNote, printResult } from './print.ts';
import { describeJobs, type ListedJob, notePs, psJson } from './ps/report.ts';

const podmanPatienceMs = 5000;

export const registerPs: Register = (program, choose) => {
  program
    .command('ps')
    .description('list the sandboxes on this host, by job')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Of each job: its policy, its age, its deadline, and whether the GitLab Runner process that owns it lives. Of each sandbox: its role,
state, runtime and image, as Podman's own API tells them. docs/gc.md.

Examples:
  bulkhead ps
  bulkhead ps --json | jq '.jobs[] | select(.orphan) | .id'

Exit codes: 0 listed; 2 Podman cannot be asked, or the command line is wrong.`,
    )
    .action((options: { json?: boolean }) => choose(options, ps));
};

const ps: PeopleCommand = async ({ env, configPath, json }) => {
  const configuration = await loadConfiguration(env, configPath);
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  const { jobs, strange } = await removeOrphans(podman, configuration, { dryRun: true });
  const listed: ListedJob[] = [];
  for (const { objects, verdict } of jobs) {
    const sandboxes = await sandboxStates(
      podman,
      objects.map(({ object }) => object),
    );
    listed.push({ objects, verdict, sandboxes });
  }
  const now = Date.now() / 1000;
  if (json) {
    await printResult(JSON.stringify(psJson(listed, strange)));
  } else {
    const lines = describeJobs(listed, now);
    if (lines.length > 0) await printResult(lines.join('\n'));
    await printNote(notePs(listed, strange).join('\n'));
  }
  return 0;
};
