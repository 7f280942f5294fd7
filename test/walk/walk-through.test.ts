import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parse } from 'yaml';
import { buildDebianPackage } from '../../setup/debian-package.ts';
import { hostLayout } from '../../setup/layout.ts';
import { latestRunsc } from '../../setup/runsc-build.ts';
import { makeJob } from '../../src/player/job.ts';
import { gitlabRunner, whyNoRunner } from '../runner/build.ts';
import { GitLab } from '../runner/gitlab/server.ts';
import { pushCommits } from '../runner/repositories.ts';
import { agrees, type Block, type Exchange, linesOf, readTranscript } from '../transcript.ts';
import { bareMachine, type Machine } from '../vm/machine.ts';

// Plays docs/walk-through.md on a virtual machine that has nothing of ours, with a stand-in for the GitLab server on this host.

const page = readFileSync(join(import.meta.dirname, '../../docs/walk-through.md'), 'utf8');
const project = 'group/project';
const token = 'glrt-sample';
/** What an emulated processor may take. */
const patienceMs = 30 * 60_000;

const made = new AsyncDisposableStack();
let machine: Machine;
let gitlab: GitLab;

suite('a bare Debian 13', { skip: (await whyNoRunner()) ?? false }, () => {
  before(async () => {
    gitlab = await GitLab.start({ address: '127.0.0.1', name: 'gitlab.example.com' });
    made.defer(() => gitlab.close());
    gitlab.register(token);
    machine = made.use(await bareMachine());
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-walk-'));
    made.defer(() => rmSync(folder, { recursive: true }));
    await put('/root/bulkhead.deb', { inputFile: await buildDebianPackage(folder) });
    await put('/root/runsc', { inputFile: await latestRunsc(hostLayout()) });
    await put('/usr/bin/gitlab-runner', { inputFile: await gitlabRunner() }, '755');
    await put('/etc/systemd/system/gitlab-runner.service', { input: runnerUnit });
    await put('/etc/gitlab-runner/config.toml', { input: registered(gitlab.url) }, '600');
    await machine.run('echo "10.0.2.2 gitlab.example.com" >>/etc/hosts; systemctl enable --now gitlab-runner');
  });
  after(() => made.disposeAsync());

  test('everything on the page happens as it is told', async (t) => {
    let pipeline = '';
    for (const block of readTranscript(page)) {
      if (block.kind === 'pipeline') pipeline = block.yaml;
      else if (block.kind === 'console') {
        for (const exchange of block.exchanges) await t.test(exchange.command, () => play(exchange));
      } else await t.test('a job', () => playJob(pipeline, block));
    }
  });
});

/** As GitLab Runner's own package installs it. */
const runnerUnit = `[Unit]
Description=GitLab Runner
After=network.target

[Service]
ExecStart=/usr/bin/gitlab-runner run --config /etc/gitlab-runner/config.toml --working-directory /root
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

/** As `gitlab-runner register` leaves it. */
const registered = (url: string) => `concurrent = 1
check_interval = 0
shutdown_timeout = 0

[session_server]
  session_timeout = 1800

[[runners]]
  name = "walk"
  url = "${url}"
  id = 1
  token = "${token}"
  executor = "custom"
  [runners.custom]
    run_exec = ""
`;

async function put(path: string, content: { inputFile: string } | { input: string }, mode = '644'): Promise<void> {
  await machine.run(`mkdir -p ${dirname(path)} && cat >${path} && chmod ${mode} ${path}`, content);
}

async function play({ command, expected }: Exchange): Promise<void> {
  if (command === 'reboot') return await machine.reboot();
  const options = { all: true, reject: false, timeout: patienceMs } as const;
  const { exitCode, all } = await machine.run(`cd /root && ${command}`, options);
  console.log(`# ${command}\n${all}`);
  assert.equal(exitCode, 0, all);
  assertAgrees(all, expected);
}

async function playJob(pipeline: string, { expected }: Extract<Block, { kind: 'log' }>): Promise<void> {
  const [[name, job] = []] = Object.entries(parse(pipeline)) as [string, { image: string; script: string[] }][];
  assert.ok(name !== undefined && job !== undefined, 'a job');
  const [sha = ''] = await pushCommits(gitlab, project, [{ '.gitlab-ci.yml': pipeline, 'README.md': 'A project\n' }]);
  const id = 4711 + gitlab.jobs.size;
  const git = { sha, ref: 'main' };
  const input = {
    id,
    token: `glcbt-${id}-sample`,
    name,
    git,
    gitlabUrl: gitlab.url,
    project: { path: project },
    ...job,
  };
  const played = gitlab.enqueue(token, makeJob(input));
  await played.finished(patienceMs);
  console.log(played.log);
  assertAgrees(played.log, expected);
  assert.deepEqual(gitlab.problems, []);
}

function assertAgrees(actual: string, expected: readonly string[]): void {
  const lines = linesOf(actual);
  if (!agrees(lines, expected)) assert.deepEqual(lines, expected);
}
