/**
 * `npm run bench`: what the driver costs, each time beside the thing it adds to, in the same run on the same machine.
 * `npm run bench -- --write` keeps the table in docs/performance.md. Set-up has run before.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { TEST_IMAGES } from '../setup/image-names.ts';
import { hostLayout } from '../setup/layout.ts';
import { podmanUser } from '../setup/podman-user.ts';
import { ensureTestImages } from '../setup/test-images.ts';

import { makeJob } from '../src/player/job.ts';
import { ownPrograms, Player } from '../test/player/player.ts';
import { whyNoRunner } from '../test/runner/build.ts';
import { type Comparison, compare, table } from './measure.ts';
import { compareWholeJobs } from './whole-jobs.ts';

const layout = hostLayout();
const user = podmanUser(layout);
const podman = (...args: string[]) => user.exec('podman', args);
const driver = ownPrograms.run.executable;
const image = TEST_IMAGES.busybox;
const page = join(import.meta.dirname, '../docs/performance.md');
const startPairs = 15;
const sandboxPairs = 7;

await ensureTestImages(layout);
const results: Comparison[] = [];
function report(comparison: Comparison): void {
  results.push(comparison);
  console.error(`${comparison.what}: ratio ${comparison.ratio.toFixed(2)}`);
}

const nothing = {
  name: 'node -e 0',
  run: async () => {
    await execa(process.execPath, ['-e', '0']);
  },
};

/** The stage loads everything it needs, then finds that the job's description is missing. config has no such need. */
function startUp(...args: string[]) {
  const env = { BULKHEAD_CONFIG: layout.config, JOB_RESPONSE_FILE: '/nonexistent/response.json' };
  return {
    name: `bulkhead ${args[0]}`,
    run: async () => {
      await execa(driver, args, { env, reject: false });
    },
  };
}
for (const args of [['config'], ['prepare'], ['run', '/dev/null', 'build_script'], ['cleanup']]) {
  report(await compare(`start-up of ${args[0]}`, startUp(...args), nothing, startPairs));
}

function newPlayer(): Player {
  return new Player({ job: makeJob({ id: Date.now(), image }), env: { BULKHEAD_CONFIG: layout.config } });
}
async function stage(player: Player, name: 'config' | 'prepare' | 'cleanup'): Promise<void> {
  const result = await player.stage(name);
  if (result.exitCode !== 0) throw new Error(`${name}: ${result.stderr}`);
}

let player = newPlayer();
const containerName = 'bulkhead-bench';
const removeContainer = async () => {
  await podman('rm', '--force', '--ignore', '--time=0', containerName);
};
const startContainer = async () => {
  await podman('run', '--detach', '--name', containerName, '--network=bridge', image, 'sleep', '600');
};

report(
  await compare(
    'a job made ready (2 sandboxes, proven) against 1 container started',
    {
      name: 'prepare',
      setUp: async () => {
        player = newPlayer();
        await stage(player, 'config');
      },
      run: () => stage(player, 'prepare'),
      tearDown: async () => {
        await stage(player, 'cleanup');
        player.dispose();
      },
    },
    { name: 'podman run', setUp: removeContainer, run: startContainer, tearDown: removeContainer },
    sandboxPairs,
  ),
);

player = newPlayer();
await stage(player, 'config');
await stage(player, 'prepare');
await removeContainer();
await startContainer();
report(
  await compare(
    'a script that does nothing',
    {
      name: 'run',
      run: async () => {
        const result = await player.run('build_script', 'true\n');
        if (result.exitCode !== 0) throw new Error(`run: ${result.stderr}`);
      },
    },
    {
      name: 'podman exec true',
      run: async () => {
        await podman('exec', containerName, 'true');
      },
    },
    startPairs,
  ),
);
await removeContainer();
await stage(player, 'cleanup');
player.dispose();

const noRunner = await whyNoRunner();
if (noRunner === undefined) await compareWholeJobs(report);
else console.error(`whole jobs: not run: ${noRunner}`);

const versions = await podman('version', '--format', '{{.Client.Version}}');
const where = `${cpus().length} cores, Linux ${release()}, Podman ${versions.stdout}, Node.js ${process.version}`;
const text = `${table(results)}\n\nMeasured with \`npm run bench\` on ${where}.\n`;
console.log(text);
if (process.argv.includes('--write')) {
  const [before = '', after = ''] = readFileSync(page, 'utf8').split(/<!-- bench -->[\s\S]*<!-- end -->/);
  writeFileSync(page, `${before}<!-- bench -->\n${text}<!-- end -->${after}`);
}
