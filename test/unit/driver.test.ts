import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { type BundleName, bundle, bundles } from '../../setup/bundle.ts';
import { hostLayout } from '../../setup/layout.ts';
import { copyShipped, driverFolders } from '../../setup/service-configuration.ts';
import { jobResponse, jobToken } from './samples.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-driver-'));
const driver = join(root, 'bin/bulkhead');
const configured = join(root, 'config.json');
const response = join(root, 'response.json');
after(() => rmSync(root, { recursive: true }));

// The driver as it is installed: bin/ beside dist/.
before(async () => {
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'dist'));
  copyFileSync(join(import.meta.dirname, '../../bin/bulkhead'), driver);
  for (const name of Object.keys(bundles) as BundleName[]) {
    writeFileSync(join(root, 'dist', bundles[name]), (await bundle(name)).code);
  }
  // Nobody listens on this socket.
  const socket = join(root, 'podman.sock');
  const layout = { ...hostLayout(), dataDir: root };
  const folders = driverFolders(layout);
  for (const folder of Object.values(folders)) mkdirSync(folder, { mode: 0o700 });
  copyShipped(layout);
  writeFileSync(configured, JSON.stringify({ socket, helperImage: 'localhost/helper', ...folders }));
  writeFileSync(response, JSON.stringify(jobResponse()));
});

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Circumstances {
  readonly env?: NodeJS.ProcessEnv;
  /** Output whose reader has gone away before the driver writes. */
  readonly closed?: 'stdout' | 'stderr';
  /** Shell text that is run instead; $DRIVER is the driver. */
  readonly shell?: string;
}

async function run(args: readonly string[], { env = {}, closed, shell }: Circumstances = {}): Promise<Outcome> {
  const child = spawn(shell === undefined ? driver : '/bin/sh', shell === undefined ? args : ['-c', shell], {
    cwd: root,
    // Nothing of the host but the PATH: its own configuration must not count.
    env: {
      PATH: process.env['PATH'],
      HOME: join(root, 'home'),
      BULKHEAD_NODE: process.execPath,
      DRIVER: driver,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  if (closed !== undefined) child[closed]?.destroy();
  const read = (name: 'stdout' | 'stderr') =>
    name === closed
      ? ''
      : child[name]
          .setEncoding('utf8')
          .toArray()
          .then((chunks) => chunks.join(''));
  const [[exitCode], stdout, stderr] = await Promise.all([once(child, 'close'), read('stdout'), read('stderr')]);
  return { exitCode, stdout, stderr };
}

const withJob = () => ({ BULKHEAD_CONFIG: configured, JOB_RESPONSE_FILE: response });

suite('for people', { concurrency: 2 }, () => {
  test('--help explains, with an example', async () => {
    const { exitCode, stdout, stderr } = await run(['--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Usage: bulkhead/);
    for (const command of ['config', 'prepare', 'run', 'cleanup'])
      assert.match(stdout, new RegExp(`${command}_args = `));
    assert.equal(stderr, '');
  });

  test('--help of a command explains the command', async () => {
    const { exitCode, stdout } = await run(['run', '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /<script> <stage>/);
  });

  test('--help is content with a reader that has seen enough', async () => {
    assert.deepEqual(await run(['--help'], { closed: 'stdout' }), { exitCode: 0, stdout: '', stderr: '' });
    const piped = await run([], { shell: '{ "$DRIVER" --help; echo "exit: $?" >&2; } | head -1' });
    assert.deepEqual(piped, {
      exitCode: 0,
      stdout: 'Usage: bulkhead [options] [command]\n',
      stderr: 'exit: 0\n',
    });
  });

  test('--version is the version', async () => {
    assert.deepEqual(await run(['--version']), { exitCode: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

suite('called wrongly, it is never the job that is blamed', { concurrency: 2 }, () => {
  for (const [what, args, says] of [
    ['no command', [], /Usage: bulkhead/],
    ['an unknown command', ['destroy'], /unknown command 'destroy'/],
    ['an unknown option', ['--force'], /unknown option '--force'/],
    ['an unknown option of a command', ['prepare', '--force'], /unknown option '--force'/],
    ['--config without a file', ['--config'], /argument missing/],
    ['run without anything', ['run'], /missing required argument 'script'/],
    ['run without a stage', ['run', '/tmp/script'], /missing required argument 'stage'/],
    ['too many arguments', ['run', '/tmp/script', 'build_script', 'more'], /too many arguments/],
    ['arguments where none belong', ['cleanup', 'more'], /too many arguments/],
  ] as const) {
    test(what, async () => {
      const { exitCode, stdout, stderr } = await run(args, { env: { SYSTEM_FAILURE_EXIT_CODE: '77' } });
      assert.deepEqual({ exitCode, stdout }, { exitCode: 77, stdout: '' });
      assert.match(stderr, says);
    });
  }

  test('nor when nobody reads what is wrong', async () => {
    assert.equal((await run(['destroy'], { closed: 'stderr' })).exitCode, 2);
    assert.equal((await run(['config'], { closed: 'stderr' })).exitCode, 2);
  });
});

suite('a stage that cannot begin is a system failure', { concurrency: 2 }, () => {
  const stages = [['config'], ['prepare'], ['run', '/tmp/script', 'build_script'], ['cleanup']] as const;

  for (const stage of stages) {
    test(`${stage[0]} without a configuration`, async () => {
      const missing = join(root, 'missing.json');
      const { exitCode, stdout, stderr } = await run(['--config', missing, ...stage], {
        env: { JOB_RESPONSE_FILE: response, SYSTEM_FAILURE_EXIT_CODE: '77', BUILD_FAILURE_EXIT_CODE: '78' },
      });
      // GitLab Runner would show the two in any order, so what belongs to the job log goes to one.
      const inJobLog = ['prepare', 'run'].includes(stage[0]);
      const [said, silent] = inJobLog ? [stdout, stderr] : [stderr, stdout];
      assert.deepEqual({ exitCode, silent }, { exitCode: 77, silent: '' });
      assert.match(said, /^bulkhead: ERROR: .*missing\.json\nbulkhead: Fix: .*\nbulkhead: \(configuration-not-found: /);
    });
  }

  for (const stage of stages.slice(1, 3)) {
    test(`${stage[0]} without a description of the job`, async () => {
      const { exitCode, stdout } = await run(stage, { env: { BULKHEAD_CONFIG: configured } });
      assert.equal(exitCode, 2);
      assert.match(stdout, /\(job-response-unreadable: /);
    });
  }

  for (const [what, code] of [
    ['an error that nobody catches', "throw new Error('boom')"],
    ['a rejected promise that nobody catches', "Promise.reject(new Error('boom'))"],
  ] as const) {
    test(what, async () => {
      const file = join(root, 'accident.cjs');
      writeFileSync(file, `setImmediate(() => { ${code}; });`);
      // With a job, so that the stage is still waiting for Podman when it happens.
      const env = { ...withJob(), NODE_OPTIONS: `--require=${file}` };
      const { exitCode, stderr } = await run(['prepare'], { env });
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /\(internal-error\)\n.*boom/);
    });
  }

  test('run without its script', async () => {
    const { exitCode, stdout } = await run(['run', join(root, 'none'), 'build_script'], { env: withJob() });
    assert.equal(exitCode, 2);
    assert.match(stdout, /\(script-unreadable: /);
  });

  test('run without Podman', async () => {
    const { exitCode, stdout } = await run(['run', configured, 'build_script'], { env: withJob() });
    assert.equal(exitCode, 2);
    assert.match(stdout, /\(podman-unreachable: /);
    assert.ok(!stdout.includes(jobToken));
  });

  test('but when the image name is wrong, it is the job that fails, whoever reads why', async () => {
    const wrong = join(root, 'wrong.json');
    writeFileSync(wrong, JSON.stringify(jobResponse({ image: { name: 'UPPER\r\u001b[31m' } })));
    const env = { ...withJob(), JOB_RESPONSE_FILE: wrong, BUILD_FAILURE_EXIT_CODE: '78' };
    const { exitCode, stdout } = await run(['prepare'], { env });
    assert.equal(exitCode, 78);
    assert.match(stdout, /UPPER\\x0d\\x1b\[31m/);
    assert.match(stdout, /\(image-reference-invalid: the job cannot run like this/);
    assert.equal((await run(['prepare'], { env, closed: 'stdout' })).exitCode, 78);
  });

  test('whatever CUSTOM_ENV_ says of the configuration and of exit codes', async () => {
    const { exitCode, stderr } = await run(['config'], {
      env: {
        XDG_CONFIG_HOME: join(root, 'bin/bulkhead'),
        CUSTOM_ENV_BULKHEAD_CONFIG: configured,
        CUSTOM_ENV_SYSTEM_FAILURE_EXIT_CODE: '0',
        CUSTOM_ENV_BUILD_FAILURE_EXIT_CODE: '0',
      },
    });
    assert.equal(exitCode, 2);
    assert.match(stderr, /\(configuration-not-found: /);
  });

  for (const code of ['0', '256', 'none']) {
    test(`SYSTEM_FAILURE_EXIT_CODE=${code} is no exit code: 2 is meant`, async () => {
      assert.equal((await run(['destroy'], { env: { SYSTEM_FAILURE_EXIT_CODE: code } })).exitCode, 2);
    });
  }
});

suite('config', { concurrency: 2 }, () => {
  test('answers with one JSON object and nothing else', async () => {
    const { exitCode, stdout, stderr } = await run(['config'], { env: withJob() });
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
    const { hostname, ...answer } = JSON.parse(stdout);
    assert.equal(typeof hostname, 'string');
    assert.deepEqual(answer, {
      driver: { name: 'Bulkhead', version: manifest.version },
      builds_dir: '/builds',
      cache_dir: '/cache',
      builds_dir_is_shared: false,
    });
  });

  test('to nobody is a system failure', async () => {
    const { exitCode, stderr } = await run(['config'], { env: withJob(), closed: 'stdout' });
    assert.equal(exitCode, 2);
    assert.match(stderr, /\(output-closed: /);
  });

  test('to a full disk is a system failure', async () => {
    const { exitCode, stderr } = await run([], { env: withJob(), shell: 'exec "$DRIVER" config >/dev/full' });
    assert.equal(exitCode, 2);
    assert.match(stderr, /\(output-closed: /);
  });
});

suite('cleanup', () => {
  test('of a job that was never described has nothing to do, and says nothing', async () => {
    assert.deepEqual(await run(['cleanup'], { env: { BULKHEAD_CONFIG: configured } }), {
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});

suite('bin/bulkhead', () => {
  test('without the bundle or Node.js is a system failure', async () => {
    for (const [env, shell] of [
      [{ BULKHEAD_NODE: join(root, 'no-node') }, '"$DRIVER" config'],
      [{}, 'mkdir -p alone/bin && cp "$DRIVER" alone/bin && alone/bin/bulkhead config'],
    ] as const) {
      const { exitCode, stdout, stderr } = await run([], { env, shell });
      assert.deepEqual({ exitCode, stdout }, { exitCode: 2, stdout: '' });
      assert.match(stderr, /cannot start/);
      assert.equal((await run([], { env: { ...env, SYSTEM_FAILURE_EXIT_CODE: '77' }, shell })).exitCode, 77);
    }
  });

  test('finds its bundle through links', async () => {
    const { exitCode, stdout } = await run([], {
      shell: 'ln -s "$DRIVER" link && ln -s link again && ./again --version',
    });
    assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: `${manifest.version}\n` });
  });
});
