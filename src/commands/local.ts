import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { loadConfiguration } from '../configuration.ts';
import { BulkheadError } from '../errors.ts';
import { stopSignals } from '../host/stop-signal.ts';
import { chooseArtifactsFolder, emptyArtifactsFolder } from '../local/artifacts-folder.ts';
import { projectOf } from '../local/local-job.ts';
import { LogView } from '../local/log-view.ts';
import type { PipelineJob } from '../local/pipeline.ts';
import { playLocalJob } from '../local/play-local.ts';
import { writeConfigurations } from '../local/policies.ts';
import { readPipeline, type Surroundings } from '../local/read-job.ts';
import { listTree, type Tree } from '../local/tree.ts';
import { writeTreeArchive } from '../local/tree-archive.ts';
import { openPodman, waitForPodman } from '../podman/client.ts';
import { formatImageReference, parseImageReference } from '../sandbox/image-reference.ts';
import type { PeopleCommand, Register } from './command.ts';
import { chooseJob, describeJobs, jobsJson, runnable } from './local/choose.ts';
import { assigned, givenVariables, type LocalOptions, pathOfFolder, projectPath } from './local/options.ts';
import { describeResult, exitCodeOf, resultJson } from './local/report.ts';
import { count, line, printNote, printResult } from './print.ts';

const podmanPatienceMs = 15_000;
const pipelineFile = '.gitlab-ci.yml';

export const registerLocal: Register = (program, choose) => {
  program
    .command('local')
    .description('run a job of the .gitlab-ci.yml in this folder in the sandbox that a runner would give it')
    .argument('[job]', 'its name; may be left out where there is one job only')
    .option('--list', 'list the jobs of the pipeline, and run none')
    .option('--policy <name>', 'the policy of the job (default: the one that the assignments give the project)')
    .option('--project <path>', 'the project, for assignments and variables (default: local/<folder>)', projectPath)
    .option('--protected', 'as on a protected ref')
    .option('--variable <key=value>', 'a variable of the job; may be repeated', assigned)
    .option('--variable-file <key=path>', 'a variable of type file, with the contents of a file', assigned)
    .option('--artifacts <folder>', 'an empty folder for artifacts (default: .bulkhead/artifacts, emptied before)')
    .option('--allow-remote-includes', 'let include: fetch files from elsewhere, from within the sandbox')
    .option('--json', 'the result as JSON; the job log goes to stderr')
    .addHelpText(
      'after',
      `
The job gets the working tree as it is, less what .gitignore names. docs/local.md says what differs from GitLab.

Examples:
  bulkhead local --list
  bulkhead local test
  bulkhead local 'test: [3.13]' --policy restricted --variable LEVEL=debug
  bulkhead local deploy --project group/app --protected --variable-file KEY=./test-key

Exit codes: 0 the job passed; the script's own when it failed, 1 when it has none (refused, out of time, artifacts that
cannot be kept, or no such job); 130 canceled (Ctrl-C; a second one skips after_script); 2 anything else, or the command
line is wrong. A script may exit with 2, too: --json tells them apart.`,
    )
    .action((job: string | undefined, options: LocalOptions) => choose(options, local(job, options)));
};

function local(name: string | undefined, options: LocalOptions): PeopleCommand {
  return async ({ env, configPath, json }) => {
    const project = process.cwd();
    if (!existsSync(join(project, pipelineFile))) {
      const hint = 'Run this in the folder of a project that has one.';
      throw new BulkheadError('pipeline-invalid', `there is no ${pipelineFile} in ${project}`, hint);
    }
    const configuration = await loadConfiguration(env, configPath);
    const given = await givenVariables(options);
    const artifacts = await chooseArtifactsFolder(project, options.artifacts);
    const podman = openPodman(configuration.socket);
    await waitForPodman(podman, podmanPatienceMs);
    const tree = await listTree(project);
    const path = options.project ?? pathOfFolder(basename(project));
    const described = projectOf(tree, path, options.protected === true);
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-local-'));
    using interruption = new Interruption();
    try {
      const sources = join(folder, 'sources.tar');
      await noteTree(tree, await writeTreeArchive(tree, sources));
      const configurations = await writeConfigurations(configuration, folder, {
        policy: options.policy,
        facts: {
          projectPath: path,
          projectId: 0,
          namespaceId: undefined,
          userId: undefined,
          protected: described.protected,
          runner: configuration.runner,
        },
        remoteIncludes: options.allowRemoteIncludes === true,
      });
      const executable = join(dirname(process.argv[1] ?? ''), '../bin/bulkhead');
      const stop = interruption.signal;
      const surroundings: Surroundings = {
        podman,
        executable,
        sources,
        project: described,
        folder,
        stop,
        note: printNote,
      };
      await printNote(`Reading ${pipelineFile} in a sandbox ...`);
      const image = formatImageReference(parseImageReference(configuration.helperImage));
      const plain = Object.fromEntries(given.filter(({ file }) => !file).map(({ key, value }) => [key, value]));
      const jobs = await readPipeline(surroundings, configurations.reader, image, plain);
      const job = options.list ? undefined : chooseJob(jobs, name);
      if (job === undefined || typeof job === 'string') return await list(jobs, job, json);
      await noteJob(job);
      await emptyArtifactsFolder(project, artifacts);
      const output = json ? process.stderr : process.stdout;
      // Its reader may have seen enough; the exit code still tells.
      output.on('error', () => {});
      const log = new LogView(output);
      const started = performance.now();
      const sent = new Set(tree.entries.map((entry) => entry.path));
      const place = { folder: project, artifacts };
      const result = await playLocalJob(surroundings, configurations.job, job, given, sent, place, {
        onLog: (chunk) => log.write(chunk),
        onStart: (cancel) => interruption.passTo(cancel),
      });
      log.end();
      const seconds = Math.round(performance.now() - started) / 1000;
      if (json) await printResult(JSON.stringify(resultJson(job.name, result, artifacts, seconds)));
      else await printNote(`\n${describeResult(job.name, result, artifacts, seconds).join('\n')}`);
      return exitCodeOf(result);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** Ctrl-C: ends the reading of the pipeline, and cancels a job. */
class Interruption implements Disposable {
  readonly #stop = new AbortController();
  #cancel: (() => void) | undefined;
  readonly #listener = () => {
    if (this.#cancel) this.#cancel();
    else this.#stop.abort(new BulkheadError('terminated', 'it was interrupted', 'Nothing to fix.'));
  };

  constructor() {
    for (const signal of stopSignals) process.on(signal, this.#listener);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  passTo(cancel: () => void): void {
    this.#stop.signal.throwIfAborted();
    this.#cancel = cancel;
  }

  [Symbol.dispose](): void {
    for (const signal of stopSignals) process.off(signal, this.#listener);
  }
}

async function list(jobs: readonly PipelineJob[], why: string | undefined, json: boolean): Promise<number> {
  if (json) await printResult(JSON.stringify(jobsJson(jobs)));
  else if (jobs.length > 0) await printResult(describeJobs(why === undefined ? jobs : runnable(jobs)));
  if (why === undefined) return 0;
  await printNote(why);
  return 1;
}

async function noteTree({ entries, fromGit, leftOut }: Tree, bytes: number): Promise<void> {
  const which = fromGit ? 'what .gitignore names stays out' : 'there is no Git repository here: everything goes in';
  await printNote(`Working tree: ${count(entries.length, 'file')}, ${(bytes / 1024 ** 2).toFixed(1)} MiB (${which})`);
  for (const { path, why } of leftOut.slice(0, 20)) await printNote(line(`  left out: ${path}: ${why}`));
  if (leftOut.length > 20) await printNote(`  left out: ${leftOut.length - 20} more`);
}

async function noteJob({ needs, when, name }: PipelineJob): Promise<void> {
  if (when === 'never')
    await printNote(line(`The rules leave ${name} out of the pipeline; it runs since it was named.`));
  if (needs.length > 0) await printNote(line(`It needs ${needs.join(', ')}, whose artifacts it does not get here.`));
}
