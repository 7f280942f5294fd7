import Docker from 'dockerode';
import { hostLayout } from '../setup/layout.ts';
import { makeJob } from '../src/player/job.ts';
import type { JobResult } from '../src/player/play-job.ts';
import { variable } from '../src/player/variables.ts';
import { GitServer } from '../test/player/git-server.ts';
import { Player } from '../test/player/player.ts';
import { makeRepository } from '../test/player/repository.ts';
import { demoJob, knownYears } from './job.ts';
import { LogView } from './log-view.ts';
import { type JobObject, listObjects, removeCaches } from './objects.ts';
import { processesOf } from './processes.ts';
import { projectFiles } from './project-files.ts';
import { type Proof, prove, tellingFlags } from './proof.ts';
import { table, verdict } from './table.ts';

const token = 'glcbt-64_demonstrationToken';
const jobId = Math.floor(Date.now() / 1000);
const layout = hostLayout();
const podman = new Docker({ socketPath: layout.socket });

/** What was there while the job ran. */
let objects: JobObject[] = [];
let proofs: Proof[] = [];

const result = await playJob();
const left = await listObjects(podman, jobId);
const processes = await processesOf(proofs.map(({ container }) => container.id));
const alive = processes.filter(({ execMonitor }) => !execMonitor);
report(result);

const good = result.state === 'success' && proven() && left.length === 0 && alive.length === 0;
process.exitCode = good ? 0 : 1;

/** A real repository, served over HTTP, and a job of it through config, prepare, every run stage and cleanup. */
async function playJob(): Promise<JobResult> {
  const repository = await makeRepository([await projectFiles()], { projectPath: 'demo/roman' });
  const server = await GitServer.start({ root: repository.root, token });
  const log = new LogView(process.stdout);
  const job = makeJob({
    ...demoJob,
    id: jobId,
    token,
    gitlabUrl: server.url,
    project: { path: repository.projectPath },
    git: { sha: repository.sha },
    variables: [...Object.entries(demoJob.variables).map(([key, value]) => variable(key, value)), knownYears],
  });
  try {
    const player = new Player({
      job,
      env: { BULKHEAD_CONFIG: layout.config },
      runner: { name: 'demo', url: server.url },
      onLog: (chunk) => log.write(chunk),
      onResult: async ({ stage, exitCode }) => {
        if (stage === 'prepare' && exitCode === 0) await look();
      },
    });
    return await player.play();
  } finally {
    log.end();
    await removeCaches(podman, server.url);
    await server.close();
    await repository.remove();
  }
}

/** Right after prepare, before the first line of the job: what is there, and what each container really is. */
async function look(): Promise<void> {
  objects = await listObjects(podman, jobId);
  proofs = await Promise.all(objects.filter(({ kind }) => kind === 'container').map((each) => prove(podman, each)));
}

function proven(): boolean {
  const running = proofs.filter(({ pid }) => pid > 0);
  return running.length >= 2 && proofs.every(({ problem }) => problem === undefined);
}

function report({ state, message, stages }: JobResult): void {
  const out = process.stdout;
  const made = objects.map(({ kind, role, name, state: now }) => [kind, role, name, now]);
  out.write(table('Made by prepare, all labelled with the job', made));

  const seen = proofs.flatMap(({ container, runtime, pid, uid, commandLine, problem }) => {
    const process = pid > 0 ? `${commandLine[0]} (pid ${pid}, uid ${uid})` : 'never started: only carries files';
    const flags = tellingFlags(commandLine).join(' ');
    return [
      [container.role, `OCIRuntime ${runtime}`, problem ? `NOT PROVEN: ${problem}` : process],
      ...(flags ? [['', '', flags]] : []),
    ];
  });
  out.write(table('Seen from outside the sandboxes, by libpod and /proc', seen));

  const times = stages.map(({ stage, durationMs, exitCode, signal, peakKiB }) => [
    stage,
    `${(durationMs / 1000).toFixed(2).padStart(6)} s`,
    `exit ${signal ?? exitCode}`,
    `peak ${Math.round(peakKiB / 1024)} MiB`,
  ]);
  const total = stages.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  out.write(table(`Driver processes, ${total.toFixed(1)} s in all`, times));

  out.write('\n');
  const verdicts = [
    verdict(state === 'success', state === 'success' ? 'The job passed.' : `The job ${state}: ${message}`),
    verdict(
      proven(),
      proven() ? 'Every sandbox is gVisor, rootless.' : 'It was not proven that every sandbox is gVisor.',
    ),
    leftovers(),
  ];
  out.write(`${verdicts.join('\n')}\n`);
}

function leftovers(): string {
  const names = [...left.map(({ name }) => name), ...alive.map(({ name, pid }) => `${name} (pid ${pid})`)];
  if (names.length > 0) return verdict(false, `Left behind: ${names.join(', ')}`);
  const waiting = processes.length - alive.length;
  const note =
    waiting > 0 ? `\n  (Podman keeps ${waiting} exec monitors, conmon, a while longer: exit_command_delay.)` : '';
  return verdict(true, 'Nothing is left: no container, volume, network or sandbox process of the job.') + note;
}
