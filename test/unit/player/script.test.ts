import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Build, defaultRunner } from '../../../src/player/build.ts';
import { makeJob } from '../../../src/player/job.ts';
import type { JobInput } from '../../../src/player/job-input.ts';
import { stageScript } from '../../../src/player/script.ts';
import { variable } from '../../../src/player/variables.ts';

let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'script-'));
});
after(() => rmSync(root, { recursive: true, force: true }));

// dash knows no $'…': jobs whose image has only dash set this flag, and so do these.
const shells = [
  { shell: 'bash', variables: {} },
  { shell: 'sh', variables: { FF_POSIXLY_CORRECT_ESCAPES: 'true' } },
];

function build(input: JobInput, variables: Record<string, string> = {}): Build {
  const own = Object.entries(variables).map(([key, value]) => variable(key, value));
  const job = makeJob(input);
  job.variables = [...(job.variables ?? []), ...own];
  const made = new Build(job, defaultRunner);
  made.start(join(root, 'builds'), join(root, 'cache'), false);
  return made;
}

function run(shell: string, script: string | undefined): { code: number | null; out: string; err: string } {
  assert(script !== undefined);
  const path = join(root, 'script');
  writeFileSync(path, script);
  const environment = { PATH: process.env['PATH'], HOME: root };
  const { status, stdout, stderr } = spawnSync(shell, [path], { encoding: 'utf8', env: environment, cwd: root });
  return { code: status, out: stdout, err: stderr };
}

for (const { shell, variables } of shells) {
  describe(shell, () => {
    test("a script's exit code is its own", () => {
      for (const code of [0, 1, 3, 137, 255]) {
        const made = build({ script: [`exit ${code}`] }, variables);
        run(shell, stageScript('get_sources', made));
        assert.equal(run(shell, stageScript('step_script', made)).code, code);
      }
    });

    test('commands are echoed, stop at the first failure, and read nothing', () => {
      const made = build({ script: ['echo one', 'cat', 'false', 'echo never'] }, variables);
      run(shell, stageScript('get_sources', made));
      const { code, out } = run(shell, stageScript('step_script', made));
      assert.equal(code, 1);
      assert.equal(out, '\x1b[32;1m$ echo one\x1b[0;m\none\n\x1b[32;1m$ cat\x1b[0;m\n\x1b[32;1m$ false\x1b[0;m\n');
    });

    test('variables arrive as they are, file variables as files, until the cleanup stage', () => {
      const value = 'a "b" \'c\' $(id) `id`\n\\n ü\r\n';
      const made = build(
        { variables: [variable('PLAIN', value, { raw: true }), variable('FILE', value, { raw: true, file: true })] },
        variables,
      );
      const step = made.job.steps?.[0];
      assert(step);
      step.script = [
        `printf '%s' "$PLAIN" | od -An -c -v | tr -d ' \\n'; echo`,
        `od -An -c -v "$FILE" | tr -d ' \\n'; echo`,
      ];
      run(shell, stageScript('get_sources', made));
      const { out, code } = run(shell, stageScript('step_script', made));
      assert.equal(code, 0);
      const [plain, file] = out.split('\n').filter((line) => line !== '' && !line.includes('\x1b'));
      assert.equal(plain, file);
      assert.match(plain ?? '', /^a"b"'c'\$\(id\)`id`\\n\\n303274\\r\\n$/);
      const { code: cleaned } = run(shell, stageScript('cleanup_file_variables', made));
      assert.equal(cleaned, 0);
      assert.notEqual(run(shell, `test -e ${made.temporaryDir}/FILE`).code, 0);
    });

    test('what a job writes to GITLAB_ENV reaches the next stage', () => {
      const made = build(
        { script: ['echo NEXT=kept >> "$GITLAB_ENV"'], afterScript: ['echo "next is $NEXT"'] },
        variables,
      );
      run(shell, stageScript('get_sources', made));
      run(shell, stageScript('step_script', made));
      assert.match(run(shell, stageScript('after_script', made)).out, /^next is kept$/m);
      run(shell, stageScript('prepare_script', made));
      assert.match(run(shell, stageScript('after_script', made)).out, /^next is $/m);
    });

    test('cache and artifacts only warn without a gitlab-runner binary', () => {
      const input: JobInput = {
        cache: [{ key: 'k', paths: ['deps'] }],
        artifacts: [{ paths: ['out'], when: 'always' }],
        dependencies: [{ id: 1, token: 't', name: 'build', artifacts_file: { filename: 'a.zip', size: 1 } }],
      };
      const made = build(input, variables);
      run(shell, stageScript('get_sources', made));
      for (const stage of ['restore_cache', 'download_artifacts', 'archive_cache', 'upload_artifacts_on_failure']) {
        const { code, out } = run(shell, stageScript(stage, made));
        assert.equal(code, 0, stage);
        assert.match(out, /Missing gitlab-runner\. .* is disabled\./, stage);
      }
    });
  });
}

test('SIGTERM ends a script with exit code 1, not by the signal', () => {
  const made = build({ script: ['kill -TERM $$ $BASHPID; sleep 1'] });
  run('bash', stageScript('get_sources', made));
  assert.equal(run('bash', stageScript('step_script', made)).code, 1);
});

test('the runner skips stages with nothing to do', () => {
  const made = build({});
  const stages = [
    'restore_cache',
    'download_artifacts',
    'after_script',
    'archive_cache',
    'upload_artifacts_on_success',
  ];
  for (const stage of stages) assert.equal(stageScript(stage, made), undefined, stage);
});

test('several lines in one command: collapsed, or a section where the flag asks for it', () => {
  const script = ['echo one\necho two'];
  const collapsed = build({ script });
  run('bash', stageScript('get_sources', collapsed));
  assert.match(run('bash', stageScript('step_script', collapsed)).out, /\$ echo one # collapsed multi-line command/);
  const sections = run('bash', stageScript('step_script', build({ script }, { FF_SCRIPT_SECTIONS: 'true' })));
  const marker = (edge: string) => `section_${edge}:0:section_script_step_0`;
  assert.equal(
    sections.out.replaceAll(/:\d+:/g, ':0:'),
    `${marker('start')}[hide_duration=true,collapsed=true]\r\x1b[0K\x1b[32;1m$ echo one\necho two\x1b[0;m\n` +
      `${marker('end')}\r\x1b[0K\none\ntwo\n`,
  );
});
