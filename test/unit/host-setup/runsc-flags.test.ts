import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runscFlags } from '../../../src/host-setup/runsc-flags.ts';

for (const [version, directfs] of [
  ['runsc version release-20240729.0', false],
  ['runsc version 0.0~20240729.0', false],
  ['runsc version release-20250630.0', false],
  ['runsc version release-20250707.0', true],
  ['runsc version v0.0.0-20260905035102-160fafc42237', true],
  ['runsc version VERSION_MISSING', false],
  ['', false],
] as const) {
  test(`"${version}" runs ${directfs ? 'as it is' : 'without directfs'}`, () => {
    const flags = runscFlags(version, 'host');
    assert.equal(!flags.includes('--directfs=false'), directfs);
    assert.ok(flags.includes('--oci-seccomp') && flags.includes('--network=host'));
  });
}
