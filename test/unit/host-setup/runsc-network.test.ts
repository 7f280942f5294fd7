import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../../src/host-setup/find-program.ts';
import { asPodmanUser } from '../../../src/host-setup/podman-user.ts';
import { tryNetworks } from '../../../src/host-setup/runsc-network.ts';

const skip = findProgram('catatonit') === undefined && 'catatonit is not installed';

test('a sandbox is tried in a folder that goes with the data, and is gone afterwards', { skip }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bulkhead-networks-'));
  mkdirSync(join(dataDir, 'images'));
  const layout = { user: 'nobody', dataDir, runDir: dataDir, socket: '/dev/null', config: '/dev/null' };
  let wrapper = '';
  const exec = async (_: string, args: readonly string[]) => {
    wrapper = String(args[1]);
    return { failed: !existsSync(wrapper), stderr: '' };
  };
  const user = { ...asPodmanUser({ name: 'nobody', uid: 65534, gid: 65534 }, layout, true), exec };
  try {
    const tried = await tryNetworks(layout, user as never, '/usr/bin/runsc', 'runsc version release-20250820.0');
    assert.deepEqual(tried, { network: 'sandbox', refusals: [] });
    assert.equal(dirname(dirname(wrapper)), join(dataDir, 'images'));
    assert.deepEqual(readdirSync(join(dataDir, 'images')), []);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
