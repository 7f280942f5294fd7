import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { listObjects } from '../../demo/objects.ts';
import { PROJECT_IMAGES, SERVICE_IMAGES } from '../../setup/image-names.ts';
import { ownPrograms } from '../player/player.ts';
import { images, layout, podman } from './host.ts';

const root = join(import.meta.dirname, '../..');

/** A project of a test's own, as Git would have cloned it. */
class Project implements AsyncDisposable {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  static async of(pipeline: string, files: Record<string, string> = {}): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'bulkhead-local-test-')));
    for (const [name, content] of Object.entries({ '.gitlab-ci.yml': pipeline, ...files })) {
      await mkdir(join(project.folder, name, '..'), { recursive: true });
      await writeFile(join(project.folder, name), content);
    }
    await once(spawn('git', ['init', '--quiet', '--initial-branch=main'], { cwd: project.folder }), 'close');
    return project;
  }

  async local(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  start(...args: string[]) {
    const child = spawn(ownPrograms.run.executable, ['local', ...args], {
      cwd: this.folder,
      env: { ...process.env, BULKHEAD_CONFIG: layout.config },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const pid = child.pid ?? 0;
    const ended = once(child, 'close').then(async (): Promise<Ended> => {
      assert.deepEqual(await listObjects(podman, pid), [], 'nothing is left');
      return { exitCode: child.exitCode, stdout, stderr, all: `${stdout}\n${stderr}` };
    });
    const says = async (text: string) => {
      while (!stdout.includes(text))
        await Promise.race([once(child.stdout, 'data'), ended.then(({ all }) => assert.fail(all))]);
    };
    return { child, ended, says };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of both, for messages. */
  readonly all: string;
}

async function example(name: string): Promise<Project> {
  const project = await Project.of('');
  await cp(join(root, 'examples', name), project.folder, { recursive: true });
  return project;
}

const busybox = (job: string) => `test:\n  image: ${images.busybox}\n${job.replace(/^/gm, '  ')}\n`;

suite('the examples', () => {
  test('C: builds, tests, and has the program for an artifact, without what is excluded', async () => {
    await using project = await example('c');
    const list = await project.local('--list');
    assert.match(list.stdout, /^build +test +on_success\nwarnings +test +on_success\n$/, list.all);
    const result = await project.local('build', '--variable', `IMAGE=${PROJECT_IMAGES.c}`, '--json');
    assert.equal(result.exitCode, 0, result.all);
    const { artifacts, ...said } = JSON.parse(result.stdout);
    assert.deepEqual([said.schemaVersion, said.state, said.exitCode], [1, 'success', 0]);
    assert.deepEqual([artifacts.files.sort(), artifacts.refused], [['build/test', 'build/wrap'], []]);
    assert.ok(statSync(join(project.folder, '.bulkhead/artifacts/build/wrap')).mode & 0o100);
    assert.match(result.stderr, /\nall tests passed\n/);
  });

  test('Python: one of a matrix, with what it extends', async () => {
    await using project = await example('python');
    const result = await project.local('test: [test_roman]', '--variable', `IMAGE=${images.python}`);
    assert.equal(result.exitCode, 0, result.all);
    assert.match(result.stdout, /\nIsolation proven: /);
    assert.match(result.stdout, /\nRan 3 tests in /);
    assert.match(result.stdout, /\nThe job ended with: success\n/);
    assert.match(result.stderr, /\ntest: \[test_roman\]: success, exit code 0, [\d.]+ s\n$/);
  });

  test('Node: with a Redis for a service', async () => {
    await using project = await example('node');
    const variables = [
      '--variable',
      `IMAGE=${PROJECT_IMAGES.node}`,
      '--variable',
      `REDIS_IMAGE=${SERVICE_IMAGES.redis}`,
    ];
    const result = await project.local(...variables);
    assert.equal(result.exitCode, 0, result.all);
    assert.match(result.stdout, /\n# pass 1\n/);
  });
});

suite("the project's own pipeline", () => {
  for (const job of ['types', 'lint']) {
    test(job, async () => {
      const result = await new Project(root).local(job, '--variable', `IMAGE=${PROJECT_IMAGES.ci}`);
      assert.equal(result.exitCode, 0, result.all);
      assert.match(result.stdout, new RegExp(`^> ${job === 'types' ? 'tsc' : 'biome check'}$`, 'm'));
      assert.match(result.stdout, /^Job succeeded$/m);
    });
  }
});

suite('a job', () => {
  test("gets the tree as it is, less what is ignored; its exit code is the command's", async () => {
    const script = `script:
  - find . -type f -o -type l | sort
  - readlink out
  - cat "$(printf 'line\\nbreak')" "$FILE"
  - test "$LEVEL" = "from the command line"
  - mkdir kept && ln -s /etc/passwd kept/absolute && ln -s ../../.. kept/above && ln -s good kept/link
  - echo good > kept/good && mknod kept/pipe p && echo new > "$(printf 'new\\nname')"
  - exit 7
artifacts:
  when: on_failure
  untracked: true
  paths: ['$CI_PROJECT_DIR/\${KEPT}', /etc/passwd]
variables: { LEVEL: of the job, KEPT: kept }
`;
    await using project = await Project.of(busybox(script), {
      '.gitignore': 'secret\n',
      secret: 'hidden',
      'line\nbreak': 'odd name',
      'not-committed': '',
      'file.txt': 'of a file',
      // Both belong to gitlab-ci-local, and would have it run something on the host.
      '.gitlab-ci-local-env': 'REMOTE_VARIABLES=git@x;id=a=b',
      '.gitlab-ci-local/expanded-gitlab-ci.yml': 'here before',
    });
    await symlink('/root', join(project.folder, 'out'));
    const args = ['--variable', 'LEVEL=from the command line', '--variable-file', 'FILE=file.txt'];
    const result = await project.local('test', ...args);
    assert.equal(result.exitCode, 7, result.all);
    assert.doesNotMatch(result.stdout, /secret|\.git\//);
    assert.match(result.stdout, /\n\.\/not-committed\n\.\/out\n/);
    assert.match(result.stdout, /\n\$ readlink out\n\/root\n/);
    assert.match(result.stdout, /odd nameof a file/);
    assert.match(result.stderr, /failed \(exit status 7\), exit code 7/);
    const artifacts = join(project.folder, '.bulkhead/artifacts');
    assert.deepEqual((await readdir(artifacts)).sort(), ['kept', 'new\nname']);
    assert.deepEqual((await readdir(join(artifacts, 'kept'))).sort(), ['good', 'link']);
    assert.match(result.stderr, /left out: kept\/absolute: a link to an absolute path\n/);
    assert.match(result.stderr, /left out: \/etc\/passwd: it is not in the project's folder\n/);
    assert.match(result.stderr, /left out: kept\/above: a link that leads out of the folder/);
    const written = readFileSync(join(project.folder, '.gitlab-ci-local/expanded-gitlab-ci.yml'), 'utf8');
    assert.equal(written, 'here before');
  });

  test('is refused by a policy, which says by which rule', async () => {
    await using project = await Project.of('test:\n  image: docker.io/library/debian:12\n  script: ["true"]\n', {
      '.bulkhead/artifacts/old': 'of an earlier run',
    });
    const result = await project.local('--policy', 'hermetic');
    assert.equal(result.exitCode, 1, result.all);
    assert.equal(existsSync(join(project.folder, '.bulkhead/artifacts')), false);
    assert.match(result.stdout, /policy-image-refused/);
    assert.match(result.stdout, /hermetic\.json/);
  });

  test('ends at Ctrl-C as at a cancel: after_script runs, and nothing is left', async () => {
    await using project = await Project.of(
      busybox('script: [echo begun, sleep 600]\nafter_script: [\'echo "after $CI_JOB_STATUS"\']'),
    );
    const running = project.start();
    await running.says('\nbegun\n');
    running.child.kill('SIGINT');
    const result = await running.ended;
    assert.equal(result.exitCode, 130, result.all);
    assert.match(result.stdout, /\nafter canceled\n/);
    assert.match(result.stderr, /test: canceled, exit code 130/);
  });
});

suite('a hostile pipeline', () => {
  const marker = join(tmpdir(), `bulkhead-escaped-${process.pid}`);

  test('runs what it makes gitlab-ci-local run in a sandbox', async () => {
    const evil = `process.getBuiltinModule("child_process").execSync("touch ${marker}") || true`;
    await using project = await Project.of(`${busybox('script: ["true"]')}  rules:\n    - if: '${evil}'\n`);
    const result = await project.local('--list');
    // It did run, and so the rule holds; it just was not here.
    assert.equal(result.exitCode, 0, result.all);
    assert.match(result.stdout, /^test +test +on_success/);
    assert.equal(existsSync(marker), false);
  });

  test('cannot put commands into an include', async () => {
    const include = `include:\n  - project: 'a/b'\n    ref: '$(touch ${marker})'\n    file: x.yml\n`;
    await using project = await Project.of(`${include}${busybox('script: ["true"]')}`);
    const result = await project.local('--list');
    assert.equal(result.exitCode, 2, result.all);
    assert.match(result.stderr, /pipeline-invalid/);
    assert.equal(existsSync(marker), false);
  });
});

test('several jobs and no name: they are listed', async () => {
  await using project = await Project.of(`a: { script: ["true"] }\nb: { script: ["true"] }\n`);
  const result = await project.local();
  assert.equal(result.exitCode, 1, result.all);
  assert.match(result.stdout, /^a +test +on_success\nb +test +on_success\n$/);
  assert.match(result.stderr, /The pipeline has 2 jobs: name one, as in: bulkhead local 'a'/);
});
