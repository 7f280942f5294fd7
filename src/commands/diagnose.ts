import { createReadStream } from 'node:fs';
import { loadConfiguration } from '../configuration.ts';
import { concludeReceipts } from '../diagnosis/conclude-receipts.ts';
import { type Diagnosis, isFinding } from '../diagnosis/diagnosis.ts';
import { diagnoseLiveJob } from '../diagnosis/job-now.ts';
import { keptReceipts } from '../diagnosis/kept-receipts.ts';
import { byJob, diagnoseInput } from '../diagnosis/read-input.ts';
import { toBulkheadError } from '../errors.ts';
import { removeOrphans } from '../orphans/remove-orphans.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import type { CommandContext, PeopleCommand, Register } from './command.ts';
import { describeDiagnosis, diagnosisJson } from './diagnose/report.ts';
import { line, printNote, printResult } from './print.ts';

const podmanPatienceMs = 5000;

export const registerDiagnose: Register = (program, choose) => {
  program
    .command('diagnose')
    .description('say at which stage a job failed, why, whose fault it is, and what to do')
    .argument('<what>', "a job's id, the file of a job log or of receipts, or - for standard input")
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
A job's id is looked up in the receipts of the configuration and among what Podman holds now. A file whose name is a number: ./4711.
What it knows: docs/diagnosis.md.

Examples:
  bulkhead diagnose 4711
  bulkhead diagnose job.log
  bulkhead diagnose - < job.log
  grep '"id":4711,' receipts.jsonl | bulkhead diagnose -

Exit codes: 0 no sign of a failure; 1 the job failed, or something was found; 2 nothing can be said: no such job or file, or the
configuration or the command line is wrong.`,
    )
    .action((what: string, options: { json?: boolean }) => choose(options, diagnose(what)));
};

function diagnose(what: string): PeopleCommand {
  return async (context) => {
    const diagnoses = /^[1-9]\d{0,14}$/.test(what) ? await ofJob(Number(what), context) : await ofInput(what);
    if (typeof diagnoses === 'string') {
      await printNote(line(`bulkhead: ${diagnoses}`));
      return 2;
    }
    if (context.json) await printResult(JSON.stringify(diagnosisJson(diagnoses)));
    else await printResult(diagnoses.map(describeDiagnosis).join('\n\n'));
    return diagnoses.some(isFinding) ? 1 : 0;
  };
}

/** @returns why there is nothing to diagnose. */
async function ofInput(path: string): Promise<Diagnosis[] | string> {
  try {
    return await diagnoseInput(path === '-' ? process.stdin : createReadStream(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Anything else is an error of our own.
    if (code === undefined) throw error;
    return `${path === '-' ? 'standard input' : path} cannot be read: ${message}. Name the id of a job, the file of a job log or of receipts, or - for standard input.`;
  }
}

/**
 * Ids are unique within one GitLab only, so there may be several.
 * @returns why there is nothing to diagnose.
 */
async function ofJob(id: number, { env, configPath }: CommandContext): Promise<Diagnosis[] | string> {
  const configuration = await loadConfiguration(env, configPath);
  const { socket, stateFolder } = configuration;
  const kept = byJob(await keptReceipts(stateFolder, id));
  const podman = openPodman(socket);
  const live: Diagnosis[] = [];
  const keys = new Set<string>();
  try {
    await waitForPodman(podman, podmanPatienceMs);
    const { jobs } = await removeOrphans(podman, configuration, { dryRun: true });
    for (const job of jobs.filter(({ objects }) => objects[0]?.jobId === id)) {
      keys.add(job.objects[0]?.jobKey ?? '');
      live.push(await diagnoseLiveJob(podman, job));
    }
  } catch (error) {
    const { message } = toBulkheadError(error);
    await printNote(line(`What Podman holds of the job cannot be seen: ${message}`));
  }
  // Of a job that is there, that counts; its receipts so far tell how it came there.
  const ended = kept.filter((receipts) => !keys.has(receipts[0]?.job.key ?? ''));
  const diagnoses = [...live, ...ended.map((receipts) => concludeReceipts(receipts, 'sure'))];
  if (diagnoses.length > 0) return diagnoses;
  return `there is no receipt of a job ${id} in ${stateFolder}, and nothing of it on this host. Look on the host that ran it, or give its log; a job that failed in config leaves no receipt.`;
}
