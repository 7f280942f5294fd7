import { bulkheadPrograms } from '../player/driver.ts';
import type { JobResult } from '../player/play-job.ts';
import { Player } from '../player/player.ts';
import type { StageResult } from '../player/stage-process.ts';
import type { Variable } from '../player/variables.ts';
import { sendFile } from '../podman/archive.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { fetchArtifacts } from './artifacts.ts';
import { makeArtifactsFolder, unusable } from './artifacts-folder.ts';
import { expandPaths } from './artifacts-paths.ts';
import type { Extracted } from './extract.ts';
import { courierOf, leaveNothing, makeLocalJob } from './local-job.ts';
import type { PipelineJob } from './pipeline.ts';
import { artifactRules, jobInput } from './pipeline-job.ts';
import { type Surroundings, sourcesName, sourcesPath } from './read-job.ts';

export interface LocalResult {
  readonly job: JobResult;
  /** undefined when the job has none to keep, or did not get as far. */
  readonly artifacts: Extracted | undefined;
  /** Why they could not be kept. */
  readonly artifactsError: Error | undefined;
}

/** What of a run somebody may want to look at. */
export interface Watching {
  /** The job log as it comes. */
  readonly onLog: (chunk: Buffer) => void;
  /** A way to end the job, as GitLab's Cancel button does; the second call ends it at once. */
  readonly onStart: (cancel: () => void) => void;
}

/** Plays a job as GitLab Runner would, with the working tree for its sources and a folder for its artifacts. */
export async function playLocalJob(
  surroundings: Surroundings,
  configuration: string,
  pipelineJob: PipelineJob,
  given: readonly Variable[],
  sent: ReadonlySet<string>,
  place: { readonly folder: string; readonly artifacts: string },
  { onLog, onStart }: Watching,
): Promise<LocalResult> {
  const { podman, executable, project } = surroundings;
  const job = makeLocalJob(jobInput(pipelineJob, given), project);
  let artifacts: Extracted | undefined;
  let artifactsError: Error | undefined;

  async function keepArtifacts(): Promise<void> {
    const { projectDir, variables } = player.build;
    const { rules, outside } = expandPaths(artifactRules(pipelineJob), variables, projectDir);
    const when = pipelineJob.artifacts?.when;
    const wanted = when === 'always' || (when === 'on_failure') === (player.build.status !== 'success');
    if (!wanted || (rules.paths.length + outside.length === 0 && !rules.untracked)) return;
    try {
      await makeArtifactsFolder(place.folder, place.artifacts);
      const fetched = await fetchArtifacts(podman, job, projectDir, rules, sent, place.artifacts);
      const why = "it is not in the project's folder";
      artifacts = { ...fetched, refused: [...outside.map((name) => ({ name, why })), ...fetched.refused] };
    } catch (error) {
      artifactsError = unusable((error as Error).message, 'Look at what the job made, and at the disk.', error);
    }
  }

  async function onResult({ stage, exitCode }: StageResult): Promise<void> {
    if (stage === 'prepare' && exitCode === 0) {
      const file = { name: sourcesName, mode: 0o644, file: surroundings.sources };
      await sendFile(podman, courierOf(job), sandboxPaths.driver, file);
    }
    // The last stage of a job that was not ended from outside.
    if (stage === 'cleanup_file_variables') await keepArtifacts();
  }

  const player = new Player({
    job,
    driver: bulkheadPrograms(executable),
    env: { BULKHEAD_CONFIG: configuration },
    runner: { name: 'bulkhead local', sourceArchive: sourcesPath },
    keepOutput: false,
    onLog,
    onResult,
  });
  let canceled = false;
  onStart(() => {
    if (canceled) player.abort();
    else player.cancel();
    canceled = true;
  });
  const played = await player.play();
  await leaveNothing(surroundings, player, async () => played.stages.findLast(({ stage }) => stage === 'cleanup'));
  return { job: played, artifacts, artifactsError };
}
