import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { Application } from '../../../src/init/apply.ts';
import { emptyManifest, type Manifest } from '../../../src/init/manifest.ts';
import { operatorLayout } from '../../../src/init/operator-layout.ts';
import { settle } from '../../../src/init/pending.ts';

const root = mkdtempSync(join(tmpdir(), 'bulkhead-pending-'));
after(() => rmSync(root, { recursive: true }));

/** Writes a file below a folder of its own, and gives what the manifest said each time before it was there. */
async function write(path: string, { restarts = false, manifest = emptyManifest() } = {}) {
  const host = mkdtempSync(join(root, 'host-'));
  const on = (each: string) => join(host, each);
  const saved: Manifest[] = [];
  const here = {
    layout: operatorLayout({}, userInfo()),
    product: '/opt/bulkhead',
    manifest,
    save: () => {
      if (!existsSync(on(path))) saved.push(structuredClone(manifest));
    },
    say: () => {},
    on,
    staging: true,
  };
  const step = { kind: 'file', path, mode: 0o644, content: '1', restarts, what: 'writing', why: 'test' } as const;
  assert.equal(await new Application(here).take(step), 'done');
  assert.equal(await new Application(here).take(step), 'there');
  return { manifest, saved };
}

suite('before a file is written it is noted who has to read it again:', () => {
  for (const [path, restarts, steps] of [
    ['/data/containers.conf', true, ['service']],
    ['/systemd/bulkhead-podman.service', true, ['service', 'timer']],
    ['/systemd/bulkhead-gc.timer', false, ['timer']],
    ['/etc/bulkhead/policies/baseline.json', false, []],
  ] as const) {
    test(`${path}: ${steps.join(', ') || 'nobody'}`, async () => {
      const { manifest, saved } = await write(path, { restarts });
      assert.ok(saved.length > 0);
      for (const { pending } of saved) assert.deepEqual(pending, steps);
      assert.deepEqual(manifest.pending, steps);
    });
  }

  test('once, whatever waits already', async () => {
    const manifest: Manifest = { ...emptyManifest(), pending: ['service'] };
    await write('/systemd/bulkhead-podman.socket', { restarts: true, manifest });
    assert.deepEqual(manifest.pending, ['service', 'timer']);
  });
});

suite('a step that is waited for', () => {
  test('hears of it, also where another call of init has noted it, until it is done', async () => {
    const manifest: Manifest = { ...emptyManifest(), pending: ['service', 'timer'] };
    const heard: boolean[] = [];
    let saved = 0;
    const save = () => void saved++;
    const failing = settle(manifest, 'service', save, async () => {
      throw new Error('Podman does not answer');
    });
    await assert.rejects(failing, /does not answer/);
    assert.deepEqual([manifest.pending, saved], [['service', 'timer'], 0]);
    for (let times = 0; times < 2; times++) {
      const outcome = await settle(manifest, 'service', save, async (changed) => {
        heard.push(changed);
        return 'done';
      });
      assert.equal(outcome, 'done');
      assert.deepEqual([manifest.pending, saved], [['timer'], 1]);
    }
    assert.deepEqual(heard, [true, false]);
  });
});
