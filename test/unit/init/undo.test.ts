import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { BulkheadError } from '../../../src/errors.ts';
import { Application, type Surroundings } from '../../../src/init/apply.ts';
import { emptyManifest, type Manifest } from '../../../src/init/manifest.ts';
import { operatorLayout } from '../../../src/init/operator-layout.ts';
import { uninstall, whyNotIdle } from '../../../src/init/uninstall.ts';
import { root } from './samples.ts';

/** Of nobody. */
const USER = 'bulkhead-is-not-here';
const path = process.env['PATH'];
let folder: string;
let here: Surroundings;
let manifest: Manifest;
/** The last that was written down. */
let saved: Manifest;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-undo-'));
  for (const name of ['bin', 'data', 'run']) mkdirSync(join(folder, name));
  for (const name of ['systemctl', 'loginctl', 'userdel', 'usermod'])
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho "\${0##*/} $*" >>'${folder}/calls'\n`, { mode: 0o755 });
  process.env['PATH'] = `${join(folder, 'bin')}:${path}`;
  manifest = { ...emptyManifest(), user: USER, linger: USER };
  saved = structuredClone(manifest);
  here = {
    layout: {
      ...operatorLayout({}, root),
      user: USER,
      dataDir: join(folder, 'data'),
      runDir: join(folder, 'run'),
      manifest: join(folder, 'init.json'),
    },
    product: folder,
    manifest,
    save: () => {
      saved = structuredClone(manifest);
    },
    say: () => {},
    on: (each) => each,
    staging: false,
  };
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

const calls = () => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').split('\n') : []);

suite('an account that somebody removed', () => {
  for (const purge of [false, true])
    test(`keeps nothing from being undone${purge ? ', purged' : ''}`, async () => {
      const { changed, kept } = await uninstall(here, purge);
      assert.deepEqual([changed, kept], [[], []]);
      assert.deepEqual([manifest.user, manifest.linger], [undefined, undefined]);
      const own = process.getuid?.() === 0 ? ['systemctl disable --now --quiet bulkhead-gc.timer'] : [];
      assert.deepEqual(
        calls().filter((call) => /disable|userdel|usermod/.test(call)),
        own,
      );
    });

  test('is forgotten before anything else can fail', async () => {
    manifest.merges.push({ path: folder, before: '', edits: [] });
    await assert.rejects(uninstall(here, false));
    assert.equal(saved.user, undefined);
  });
});

test('an account of which nobody knows whether it is there is not forgotten', async () => {
  writeFileSync(join(folder, 'bin', 'getent'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await assert.rejects(
    uninstall(here, true),
    (error) => error instanceof BulkheadError && error.code === 'init-impossible',
  );
  assert.deepEqual([saved.user, saved.linger], [USER, USER]);
});

test('an account that could not be made is nothing to undo', async () => {
  const step = { kind: 'user', what: 'making it', why: '', commands: [['false']] } as const;
  await assert.rejects(
    new Application(here).take(step),
    (error) => error instanceof BulkheadError && error.code === 'init-impossible' && /^making it: /.test(error.message),
  );
  assert.equal(saved.user, undefined);
});

test('what runs, or cannot be asked, keeps all as it is', () => {
  const why = (listed: Parameters<typeof whyNotIdle>[0]) => whyNotIdle(listed, { dataDir: '/data' });
  assert.equal(why({ failed: false, stdout: '' }), undefined);
  assert.match(why({ failed: false, stdout: '1f\n2e' }) ?? '', /^2 containers run/);
  assert.match(
    why({ failed: true, stdout: '', stderr: 'Error: no' }) ?? '',
    /\(Error: no\).*\/data\/containers\.conf$/,
  );
  assert.match(why({ failed: true, stderr: undefined }) ?? '', /no answer/);
});
