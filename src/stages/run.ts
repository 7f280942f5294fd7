import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { allDone } from '../all-done.ts';
import { type Configuration, loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { forgetEarlierExitCode, reportScriptExit } from '../exit-codes.ts';
import { recordStage } from '../metrics/stage-record.ts';
import { type ArchiveEntry, sendEntries } from '../podman/archive.ts';
import { openPodman } from '../podman/client.ts';
import { execute } from '../podman/exec.ts';
import { findStageSandbox } from '../podman/stage-sandbox.ts';
import { type Job, readJob } from '../runner/job.ts';
import { jobEnvironment } from '../runner/job-environment.ts';
import { describeFailure } from '../runner/job-log.ts';
import { limitOutput } from '../runner/output-limit.ts';
import { SharedLog } from '../runner/shared-log.ts';
import { entrypointNotFound } from '../sandbox/entrypoint.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { objectName } from '../sandbox/names.ts';
import { type EntrypointUse, exportScript, stageCommand } from '../sandbox/shell.ts';
import { sandboxForStage } from '../sandbox/stage-target.ts';
import type { StageContext } from './context.ts';
import { watchJobDisk } from './disk-limit.ts';
import { explainDeath, explainExit, warnOfServiceDeaths } from './exceeded-limit.ts';
import { showServiceLogs } from './service-logs.ts';
import { terminateStage } from './terminate.ts';

/** The service may be restarting between two stages of a job. */
const podmanPatienceMs = 5000;

/** `run <script> <stage>`: runs one stage's script in its sandbox, output attached, and passes on its exit code. */
export async function run(context: StageContext, scriptPath: string, stage: string): Promise<number> {
  await forgetEarlierExitCode(context.codes);
  const configuration = await loadConfiguration(context.env, context.configPath);
  return await recordStage(configuration.stateFolder, stage, () => runStage(context, configuration, scriptPath, stage));
}

async function runStage(
  context: StageContext,
  configuration: Configuration,
  scriptPath: string,
  stage: string,
): Promise<number> {
  const job = await readJob(context.env);
  const script = await readScript(scriptPath);
  const podman = openPodman(configuration.socket);
  const role = sandboxForStage(stage);
  const sandbox = await findStageSandbox(podman, objectName(job, role), podmanPatienceMs);

  // A fresh name each time: stage names are the job's, and a sandbox may have cached what an older path held.
  const name = `scripts/${randomBytes(8).toString('hex')}`;
  const entrypoint = entrypointOf(role, sandbox.entrypoint, `${sandboxPaths.driver}/${name}.environment`);
  await sendEntries(podman, objectName(job, 'courier'), sandboxPaths.driver, [
    { name, mode: 0o755, content: script },
    ...(entrypoint === undefined ? [] : [environmentFile(`${name}.environment`, context.env, job)]),
  ]);
  context.stop.throwIfAborted();

  const command = stageCommand(role, `${sandboxPaths.driver}/${name}`, sandbox.ulimits, entrypoint);
  const ending = new AbortController();
  const end = (error: BulkheadError) => ending.abort(error);
  const stop = AbortSignal.any([context.stop, ending.signal]);
  const rule = `policy "${sandbox.policy}"`;
  const stopWatching = watchJobDisk(podman, job.key, sandbox.limits.disk, rule, end);
  const log = new SharedLog();
  const endServiceLogs = showServiceLogs(podman, context.env, job, sandbox.limits.log, rule, log);
  const running = execute(podman, sandbox.name, command, limitOutput(sandbox.limits.log, rule, end, log.stage));
  let exitCode: number;
  try {
    exitCode = await terminateStage(running, podman, sandbox.name, configuration.terminationGraceSeconds, stop);
  } catch (error) {
    throw await explainDeath(error, configuration.socket, job.key, sandbox);
  } finally {
    await allDone([stopWatching(), endServiceLogs()]);
  }
  // What only shows at the very end counts as well.
  ending.signal.throwIfAborted();
  await explainExit(exitCode, configuration.socket, job.key, sandbox);
  await warnOfServiceDeaths(exitCode, configuration.socket, job, sandbox);
  return reportScriptExit(context.codes, exitCode);
}

/** Of the build sandbox alone: in the helper runs what GitLab Runner and the operator bring. */
function entrypointOf(
  role: ReturnType<typeof sandboxForStage>,
  words: readonly string[],
  environment: string,
): EntrypointUse | undefined {
  if (role !== 'build' || words.length === 0) return undefined;
  return { words, environment, complaint: describeFailure(entrypointNotFound(words)) };
}

/**
 * What the script sets for itself, for what runs before it. Through a file, as the script: what an exec is given as its
 * environment Podman would write into its database.
 */
function environmentFile(name: string, env: NodeJS.ProcessEnv, { variables }: Job): ArchiveEntry {
  return { name, mode: 0o644, content: Buffer.from(exportScript(jobEnvironment(env, variables.reveal()))) };
}

/** `-` means standard input, for people who pipe one; GitLab Runner always names a file. */
async function readScript(path: string): Promise<Buffer> {
  try {
    return path === '-' ? await buffer(process.stdin) : await readFile(path);
  } catch (cause) {
    throw new BulkheadError(
      'script-unreadable',
      `the stage script ${path} cannot be read: ${(cause as Error).message}`,
      'GitLab Runner writes it just before; look for something that empties its temporary folder.',
      { cause },
    );
  }
}
