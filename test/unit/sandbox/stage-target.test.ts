import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sandboxForStage } from '../../../src/sandbox/stage-target.ts';

suite('the sandbox of a stage', () => {
  const table = {
    prepare_script: 'helper',
    get_sources: 'helper',
    clear_worktree: 'helper',
    restore_cache: 'helper',
    download_artifacts: 'helper',
    archive_cache: 'helper',
    archive_cache_on_failure: 'helper',
    upload_artifacts_on_success: 'helper',
    upload_artifacts_on_failure: 'helper',
    cleanup_file_variables: 'helper',
    build_script: 'build',
    step_script: 'build',
    step_release: 'build',
    after_script: 'build',
  } as const;
  for (const [stage, sandbox] of Object.entries(table)) {
    test(`${stage} runs in ${sandbox}`, () => assert.equal(sandboxForStage(stage), sandbox));
  }

  // Whoever names a step must not reach the helper by it.
  for (const stage of [
    'a_stage_of_next_year',
    'step_get_sources',
    'Get_Sources',
    'get_sources ',
    ' get_sources',
    'get_sources\0',
    'helper',
    '',
    '__proto__',
    'constructor',
    'has',
  ]) {
    test(`${JSON.stringify(stage)}, which nobody knows, runs where the job's code runs`, () => {
      assert.equal(sandboxForStage(stage), 'build');
    });
  }
});
