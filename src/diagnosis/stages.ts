/** Before any of the job's code can run, and so before it can write to the log. */
const makingStages = ['config', 'prepare'] as const;
export type MakingStage = (typeof makingStages)[number];

/** What GitLab Runner writes above each stage (GetStageDescription and logStartupMessage in its sources), and how we call it. */
const headings: readonly (readonly [heading: string, stage: string])[] = [
  ['Preparing the "custom" executor', 'config'],
  ['Using Custom executor with driver', 'prepare'],
  ['Preparing environment', 'prepare_script'],
  ['Getting source from Git repository', 'get_sources'],
  ['Deleting all tracked and untracked files due to source fetch failure', 'clear_worktree'],
  ['Restoring cache', 'restore_cache'],
  ['Downloading artifacts', 'download_artifacts'],
  ['Running after_script', 'after_script'],
  ['Saving cache for successful job', 'archive_cache'],
  ['Saving cache for failed job', 'archive_cache_on_failure'],
  ['Uploading artifacts for successful job', 'upload_artifacts_on_success'],
  ['Uploading artifacts for failed job', 'upload_artifacts_on_failure'],
  ['Cleaning up project directory and file based variables', 'cleanup_file_variables'],
];

/** Those that GitLab Runner also runs when an earlier one has failed, and whose own failure fails no job. */
const aftermath = [
  'after_script',
  'archive_cache_on_failure',
  'upload_artifacts_on_failure',
  'cleanup_file_variables',
] as readonly string[];

/** The stage that begins with this piece of the log. A job can write such a heading, too. */
export function stageAt(text: string): string | undefined {
  const own = /^Executing "([\w.-]{1,60})" stage of the job script$/.exec(text)?.[1];
  if (own !== undefined) return own === 'step_script' ? 'build_script' : own;
  return headings.find(([heading, stage]) => (stage === 'prepare' ? text.startsWith(heading) : text === heading))?.[1];
}

export function isMaking(stage: string | undefined): stage is MakingStage {
  return (makingStages as readonly (string | undefined)[]).includes(stage);
}

export function isAftermath(stage: string): boolean {
  return aftermath.includes(stage);
}

/** GitLab Runner's marker of the end of what makes the sandboxes: it goes with the headings, and does not change with their words. */
export function endsMaking(text: string): boolean {
  return /section_end:\d{1,20}:prepare_executor$/.test(text);
}
