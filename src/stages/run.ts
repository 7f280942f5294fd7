import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { forgetEarlierExitCode, reportScriptExit } from '../exit-codes.ts';
import { sendEntries } from '../podman/archive.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { execute } from '../podman/exec.ts';
import { readJob } from '../runner/job.ts';
import { writeOutput } from '../runner/output.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { objectName } from '../sandbox/names.ts';
import { stageCommand } from '../sandbox/shell.ts';
import { sandboxForStage } from '../sandbox/stage-target.ts';
import type { StageContext } from './context.ts';
import { terminateStage } from './terminate.ts';

/** The service may be restarting between two stages of a job. */
const podmanPatienceMs = 5000;

/** `run <script> <stage>`: runs one stage's script in its sandbox, output attached, and passes on its exit code. */
export async function run(context: StageContext, scriptPath: string, stage: string): Promise<number> {
  await forgetEarlierExitCode(context.codes);
  const configuration = await loadConfiguration(context.env, context.configPath);
  const job = await readJob(context.env);
  const script = await readScript(scriptPath);
  const podman = openPodman(configuration.socket);
  await waitForPodman(podman, podmanPatienceMs);
  const role = sandboxForStage(stage);
  const sandbox = objectName(job, role);

  // A fresh name each time: stage names are the job's, and a sandbox may have cached what an older path held.
  const name = `scripts/${randomBytes(8).toString('hex')}`;
  await sendEntries(podman, objectName(job, 'courier'), sandboxPaths.driver, [{ name, mode: 0o755, content: script }]);
  context.stop.throwIfAborted();

  const command = stageCommand(role, `${sandboxPaths.driver}/${name}`);
  const running = execute(podman, sandbox, command, ({ stream, data }) => writeOutput(stream, data));
  const exitCode = await terminateStage(running, podman, sandbox, configuration.terminationGraceSeconds, context.stop);
  return reportScriptExit(context.codes, exitCode);
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
