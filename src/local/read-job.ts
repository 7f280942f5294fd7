import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { bulkheadPrograms } from '../player/driver.ts';
import { Player } from '../player/player.ts';
import type { StageResult } from '../player/stage-process.ts';
import { sendFile } from '../podman/archive.ts';
import type { Podman } from '../podman/client.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { courierOf, leaveNothing, makeLocalJob, type Project } from './local-job.ts';
import { type PipelineJob, parsePipeline } from './pipeline.ts';

/** For one stage of the reader: a pipeline can make it run for ever. */
const patienceMs = 300_000;

/** What goes into the reader's sandbox beside the sources. */
const names = { node: 'node', program: 'gitlab-ci-local.mjs', reader: 'read-pipeline.cjs', input: 'input.json' };
export const sourcesName = 'sources.tar';
export const sourcesPath = `${sandboxPaths.driver}/${sourcesName}`;

/** What a run on this host needs to know, whatever it runs. */
export interface Surroundings {
  readonly podman: Podman;
  /** The driver's executable. */
  readonly executable: string;
  /** The tar file of the working tree. */
  readonly sources: string;
  readonly project: Project;
  /** A folder for files of ours. */
  readonly folder: string;
  readonly stop: AbortSignal;
  /** Tells the user something beside the job log. */
  readonly note: (text: string) => Promise<void>;
}

/**
 * Has gitlab-ci-local read .gitlab-ci.yml, in a sandbox of its own: made by the very stages, under a policy without a network.
 * @param variables that rules look at, beside those of the pipeline.
 * @throws BulkheadError `pipeline-invalid`, `pipeline-unread`, or the reason of `stop`.
 */
export async function readPipeline(
  surroundings: Surroundings,
  configuration: string,
  image: string,
  variables: Readonly<Record<string, string>>,
): Promise<PipelineJob[]> {
  const { podman, executable, folder, project } = surroundings;
  const input = join(folder, names.input);
  const player = new Player({
    job: makeLocalJob({ name: 'read-pipeline', image, script: [] }, project),
    driver: bulkheadPrograms(executable),
    env: { BULKHEAD_CONFIG: configuration },
    runner: { sourceArchive: sourcesPath },
  });
  const known = player.build.variables.filter(({ key, masked }) => /^(?:CI|GITLAB)_/.test(key) && !masked);
  await writeFile(
    input,
    JSON.stringify({ variables: { ...Object.fromEntries(known.map(({ key, value }) => [key, value])), ...variables } }),
  );
  try {
    await stage(surroundings, player.start('config')).then((result) => player.takeConfig(result));
    await stage(surroundings, player.start('prepare'));
    const send = (name: string, file: string, mode = 0o644) =>
      sendFile(podman, courierOf(player.build.job), sandboxPaths.driver, { name, mode, file });
    await send(names.node, process.execPath, 0o755);
    await send(names.program, gitlabCiLocal());
    await send(names.reader, join(dirname(ownBundle()), names.reader));
    await send(names.input, input);
    await send(sourcesName, surroundings.sources);
    await stage(surroundings, player.startRun('get_sources', player.script('get_sources')));
    const { stdout } = await stage(surroundings, player.startRun('step_read', readerScript(player.build.projectDir)));
    return parsePipeline(stdout.toString());
  } finally {
    await leaveNothing(surroundings, player, () => player.stage('cleanup'));
    player.dispose();
  }
}

/** The bundle that runs: what it needs at run time lies beside it, or in the packages around it. */
function ownBundle(): string {
  return process.argv[1] ?? '';
}

function gitlabCiLocal(): string {
  try {
    return createRequire(ownBundle()).resolve('gitlab-ci-local');
  } catch (cause) {
    throw new BulkheadError(
      'internal-error',
      'the npm package gitlab-ci-local is not installed',
      "Run 'npm ci' in the folder of Bulkhead.",
      { cause },
    );
  }
}

function readerScript(projectDir: string): string {
  const path = (name: string) => `${sandboxPaths.driver}/${name}`;
  return [
    '#!/bin/sh',
    'export HOME=/tmp GIT_CONFIG_NOSYSTEM=1',
    `cd '${projectDir}' || exit 1`,
    `exec ${path(names.node)} ${path(names.reader)} ${path(names.program)} ${path(names.input)} 2>/tmp/read-pipeline.log`,
    '',
  ].join('\n');
}

/** Ends a stage when somebody does not want to wait for it. @throws BulkheadError with what a failed stage said. */
async function stage({ stop }: Surroundings, starting: ReturnType<Player['start']>): Promise<StageResult> {
  stop.throwIfAborted();
  const process = await starting;
  const end = () => process.signalGroup('SIGTERM');
  stop.addEventListener('abort', end);
  const timer = setTimeout(end, patienceMs);
  const result = await process.result;
  clearTimeout(timer);
  stop.removeEventListener('abort', end);
  stop.throwIfAborted();
  if (result.exitCode === 0) return result;
  const lines = `${result.stdout}${result.stderr}`.trimEnd().split('\n');
  const ours = lines.filter((line) => line.startsWith('bulkhead: ')).map((line) => line.replace('bulkhead: ', ''));
  const said = (ours.length > 0 ? ours : lines.slice(-6)).join(' ');
  throw new BulkheadError(
    'pipeline-unread',
    `the sandbox that reads .gitlab-ci.yml failed in ${result.stage}: ${said}`,
    'What it said has a code of its own, whose fix is the one to follow.',
  );
}
