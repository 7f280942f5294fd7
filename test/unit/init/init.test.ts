import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { configurationSchema } from '../../../src/configuration.ts';
import { operatorLayout } from '../../../src/init/operator-layout.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-init-'));
after(() => rmSync(root, { recursive: true }));

const xdg = { XDG_CONFIG_HOME: '/xdg/config', XDG_DATA_HOME: '/xdg/data', XDG_RUNTIME_DIR: '/xdg/run' };
const layout = operatorLayout(xdg, userInfo());
const toml = '/etc/gitlab-runner/config.toml';
const registered =
  '# mine\r\n[[runners]]\r\n  name = "a"\r\n  executor = "custom" # so\r\n  [runners.cache]\r\n  Type = "s3"';
let host: string;
let on: (path: string) => string;

beforeEach(() => {
  host = mkdtempSync(join(root, 'host-'));
  on = (path) => join(host, path);
  mkdirSync(on('/etc/gitlab-runner'), { recursive: true });
  writeFileSync(on(toml), registered, { mode: 0o600 });
});

function init(...args: string[]) {
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const env = { PATH: process.env['PATH'], HOME: root, ...xdg };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'init', ...args], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}
const staged = (...args: string[]) => init('--root', host, ...args);
const apply = (...args: string[]) => {
  const outcome = staged('--helper-image', 'registry.example/helper:1', ...args);
  assert.equal(outcome.status, 0, outcome.stderr);
  return outcome;
};

/** Every path below the host with its mode and content. */
function snapshot(): Record<string, string> {
  const names = readdirSync(host, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const status = lstatSync(on(name));
      const content = status.isFile() ? readFileSync(on(name), 'latin1') : '';
      return [name, `${status.mode.toString(8)} ${content}`];
    }),
  );
}

suite('files below --root', { concurrency: false }, () => {
  test('come, stay as they are the second time, and go without a trace', () => {
    const before = snapshot();
    apply('--merge', toml);
    configurationSchema.parse(JSON.parse(readFileSync(on(layout.config), 'utf8')));
    assert.equal(statSync(on(layout.stateFolder)).mode & 0o777, 0o700);
    assert.equal(JSON.parse(readFileSync(on(layout.manifest), 'utf8')).helperImage, 'registry.example/helper:1');
    assert.match(readFileSync(on(toml), 'utf8'), /run_exec = ".*\/bin\/bulkhead"\r\n/);
    assert.equal(statSync(on(toml)).mode & 0o777, 0o600);
    const set = snapshot();
    apply('--merge', toml);
    assert.deepEqual(snapshot(), set);
    const { status, stdout } = staged('--uninstall');
    assert.deepEqual([status, stdout], [0, '']);
    assert.deepEqual(snapshot(), before);
  });

  test('the block for config.toml is shown until it is merged', () => {
    assert.match(apply().stdout, /run_exec/);
    assert.match(apply().stderr, /put the block above into config\.toml/);
    apply('--merge', toml);
    const { stdout, stderr } = apply();
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /put the block/);
  });

  test('of somebody else stay, and are named; what the operator changed does so, too', () => {
    const [foreign, changed] = [join(layout.policies, 'baseline.json'), join(layout.policies, 'assignments.json')];
    mkdirSync(on(layout.policies), { recursive: true });
    writeFileSync(on(foreign), 'mine');
    assert.ok(apply().stderr.includes(`${foreign} stays as it is`));
    writeFileSync(on(changed), 'mine, too');
    assert.ok(apply().stderr.includes(`${changed} stays as it is`));
    const { status, stdout } = staged('--uninstall');
    assert.equal(status, 1);
    assert.deepEqual(stdout.trim().split('\n'), [`left: ${changed}: it was changed since init wrote it`]);
    assert.deepEqual(
      [foreign, changed].map((path) => readFileSync(on(path), 'utf8')),
      ['mine', 'mine, too'],
    );
  });

  test("a configuration of somebody else's that names another helper image stays, and what to put there is said", () => {
    mkdirSync(on(layout.configDir), { recursive: true });
    const named = 'localhost/bulkhead/helper:old';
    writeFileSync(on(layout.config), JSON.stringify({ helperImage: named }));
    const { stderr } = apply();
    assert.ok(stderr.includes(`${layout.config} names ${named}, and stays as it is`), stderr);
    assert.ok(stderr.includes('put "helperImage": "registry.example/helper:1" into it'), stderr);
    writeFileSync(on(layout.config), JSON.stringify({ helperImage: 'registry.example/helper:1' }));
    assert.doesNotMatch(apply().stderr, /"helperImage"/);
  });

  test('a folder that others use stays; once our data is gone, too, nothing is left to undo', () => {
    apply();
    const foreign = join(layout.policies, 'mine.json');
    writeFileSync(on(foreign), 'mine');
    for (const purge of [[], ['--purge']]) {
      const { status, stdout } = staged('--uninstall', ...purge);
      assert.deepEqual([status, stdout], [0, `left: ${layout.policies}: it is not empty\n`]);
      assert.equal(existsSync(on(layout.manifest)), purge.length === 0);
    }
    assert.equal(readFileSync(on(foreign), 'utf8'), 'mine');
    assert.match(staged('--uninstall').stderr, /init has done nothing here/);
  });

  test('that an older init wrote are brought up to date', () => {
    apply();
    const unit = join(layout.gcUnits, 'bulkhead-gc.timer');
    const [wanted, manifest] = [readFileSync(on(unit), 'utf8'), JSON.parse(readFileSync(on(layout.manifest), 'utf8'))];
    writeFileSync(on(unit), '');
    // SHA-256 of nothing.
    manifest.files[unit] = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    writeFileSync(on(layout.manifest), JSON.stringify(manifest), { mode: 0o600 });
    apply();
    assert.equal(readFileSync(on(unit), 'utf8'), wanted);
  });

  test('lie beside data that --uninstall keeps and --purge removes', () => {
    const before = snapshot();
    apply();
    const receipt = join(layout.stateFolder, 'receipts.jsonl');
    writeFileSync(on(receipt), '{}');
    const { status, stdout } = staged('--uninstall');
    assert.equal(status, 0);
    assert.match(stdout, /state: it is not empty/);
    assert.equal(readFileSync(on(receipt), 'utf8'), '{}');
    assert.equal(staged('--uninstall', '--purge').stdout, '');
    assert.deepEqual(snapshot(), before);
  });

  test('are not touched by --print, in words or as JSON', () => {
    const before = snapshot();
    const { status, stdout } = staged('--print', '--merge', toml);
    assert.equal(status, 0);
    for (const text of [layout.config, 'ExecStart=', '[runners.custom]', 'subordinate', toml].filter(
      (each) => each !== 'subordinate',
    ))
      assert.ok(stdout.includes(text), text);
    const json = JSON.parse(staged('--print', '--json').stdout);
    assert.equal(json.schemaVersion, 1);
    assert.ok(json.steps.some((step: { kind: string; state: string }) => step.kind === 'file' && step.state === 'new'));
    assert.deepEqual(snapshot(), before);
  });
});

suite('config.toml', { concurrency: false }, () => {
  const refused = (says: RegExp) => {
    const before = snapshot();
    const { status, stderr } = staged('--helper-image', 'x.example/h:1', '--merge', toml);
    assert.equal(status, 2);
    assert.match(stderr, says);
    assert.deepEqual(snapshot(), before, 'nothing is changed when the last step would fail');
  };

  test('that is a link is refused', () => {
    cpSync(on(toml), on('/etc/real.toml'));
    rmSync(on(toml));
    symlinkSync('../real.toml', on(toml));
    refused(/it is a link/);
  });
  test('that has two names is refused', () => {
    linkSync(on(toml), on('/etc/other.toml'));
    refused(/hard link/);
  });
  test('that others can write is refused', () => {
    chmodSync(on(toml), 0o666);
    refused(/file-unsafe/);
  });
  test('that is not UTF-8 is refused', () => {
    writeFileSync(on(toml), Buffer.from([0x23, 0xff]));
    refused(/not UTF-8/);
  });
  test('that is not there is refused', () => {
    rmSync(on(toml));
    refused(/does not exist/);
  });
  test('that init did not get to, or that is as before already, needs nothing taken out', () => {
    apply('--merge', toml);
    writeFileSync(on(toml), registered);
    const { status, stdout } = staged('--uninstall');
    assert.deepEqual([status, stdout], [0, '']);
    assert.equal(readFileSync(on(toml), 'utf8'), registered);
  });
  test('that was rewritten since is left, and named', () => {
    apply('--merge', toml);
    writeFileSync(on(toml), registered.replace('"a"', '"b"'));
    const { stdout } = staged('--uninstall');
    assert.match(stdout, /config\.toml: it was changed since/);
  });
});

suite('bulkhead init', { concurrency: 2 }, () => {
  for (const [what, args, says] of [
    ['--purge alone', ['--purge'], /--purge goes with --uninstall/],
    ['two things at once', ['--uninstall', '--merge', '/x'], /--uninstall goes with/],
    ['a runner of no file', ['--runner', 'a'], /go with --merge/],
    ['a relative archive', ['--helper-image', './helper.tar'], /absolute path/],
    ['a staging folder without an image', ['--root', '/x'], /--helper-image/],
    ['an unknown option', ['--force'], /unknown option/],
  ] as const) {
    test(`ends with 2 for ${what}`, () => {
      const { status, stdout, stderr } = init(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  test('explains itself', () => {
    const { status, stdout } = init('--help');
    assert.equal(status, 0);
    for (const word of ['--print', '--merge <config.toml>', '--uninstall --purge', 'Exit codes: 0'])
      assert.ok(stdout.includes(word), word);
  });

  test('has nothing to undo where it did nothing', () => {
    const { status, stdout, stderr } = staged('--uninstall');
    assert.deepEqual([status, stdout], [0, '']);
    assert.match(stderr, /init has done nothing here/);
  });

  test('undoes nothing by a record that it cannot read', () => {
    apply();
    writeFileSync(on(layout.manifest), '{}', { mode: 0o600 });
    const before = snapshot();
    const { status, stderr } = staged('--uninstall');
    assert.equal(status, 2);
    assert.match(stderr, /init-impossible/);
    assert.deepEqual(snapshot(), before);
  });
});
