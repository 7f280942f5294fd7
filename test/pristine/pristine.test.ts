import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../src/host-setup/find-program.ts';
import { agrees, linesOf } from '../transcript.ts';
import { pristineMachine } from './machine.ts';

const MINUTE = 60_000;
const BETWEEN = '=== set up again';
const SET_UP_LINES = [
  /^setup: npm: installing packages/m,
  /^setup: Podman: installing podman, /m,
  /^setup: runsc: installing runsc/m,
  /^setup: devices: opening \/dev\/net\/tun/m,
  /^setup: user: making the system user bulkhead$/m,
  /^setup: user: giving bulkhead the subordinate ids \d+-\d+$/m,
  /^setup: service: starting Podman for bulkhead/m,
  /^setup: images: building localhost\/bulkhead\/helper:/m,
];

const repository = join(import.meta.dirname, '..', '..');
/** What the README says that the demonstration prints. */
const [, told = ''] = /^```text\n(.*?)^```$/ms.exec(readFileSync(join(repository, 'README.md'), 'utf8')) ?? [];

/** Why these tests cannot run here, or false. */
const obstacle = process.getuid?.() !== 0 ? 'needs root' : !findProgram('mmdebstrap') ? 'needs mmdebstrap' : false;

for (const [release, codename] of [
  ['Debian 12', 'bookworm'],
  ['Debian 13', 'trixie'],
] as const) {
  test(`one command sets up a pristine ${release} and runs the demonstration`, { skip: obstacle }, async (t) => {
    using machine = await pristineMachine(codename, repository);
    // One entry for both, since what set-up starts in the background ends with it.
    const { exitCode, output, seconds } = await machine.run(
      [`npm run demo && echo '${BETWEEN}'`, `date +%s.%N`, `npm run --silent setup`, `date +%s.%N`].join(' && '),
      25 * MINUTE,
    );
    t.diagnostic(`${seconds} s in all`);
    assert.equal(exitCode, 0, output);
    const [demo = '', again = ''] = output.split(`${BETWEEN}\n`);
    for (const line of SET_UP_LINES) assert.match(demo, line, output);
    assert.match(told, /^✓ Nothing is left: /m);
    assert.ok(agrees(linesOf(demo), ['…', ...linesOf(told)]), output);

    const lines = again.trim().split('\n');
    assert.equal(lines.length, 2, `set-up had something to do or to say the second time:\n${again}`);
    const idle = Number(lines[1]) - Number(lines[0]);
    t.diagnostic(`${idle.toFixed(1)} s when nothing is missing`);
  });
}

test("the integration tests pass on Debian 13's Podman, too", { skip: obstacle }, async (t) => {
  using machine = await pristineMachine('trixie', repository);
  const run = 'npm run --silent test:integration';
  const { exitCode, output, seconds } = await machine.run(`${run} && podman --version`, 45 * MINUTE);
  t.diagnostic(`${seconds} s in all, ${output.trim().split('\n').at(-1)}`);
  assert.equal(exitCode, 0, output);
  // A run that found no test would pass as well.
  assert.ok(Number(/^ℹ pass (\d+)$/m.exec(output)?.[1]) > 50, output);
});
