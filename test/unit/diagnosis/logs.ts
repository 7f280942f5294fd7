import { Readable } from 'node:stream';
import { diagnoseLog } from '../../../src/diagnosis/read-log.ts';
import { BulkheadError, type ErrorCode } from '../../../src/errors.ts';
import { describeFailure } from '../../../src/runner/job-log.ts';

const heading = (text: string) => `\x1b[0K\x1b[36;1m${text}\x1b[0;m\x1b[0;m`;
const section = (edge: 'start' | 'end', name: string) => `section_${edge}:1795849242:${name}\r\x1b[0K`;

/** What GitLab Runner and the driver write until the first script, as of a real job. */
export const made = [
  '\x1b[0KRunning with gitlab-runner 19.4.0 (0a1b2c3d)\x1b[0;m',
  '\x1b[0K  on player sampleRun, system ID: s_0123456789ab\x1b[0;m',
  `${section('start', 'prepare_executor')}${heading('Preparing the "custom" executor')}`,
  '\x1b[0KUsing Custom executor with driver Bulkhead 0.1.0...\x1b[0;m',
  'Using policy "baseline" (assignments.json:4) ...',
];
/** The sandboxes stand, and a script runs. */
export const running = [
  ...made,
  'Using image localhost/bulkhead/example-python:3 (ea8be0e3dba1) ...',
  `\x1b[0K${section('start', 'bulkhead_sandboxes[collapsed=true]')}Isolation proven: rootless, gvisor, mounts; not on this runner: seccomp, limits.memory.`,
  '  gvisor             proven: helper sandbox: runsc, sandbox process 13143',
  '  limits.memory      not on this runner',
  `\x1b[0K${section('end', 'bulkhead_sandboxes')}`,
  `${section('end', 'prepare_executor')}${section('start', 'prepare_script')}${heading('Preparing environment')}`,
  'Running on job-12985001 via vm...',
  `${section('end', 'prepare_script')}${section('start', 'get_sources')}${heading('Getting source from Git repository')}`,
  '\x1b[32;1mFetching changes with git depth set to 20...\x1b[0;m',
  `${section('end', 'get_sources')}${section('start', 'step_script')}${heading('Executing "step_script" stage of the job script')}`,
  "\x1b[0;33mWARNING: Starting with version 17.0 the 'build_script' stage will be replaced with 'step_script': https://gitlab.com/groups/gitlab-org/-/epics/6112\x1b[0;m",
];
const cleaned = `${section('end', 'step_script')}${section('start', 'cleanup_file_variables')}${heading('Cleaning up project directory and file based variables')}`;

/** The last lines; `system` is what the driver's exit code 2 comes to, `script` its exit code 1. */
export const endings = {
  succeeded: [cleaned, `${section('end', 'cleanup_file_variables')}\x1b[32;1mJob succeeded\x1b[0;m`],
  script: [cleaned, '\x1b[0K\x1b[31;1mERROR: Job failed: exit status 3', '\x1b[0;m'],
  system: [cleaned, '\x1b[0K\x1b[31;1mERROR: Job failed (system failure): exit status 2', '\x1b[0;m'],
  timeout: [cleaned, '\x1b[31;1mERROR: Job failed: execution took longer than 60 seconds', '\x1b[0;m'],
  canceled: [cleaned, '\x1b[31;1mERROR: Job failed: canceled', '\x1b[0;m'],
} as const;

export function failure(code: ErrorCode, message = 'what went wrong', hint = 'what to do'): string[] {
  return describeFailure(new BulkheadError(code, message, hint)).split('\n');
}

export function diagnose(lines: readonly string[]) {
  return diagnoseLog(Readable.from([Buffer.from(`${lines.join('\n')}\n`)]));
}

/** Ids of the findings, best first. */
export async function found(lines: readonly string[]): Promise<string[]> {
  return (await diagnose(lines)).findings.map(({ symptom }) => symptom.id);
}
