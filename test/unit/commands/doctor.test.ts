import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { execa } from 'execa';
import { describeCheck, doctorJson, summarise } from '../../../src/commands/doctor/report.ts';
import { checks } from '../../../src/doctor/all.ts';
import { fail, ok, skipped, warn } from '../../../src/doctor/check.ts';
import { configuration } from '../samples.ts';

const project = join(import.meta.dirname, '../../..');
const root = mkdtempSync(join(tmpdir(), 'bulkhead-doctor-'));
after(() => rmSync(root, { recursive: true }));

const check = { id: 'x', title: 'X' };

suite('what the doctor says', () => {
  for (const [finding, says] of [
    [ok('fine'), 'ok    X: fine'],
    [warn('so so', 'do'), 'WARN  X: so so\n      fix: do'],
    [fail('bad', 'do'), 'FAIL  X: bad\n      fix: do'],
    [skipped('why'), '-     X: not looked at: why'],
    [fail('a\u001b[2J\nb', 'c\r'), 'FAIL  X: a\\x1b[2J\\x0ab\n      fix: c\\x0d'],
  ] as const) {
    test(`of ${finding.state}: ${finding.text.slice(0, 4)}`, () =>
      assert.equal(describeCheck({ check, finding }), says));
  }

  test('in the end', () => {
    const examined = [ok(''), warn('', ''), fail('', ''), skipped('')].map((finding) => ({ check, finding }));
    assert.equal(summarise(examined), '4 checks: 1 ok, 1 warning, 1 failed, 1 not looked at');
  });

  test('as JSON has the shape that docs/doctor.md describes', () => {
    assert.deepEqual(
      doctorJson(
        [
          { check, finding: fail('bad', 'do') },
          { check, finding: skipped('why') },
        ],
        undefined,
      ),
      {
        schemaVersion: 1,
        passed: false,
        counts: { ok: 0, warn: 0, fail: 1, skipped: 1 },
        checks: [
          { id: 'x', title: 'X', state: 'fail', text: 'bad', fix: 'do' },
          { id: 'x', title: 'X', state: 'skipped', text: 'why' },
        ],
        guarantees: null,
      },
    );
  });
});

test('docs/doctor.md has the text of every check, in order, and of no other', () => {
  const page = readFileSync(join(project, 'docs/doctor.md'), 'utf8');
  const [, list = ''] = /^## The checks\n([\s\S]*?)^## /m.exec(page) ?? [];
  const sections = checks.map(({ id, title, about }) => `### ${id}\n\n_${title}._ ${about}\n`);
  assert.equal(list.trim(), sections.join('\n').trim());
});

suite('bulkhead doctor', { concurrency: 2 }, () => {
  const doctor = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      [join(project, 'src/main.ts'), 'doctor', ...args],
      {
        reject: false,
        extendEnv: false,
        env: { PATH: process.env['PATH'] ?? '', HOME: root, SYSTEM_FAILURE_EXIT_CODE: '77' },
      },
    );
    return { exitCode, stdout, stderr };
  };

  for (const [what, args, says] of [
    ['an unknown option', ['--fix'], /unknown option '--fix'/],
    ['an argument too many', ['now'], /too many arguments/],
    ['no name', ['--policy'], /argument missing/],
  ] as const) {
    test(`ends with 2 for ${what}`, async () => {
      const { exitCode, stdout, stderr } = await doctor(...args);
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('without a configuration still looks at what it can, and says of the rest why not', async () => {
    const { exitCode, stdout } = await doctor(
      '--json',
      '--config',
      join(root, 'none.json'),
      '--gitlab-runner-config',
      join(root, 'none.toml'),
    );
    assert.equal(exitCode, 1);
    const { checks: made } = JSON.parse(stdout) as { checks: { id: string; state: string; text: string }[] };
    assert.equal(made.length, checks.length);
    const failed = made.filter(({ state }) => state === 'fail').map(({ id }) => id);
    assert.deepEqual(failed, ['configuration']);
    const of = (id: string) => made.find((one) => one.id === id);
    assert.equal(of('node-version')?.state, 'ok');
    for (const id of ['policies', 'podman-version', 'receipts', 'sandbox', 'runsc', 'guarantee-image']) {
      assert.deepEqual([of(id)?.state, of(id)?.text], ['skipped', 'the configuration cannot be used'], id);
    }
  });

  const configurationOf = (socket: string) => {
    const path = join(root, `${socket}.json`);
    const folder = (name: string) => join(project, name);
    const known = { policies: folder('policies'), seccompProfiles: folder('seccomp') };
    const text = JSON.stringify({ ...configuration, ...known, socket: join(root, socket), stateFolder: root });
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };

  test('with a Podman that is too old does not read its lists', async () => {
    const info = { version: { Version: '3.0.1' }, host: { security: { rootless: true } } };
    const server = createServer(({ url = '' }, answer) => {
      answer.setHeader('Content-Type', 'application/json');
      answer.end(url.includes('ping') ? 'OK' : JSON.stringify(url.endsWith('/info') ? info : null));
    });
    await new Promise<void>((resolve) => server.listen(join(root, 'old.sock'), resolve));
    const { stdout } = await doctor('--config', configurationOf('old.sock'));
    server.close();
    const lines = stdout.split('\n');
    assert.ok(lines.includes('FAIL  Podman: Podman 3.0.1 is too old'), stdout);
    for (const title of ['leftovers', 'a real sandbox'])
      assert.ok(lines.includes(`-     ${title}: not looked at: Podman is too old`), stdout);
  });

  test('without Podman fails for that alone', async () => {
    const { exitCode, stdout } = await doctor('--config', configurationOf('none.sock'));
    assert.equal(exitCode, 1);
    const lines = stdout.split('\n');
    assert.match(
      lines.filter((text) => text.startsWith('FAIL  Podman')).join('\n'),
      /^FAIL {2}Podman socket: there is no socket .*\nFAIL {2}Podman: the Podman service does not answer/,
    );
    assert.ok(lines.includes('-     a real sandbox: not looked at: Podman does not answer'), stdout);
    assert.ok(
      lines.includes(
        '      fix: Start the Podman service that owns it (bulkhead init, where that set the host up), or name its socket as "socket" in the configuration.',
      ),
      stdout,
    );
  });

  test('explains itself', async () => {
    const { exitCode, stdout } = await doctor('--help');
    assert.equal(exitCode, 0);
    for (const word of ['--policy <name>', '--gitlab-runner-config <file>', '--json', 'Exit codes: 0']) {
      assert.ok(stdout.includes(word), word);
    }
  });
});
