import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Bundle } from '../../../src/guarantees/bundle.ts';
import { observeMounts } from '../../../src/guarantees/mounts.ts';
import type { SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import {
  anonymous,
  blind,
  bundle,
  demand,
  facts,
  id,
  probe,
  said,
  spec,
  withBundle,
  withoutBundle,
  withProbe,
} from './sample-facts.ts';

type Mount = Bundle['mounts'][number];

const more = (mount: Mount): SandboxFacts => withBundle({ mounts: [...bundle.mounts, mount] });
const without = (destination: string): SandboxFacts =>
  withBundle({ mounts: bundle.mounts.filter((mount) => mount.destination !== destination) });
/** One mount is another. */
const changed = (destination: string, change: Partial<Mount>): SandboxFacts =>
  withBundle({
    mounts: bundle.mounts.map((mount) => (mount.destination === destination ? { ...mount, ...change } : mount)),
  });
const bind = (destination: string, source: string): Mount => ({ destination, source, type: 'bind', options: ['ro'] });
const options = (destination: string, edit: (options: string[]) => string[]): SandboxFacts =>
  changed(destination, {
    options: edit(bundle.mounts.find((mount) => mount.destination === destination)?.options ?? []),
  });
const drop = (option: string) => (list: string[]) => list.filter((one) => one !== option);
const withVolumes = (volumes: SandboxFacts['container']['volumes']): SandboxFacts => ({
  ...facts,
  container: { ...facts.container, volumes },
});
const [builds, scripts, data] = facts.container.volumes;
assert.ok(builds && scripts && data);

suite('mounts', () => {
  test('are those demanded and those of Podman', () => {
    assert.equal(said(observeMounts(facts, demand)), "proven: 4 as asked for, 9 of Podman's own, no other");
  });

  test('do not hold when a file on a read-only one can be emptied, whatever the answer', () => {
    const seen = observeMounts(withProbe({ truncation: [30, 0] }), demand);
    assert.match(said(seen), /^violated: .*empty files/);
    assert.match(seen.state === 'violated' ? seen.remedy : '', /--directfs=false/);
  });

  for (const [what, seen, reason] of [
    ["one more of the host's", more(bind('/host', '/')), /at \/host that was not asked for \(bind of \/\)/],
    ["Podman's socket", more(bind('/run/podman.sock', '/run/podman.sock')), /at \/run\/podman\.sock/],
    [
      'a file in the place of one that Podman makes',
      changed('/etc/hosts', { source: '/etc/shadow' }),
      /at \/etc\/hosts that was not/,
    ],
    [
      "another container's file",
      changed('/etc/hosts', { source: `/x/${'cd'.repeat(32)}/userdata/hosts` }),
      /\/etc\/hosts/,
    ],
    [
      "another file of Podman's folder",
      changed('/etc/hosts', { source: `/x/${id}/userdata/config.json` }),
      /\/etc\/hosts/,
    ],
    ["the host's /proc", changed('/proc', { type: 'bind', source: '/proc' }), /at \/proc that was not/],
    ["the host's /dev", changed('/dev', { type: 'bind', source: '/dev' }), /at \/dev that was not/],
    ['two in one place', more(bind('/builds', '/home')), /two mounts at \/builds/],
    ['a second file system at /proc', more({ destination: '/proc', type: 'proc' }), /two mounts at \/proc/],
    [
      'one of the secrets that distributions mount',
      more(bind('/run/secrets', '/usr/share/rhel/secrets')),
      /\/run\/secrets/,
    ],
    [
      'a tmpfs nobody asked for',
      more({ destination: '/run', type: 'tmpfs', source: 'tmpfs' }),
      /at \/run that was not/,
    ],
    ['no builds volume', without('/builds'), /no mount at \/builds/],
    ['no tmpfs', without('/tmp'), /no mount at \/tmp/],
    ['another folder as builds', changed('/builds', { source: '/home' }), /of \/home, which is not the volume/],
    [
      'another volume as builds',
      withVolumes([{ ...builds, name: 'bulkhead-2-builds' }, scripts, data]),
      /not the volume bulkhead-1-builds/,
    ],
    ['a volume that Podman does not know', withVolumes([scripts, data]), /at \/builds that is not the volume/],
    ['writable scripts', options('/bulkhead', drop('ro')), /at \/bulkhead that is writable/],
    ['read-only builds', options('/builds', (list) => ['ro', ...list]), /at \/builds that is read-only/],
    ['builds with devices', options('/builds', drop('nodev')), /at \/builds without nodev/],
    ['builds with setuid', options('/builds', drop('nosuid')), /at \/builds without nosuid/],
    [
      'another program of the host',
      changed('/usr/local/bin/gitlab-runner', { source: '/bin/sh' }),
      /of \/bin\/sh, not \/usr\/bin\/gitlab-runner/,
    ],
    [
      'a program that can be written',
      options('/usr/local/bin/gitlab-runner', drop('ro')),
      /gitlab-runner that is writable/,
    ],
    ['a folder as /tmp', changed('/tmp', { type: 'bind', source: '/tmp' }), /at \/tmp that is no tmpfs but bind/],
    ['a tmpfs without its bound', options('/tmp', drop('size=4096')), /at \/tmp without size=4096/],
    ['a tmpfs with another bound', options('/tmp', (list) => [...list, 'size=1g']), /at \/tmp with size=1g/],
    ['a tmpfs with setuid', options('/tmp', (list) => [...list, 'suid']), /at \/tmp with suid/],
    [
      'a volume that is not anonymous',
      withVolumes([builds, scripts, { ...data, name: 'secrets' }]),
      /at \/data that was not/,
    ],
    [
      'a volume that the image does not declare',
      { ...facts, image: { ...facts.image, volumes: [] } },
      /at \/data that was not/,
    ],
    [
      'a folder in the place of an anonymous volume',
      changed('/data', { source: '/srv' }),
      /at \/data that was not.*\/srv/,
    ],
    ['a device', withBundle({ linux: { ...bundle.linux, devices: [{ path: '/dev/kvm' }] } }), /the device \/dev\/kvm/],
    ['a hook', withBundle({ hooks: { prestart: [{ path: '/usr/bin/nvidia' }] } }), /a hook \(prestart\)/],
    [
      'a hint for gVisor',
      withBundle({ annotations: { 'dev.gvisor.spec.mount.x.source': '/' } }),
      /dev\.gvisor\.spec\.mount\.x\.source/,
    ],
    [
      'scripts that are writable all the same',
      withProbe({ mounts: remounted('/bulkhead', 'rw') }),
      /can write to \/bulkhead/,
    ],
    [
      'a program that is writable all the same',
      withProbe({ mounts: remounted('/usr/local/bin/gitlab-runner', 'rw') }),
      /can write to \/usr/,
    ],
    [
      'scripts below something writable',
      withProbe({ mounts: [...probe.mounts, ['/bulkhead', 'rw', 'tmpfs']] }),
      /can write to \/bulkhead/,
    ],
    ['no scripts at all', withProbe({ mounts: [] }), /can write to \/bulkhead/],
    [
      'more of the host than runsc was given',
      withProbe({ mounts: [...probe.mounts, ['/x', 'rw', '9p']] }),
      /7 mounts of the host.*given 6/,
    ],
  ] as const satisfies [string, SandboxFacts, RegExp][]) {
    test(`are violated: ${what}`, () => {
      const outcome = said(observeMounts(seen, demand));
      assert.match(outcome, /^violated: /);
      assert.match(outcome, reason);
    });
  }

  test('may be tighter than demanded', () => {
    assert.match(
      said(
        observeMounts(
          options('/tmp', (list) => [...list, 'noatime']),
          demand,
        ),
      ),
      /^proven/,
    );
    assert.match(
      said(
        observeMounts(
          options('/builds', (list) => [...list, 'noexec']),
          demand,
        ),
      ),
      /^proven/,
    );
    assert.match(said(observeMounts(withBundle({ hooks: { prestart: [] } }), demand)), /^proven/);
  });

  test("are Podman's own beside a read-only root", () => {
    const readOnly = { spec: { ...spec, readOnlyRoot: true } };
    const run = more({ destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['rw'] });
    assert.match(said(observeMounts(run, readOnly)), /^proven/);
    const home = more({ destination: '/home', type: 'tmpfs', source: 'tmpfs', options: ['rw'] });
    assert.match(said(observeMounts(home, readOnly)), /^violated/);
    assert.match(said(observeMounts(more(bind('/run', '/run')), readOnly)), /^violated/);
  });

  test('an image writes its volumes with and without a slash', () => {
    assert.match(said(observeMounts({ ...facts, image: { digests: [], volumes: ['/data/'] } }, demand)), /^proven/);
    assert.match(said(observeMounts({ ...facts, image: { digests: [], volumes: ['/dat'] } }, demand)), /^violated/);
    assert.equal(data.name, anonymous);
  });

  test('are not proven by half of the evidence', () => {
    assert.equal(said(observeMounts(blind, demand)), 'unavailable: the probe is blind');
    assert.equal(said(observeMounts(withoutBundle, demand)), 'unavailable: no bundle in sight');
  });
});

/** The sandbox's mounts, one of them with other options. */
function remounted(path: string, options: string): typeof probe.mounts {
  return probe.mounts.map(([at, own, type]) => [at, at === path ? options : own, type]);
}
