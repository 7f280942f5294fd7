import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { exportScript, shellProbeCommand, signalAllCommand, stageCommand } from '../../../src/sandbox/shell.ts';
import { anyText } from '../samples.ts';
import { type Outcome, PidNamespace, whyNoPidNamespace } from './private-pid-namespace.ts';

const skip = whyNoPidNamespace();
if (skip !== undefined) console.log(`sandbox/shell: skipped, ${skip}`);

/** PID 1 of a sandbox that runs one stage. */
const oneStage = '"$@"; exit "$?"';

/** Prints what still lives beside the shell that asks and PID 1, once it had the time to die. Builtins only, no forks. */
const survivors = `survivors() {
  found=
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    pid=\${line%% *} state=\${line##*) }
    case "$pid:\${state%% *}" in 1:*|$$:*|*:Z) ;; *) found="$found $line" ;; esac
  done
}
settle() {
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    survivors
    [ -n "$found" ] || return 0
    sleep 0.05
  done
  echo "survivors:$found"
}`;

/** Runs the stage in the background, sends a signal to all once the script says "ready", and reports the end of the stage. */
const stopped = (signal: 'TERM' | 'KILL') => `${survivors}
"$@" & stage=$!
until [ -e ready ]; do sleep 0.01; done
sh -c '${signalAllCommand(signal)[2]}'
wait "$stage"; echo "stage: $?"
settle`;

for (const shell of ['/usr/bin/dash', '/usr/bin/bash']) {
  const whyNot = skip ?? (existsSync(shell) ? false : `${shell} is not installed`);

  suite(`with ${shell} as the sh of the sandbox`, { skip: whyNot, concurrency: 4 }, () => {
    const run = async (
      text: string,
      scenario = oneStage,
      role: Parameters<typeof stageCommand>[0] = 'build',
    ): Promise<Outcome> => {
      using sandbox = new PidNamespace(shell);
      return await sandbox.run(scenario, stageCommand(role, sandbox.script(text)));
    };

    for (const [what, text, exitCode] of [
      ['success', 'exit 0', 0],
      ['no exit at all', 'true', 0],
      ['a failure', 'exit 1', 1],
      ['any code', 'exit 42', 42],
      ['the highest code', 'exit 255', 255],
      ['the code of the last command', '(exit 7)', 7],
      ['a script that fails half-way', 'set -e; false; exit 0', 1],
      ['a command that does not exist', 'no-such-command', 127],
      ['a script that is not one', 'if', 2],
      ['the end by a signal', 'kill -9 $$', 137],
      ['the end by another signal', 'kill -TERM $$', 143],
    ] as const) {
      test(`passes on ${what}: ${exitCode}`, async () => {
        assert.equal((await run(text)).exitCode, exitCode);
      });
    }

    test('a script that is not there is a failure', async () => {
      using sandbox = new PidNamespace(shell);
      const { exitCode } = await sandbox.run(oneStage, stageCommand('build', '/no/such/script'));
      assert.equal(exitCode, 127);
    });

    test('passes on both streams, and adds nothing of its own', async () => {
      assert.deepEqual(await run('echo one; echo two >&2'), { exitCode: 0, stdout: 'one\n', stderr: 'two\n' });
    });

    test('the standard input of the script is empty', async () => {
      const { stdout } = await run('cat; readlink /proc/$$/fd/0');
      assert.equal(stdout, '/dev/null\n');
    });

    test('the umask is the one of the image, except in the helper', async () => {
      const text = 'umask; touch made; stat -c %a made';
      const scenario = `umask 0027; ${oneStage}`;
      assert.equal((await run(text, scenario, 'build')).stdout, '0027\n640\n');
      assert.equal((await run(text, scenario, 'helper')).stdout, '0000\n666\n');
    });

    test('no process of an earlier stage runs beside the script', async () => {
      const { stdout } = await run(
        // Who is killed runs nothing any more, but may take a moment to be gone.
        `${survivors}
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
          survivors
          case "$found" in *"(sleep)"*) sleep 0.05 ;; *) echo alone; exit ;; esac
        done
        echo crowded`,
        `(trap '' TERM HUP; exec setsid sleep 1000) </dev/null >/dev/null 2>&1 &\n"$@"`,
      );
      assert.equal(stdout, 'alone\n');
    });

    test('no process outlives the script, however it hides, and the output ends', async () => {
      const { exitCode, stdout, stderr } = await run(
        `sleep 1000 &
        setsid sleep 1000 &
        (trap '' TERM HUP INT; sleep 1000 & sleep 1000) &
        sh -c 'setsid sh -c "sleep 1000 & sleep 1000" & exit 0'
        sleep 0.1
        exit 3`,
        `${survivors}\n"$@"; code=$?; settle; exit "$code"`,
      );
      assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 3, stdout: '', stderr: '' });
    });

    test("TERM ends the script by its own trap, and the script's code is reported", async () => {
      const { stdout } = await run(`trap 'exit 1' TERM\ntouch ready\nsleep 1000`, stopped('TERM'));
      assert.equal(stdout, 'stage: 1\n');
    });

    test('TERM ends a script that has no trap: it does not inherit the one around it', async () => {
      const { stdout } = await run('touch ready\nsleep 1000', stopped('TERM'));
      assert.equal(stdout, 'stage: 143\n');
    });

    test('a script that cleans up at TERM has the time to', async () => {
      const { stdout } = await run(
        `trap 'echo cleaning; sleep 0.2; echo cleaned; exit 5' TERM\ntouch ready\nsleep 1000`,
        stopped('TERM'),
      );
      assert.equal(stdout, 'cleaning\ncleaned\nstage: 5\n');
    });

    test('KILL ends a script that ignores TERM, and all it started', async () => {
      const { stdout } = await run(`trap '' TERM\nsleep 1000 &\ntouch ready\nsleep 1000`, stopped('KILL'));
      assert.equal(stdout, 'stage: 137\n');
    });

    test('TERM leaves a script that ignores it alone', async () => {
      const scenario = `"$@" & stage=$!
        until [ -e ready ]; do sleep 0.01; done
        sh -c '${signalAllCommand('TERM')[2]}'
        touch signalled
        wait "$stage"; echo "stage: $?"`;
      const { stdout } = await run(`trap '' TERM\ntouch ready\nuntil [ -e signalled ]; do :; done\nexit 9`, scenario);
      assert.equal(stdout, 'stage: 9\n');
    });

    test('the sandbox takes the next stage after one was stopped', async () => {
      const { stdout } = await run(
        '[ -e ready ] && { echo again; exit 4; }\ntouch ready\nsleep 1000',
        `${stopped('TERM')}\n"$@"; echo "next stage: $?"`,
      );
      assert.equal(stdout, 'stage: 143\nagain\nnext stage: 4\n');
    });

    suite('by way of an entrypoint', () => {
      const variables = new Map([['JOBS', "it's"]]);
      const commandFor = (sandbox: PidNamespace, words: readonly string[], text: string, of = variables) => {
        const environment = sandbox.file('environment', exportScript(of), 0o600);
        const use = { words, environment, complaint: 'no \\x1b program' };
        return stageCommand('build', sandbox.script(text), [], use);
      };
      const enter = async (words: readonly string[], text: string, entry?: string, of = variables) => {
        using sandbox = new PidNamespace(shell);
        if (entry !== undefined) sandbox.file('entry', `#!/bin/sh\n${entry}`);
        sandbox.file('plain', '', 0o600);
        for (const name of ['umask', '-c']) sandbox.file(name, '#!/bin/sh\nexec "$@"');
        const scenario = `${survivors}\n"$@"; code=$?; settle; exit "$code"`;
        const { stdout, ...rest } = await sandbox.run(scenario, commandFor(sandbox, words, text, of));
        return { ...rest, stdout: stdout.replaceAll(sandbox.folder, '.') };
      };

      test('it gets sh as its first argument, and the script is what it would be without one', async () => {
        const entry = 'echo "$# $1 $2 $3"; export SET=set; shift; exec "$@"';
        const outcome = await enter(
          ['./entry', 'a b'],
          'echo "$0 $# $SET"; cat; readlink /proc/$$/fd/0; exit 7',
          entry,
        );
        const stdout = '5 a b sh -c\n./script 0 set\n/dev/null\n';
        assert.deepEqual(outcome, { exitCode: 7, stdout, stderr: '' });
      });

      test("it has the job's variables, and so does what it starts", async () => {
        const outcome = await enter(['./entry'], 'echo "script $JOBS"', 'echo "entry $JOBS"; exec "$@"');
        assert.deepEqual(outcome, { exitCode: 0, stdout: "entry it's\nscript it's\n", stderr: '' });
      });

      test('variables arrive as they are; names that a shell has for itself do no harm', async () => {
        const own = ['UID', 'EUID', 'PPID', 'SHELLOPTS', 'BASHOPTS', 'OPTIND', 'LINENO', 'RANDOM', '_'];
        const ours = ['shell', 'candidate', 'code', 'folder', 'IFS', 'complaint', 'script'];
        const values = fc
          .sample(anyText({ maxLength: 20 }), 100)
          .map((text) => text.toWellFormed().replaceAll('\0', ''));
        const wanted = new Map([
          ...values.map((value, index) => [`V${index}`, value] as const),
          ...["'", "''\\''", '$(id)`id`', '\n\n', ''].map((value, index) => [`W${index}`, value] as const),
          ...ours.map((name) => [name, 'of the job'] as const),
        ]);
        const all = new Map([...[...own, 'a-b', '1a'].map((name) => [name, 'abc'] as const), ...wanted]);
        const entry = [process.execPath, '-e', 'process.stdout.write(JSON.stringify(process.env))'];
        const { exitCode, stdout, stderr } = await enter(entry, 'true', undefined, all);
        assert.deepEqual([exitCode, stderr], [0, '']);
        const seen: Record<string, string> = JSON.parse(stdout);
        for (const [name, value] of wanted) assert.equal(seen[name], value, name);
        assert.ok(!('a-b' in seen || '1a' in seen));
      });

      test('its program is looked for where the PATH of the job says', async () => {
        const path = new Map([['PATH', '/no/such:/usr/bin:/bin']]);
        assert.equal((await enter(['entry'], 'true', 'echo entry', path)).exitCode, 127);
        assert.equal((await enter(['env'], 'echo "$PATH"', undefined, path)).stdout, '/no/such:/usr/bin:/bin\n');
      });

      test('it has the words as they are', async () => {
        const hostile = ['', ' ', '$(id)', '`id`', "'", '"', '\\', '*', '-x', '\n', 'é', '; exit 9', '$1'];
        const entry = `for word; do [ "$word" = sh ] && break; printf '<%s>' "$word"; done`;
        const { stdout } = await enter(['./entry', ...hostile], 'true', entry);
        assert.equal(stdout, hostile.map((word) => `<${word}>`).join(''));
      });

      test('it is looked for on PATH', async () => {
        assert.equal((await enter(['env', 'SET=set'], 'echo "$SET"')).stdout, 'set\n');
        assert.equal((await enter(['entry'], 'echo script', 'exec "$@"')).stdout, 'script\n');
      });

      test('a program counts, not what the shell has by its name', async () => {
        assert.equal((await enter(['umask'], 'echo script')).stdout, 'script\n');
      });

      for (const [what, words] of [
        ['is not there', ['/no/such']],
        ['is not on PATH', ['no-such']],
        ['is a folder', ['/tmp']],
        ['may not be run', ['./plain']],
        ['is a builtin of the shell', ['cd']],
        ['is a keyword of the shell', ['if']],
        ['would be an option', ['-c']],
      ] as const) {
        test(`one that ${what} is said, and fails the stage`, async () => {
          assert.deepEqual(await enter(words, 'echo script'), {
            exitCode: 127,
            stdout: '',
            stderr: 'no \\x1b program\n',
          });
        });
      }

      test('one without its interpreter fails the stage', async () => {
        using sandbox = new PidNamespace(shell);
        const words = [sandbox.file('broken', '#!/no/such\n')];
        const { exitCode, stdout, stderr } = await sandbox.run(oneStage, commandFor(sandbox, words, 'echo script'));
        assert.deepEqual([exitCode, stdout], [127, '']);
        assert.match(stderr, /\/broken: .*not found/);
      });

      for (const words of [
        ['sh', '-c'],
        ['sh', '-c', 'exec sh'],
        ['sh', '-c', '"$0"'],
      ]) {
        test(`one that starts a shell of its own runs the script from standard input: ${words.join(' ')}`, async () => {
          const outcome = await enter(words, 'echo "script of $0"; exit 4');
          assert.deepEqual(outcome, { exitCode: 4, stdout: 'script of sh\n', stderr: '' });
        });
      }

      test('one that reads its input, and runs what it is given, takes nothing away', async () => {
        const { exitCode, stdout } = await enter(['sh', '-c', 'cat >/dev/null; exec "$0" "$@"'], 'cat; echo script');
        assert.deepEqual([exitCode, stdout], [0, 'script\n']);
      });

      test('one that does not run what it is given decides how the stage ends', async () => {
        assert.deepEqual(await enter(['sh', '-c', 'exit 5'], 'echo script'), { exitCode: 5, stdout: '', stderr: '' });
        assert.deepEqual(await enter(['true'], 'exit 1'), { exitCode: 0, stdout: '', stderr: '' });
      });

      test('nothing that it started outlives the stage', async () => {
        const entry = `sleep 1000 & setsid sleep 1000 & (trap '' TERM HUP; sleep 1000) & "$@"`;
        const outcome = await enter(['./entry'], 'echo script; exit 3', entry);
        assert.deepEqual(outcome, { exitCode: 3, stdout: 'script\n', stderr: '' });
      });

      test('TERM ends both it and the script, KILL whatever ignores that', async () => {
        for (const [signal, trap, code] of [
          ['TERM', 'echo entry; exit 6', 6],
          ['KILL', '', 137],
        ] as const) {
          using sandbox = new PidNamespace(shell);
          const script = `trap '${trap && 'echo script; exit 5'}' TERM\ntouch ready\nsleep 1000`;
          const words = ['sh', '-c', `trap '${trap}' TERM; "$0" "$@"; exit 8`];
          const { stdout } = await sandbox.run(stopped(signal), commandFor(sandbox, words, script));
          assert.equal(stdout, `${trap && 'script\nentry\n'}stage: ${code}\n`);
        }
      });
    });

    test('the probe finds the shell of this machine', async () => {
      using sandbox = new PidNamespace(shell);
      assert.equal((await sandbox.run(oneStage, shellProbeCommand())).exitCode, 0);
    });
  });
}

test('a script is never part of a command line', () => {
  const path = '/bulkhead/scripts/$(reboot); `reboot`';
  const command = stageCommand('build', path);
  assert.equal(command.at(-1), path);
  assert.ok(!command.slice(0, -1).some((word) => word.includes('reboot')));
});
