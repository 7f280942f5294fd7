import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import { shellProbeCommand, signalAllCommand, stageCommand } from '../../../src/sandbox/shell.ts';
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
        `${survivors}\nsurvivors; case "$found" in *"(sleep)"*) echo crowded ;; *) echo alone ;; esac`,
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
