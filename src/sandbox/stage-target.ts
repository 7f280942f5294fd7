import type { Role } from './names.ts';

/** The stages that GitLab Runner runs with its own tools (executors/docker: the predefined container). */
export const helperStages = [
  'prepare_script',
  'get_sources',
  'clear_worktree',
  'restore_cache',
  'download_artifacts',
  'archive_cache',
  'archive_cache_on_failure',
  'upload_artifacts_on_success',
  'upload_artifacts_on_failure',
  'cleanup_file_variables',
] as const;

const ofTheHelper: ReadonlySet<string> = new Set(helperStages);

/** Which sandbox runs a stage. A name we do not know is a job's own, and runs where the job's code runs. */
export function sandboxForStage(stage: string): Extract<Role, 'helper' | 'build'> {
  return ofTheHelper.has(stage) ? 'helper' : 'build';
}
