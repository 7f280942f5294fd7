import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { execa } from 'execa';
import { type GuaranteeName, guaranteeNames } from '../../src/guarantees/guarantee.ts';
import { enforce, summary } from '../../src/guarantees/results.ts';
import { findProgram } from '../../src/host-setup/find-program.ts';
import { type Guard, LoadedGuard } from '../../src/network/guard.ts';
import { readFileOf } from '../../src/podman/archive.ts';
import { probeProgram } from '../../src/podman/probe-program.ts';
import { probeInHelperImage } from '../../src/sandbox/layout.ts';
import type { SandboxSpec } from '../../src/sandbox/specification.ts';
import { configuration, images, podman } from './host.ts';
import { outcome, type ProvenJob, proveJob } from './proven-job.ts';
import { builtRunsc, runscScript, SecondService } from './second-service.ts';

const distribution = findProgram('runsc', '/usr/bin');
const newest = builtRunsc();
const noNewest = newest === undefined && 'there is no runsc that set-up built: npm run setup -- --runsc=latest';
const noDistribution = distribution === undefined && "there is no distribution's runsc";

/** Whatever runsc it is, and whatever host. */
const always = [
  'rootless',
  'gvisor',
  'capabilities',
  'no-new-privileges',
  'rootfs',
  'mounts',
  'network.isolation',
  'image',
] as const satisfies GuaranteeName[];

suite("on set-up's service", () => {
  for (const [policy, image] of [
    ['baseline', images.busybox],
    ['baseline', images.busyboxNonRoot],
    ['baseline', images.python],
    ['restricted', images.busybox],
  ] as const) {
    test(`what policy ${policy} asks for with ${image} is proven`, async (t) => {
      const proof = await proveJob(podman, { policy, image });
      t.diagnostic(summary(proof.results));
      for (const name of always) assert.match(outcome(proof, name), /^proven: /, name);
      for (const name of guaranteeNames) assert.doesNotMatch(outcome(proof, name), /^violated: /, name);
      enforce(proof.results, always);
    });
  }

  test('the way out is guarded, or there is none', async () => {
    assert.equal(outcome(await proveJob(podman), 'network.egress'), 'proven: rules in place, this host refused');
    const inside = await proveJob(podman, { policy: 'restricted' });
    const [helper, build] = inside.facts;
    assert.ok(helper && build && 'seen' in helper.probe && 'seen' in build.probe);
    assert.deepEqual(build.probe.seen.interfaces, ['lo']);
    assert.ok(helper.probe.seen.interfaces?.includes('eth0'), 'the helper has a network');
    assert.match(outcome(inside, 'network.egress'), /^proven: .*build sandbox: no network/);
  });

  for (const [what, meddling, reason] of [
    ['taken away', (table) => `delete table ${table}`, /^unavailable: .*cannot be read back/],
    ['emptied', (table) => `flush table ${table}`, /^violated: .*the chain \w+ has 0 rules/],
    [
      'opened for one address',
      (table) => `insert rule ${table} from_build ip daddr 1.2.3.4 accept`,
      /^violated: .*from_build/,
    ],
    [
      'opened by a range less',
      (table) => `delete element ${table} closed { 169.254.0.0/16 }`,
      /^violated: .*set closed/,
    ],
  ] as const satisfies [string, (table: string) => string, RegExp][]) {
    test(`rules for networks that were ${what} are seen`, async () => {
      const meddle = async (guard: Guard | undefined) => {
        assert.ok(guard instanceof LoadedGuard);
        await guard.netns.run(['nft', meddling(`inet ${guard.spec.table}`)]);
      };
      const proof = await proveJob(podman, { meddle });
      assert.match(outcome(proof, 'network.egress'), reason);
      assert.throws(() => enforce(proof.results, ['network.egress']), { name: 'BulkheadError' });
    });
  }

  for (const [what, guarantee, bent, reason] of [
    [
      'one more capability',
      'capabilities',
      { bend: (build) => ({ ...build, capabilities: [...build.capabilities, 'SYS_CHROOT'] }) },
      /build sandbox: runsc was given SYS_CHROOT beyond/,
    ],
    [
      'one capability less',
      'capabilities',
      { bend: (build) => ({ ...build, capabilities: build.capabilities.slice(1) }) },
      /build sandbox: a process of its root lacks CHOWN/,
    ],
    [
      'another user',
      'capabilities',
      { policy: 'restricted', bend: (build) => ({ ...build, user: '0:0' }) },
      /user 0:0, not 1000:1000/,
    ],
    [
      'a writable root',
      'rootfs',
      { policy: 'restricted', bend: (build) => ({ ...build, readOnlyRoot: false }) },
      /writable root/,
    ],
    ['a read-only root', 'rootfs', { bend: (build) => ({ ...build, readOnlyRoot: true }) }, /read-only root/],
    [
      'a file of the host',
      'mounts',
      { bend: mounting({ kind: 'host-file', source: configuration.init, target: '/etc/more' }) },
      /a mount at \/etc\/more that was not asked for/,
    ],
    [
      'a tmpfs',
      'mounts',
      { bend: (build) => ({ ...build, tmpfs: { ...build.tmpfs, '/more': 'rw' } }) },
      /a mount at \/more/,
    ],
    [
      'writable scripts',
      'mounts',
      {
        bend: (build) => ({
          ...build,
          mounts: build.mounts.map((mount) => (mount.kind === 'volume' ? { ...mount, readOnly: false } : mount)),
        }),
      },
      /a mount at \/bulkhead that is writable/,
    ],
    [
      "another job's volume",
      'mounts',
      {
        bendJob: (spec) => ({
          ...spec,
          build: {
            ...spec.build,
            mounts: spec.build.mounts.map((mount) =>
              mount.target === '/builds' && mount.kind === 'volume'
                ? { ...mount, source: spec.volumes[1]?.name ?? '' }
                : mount,
            ),
          },
        }),
      },
      /a mount at \/builds that is not the volume/,
    ],
    [
      'no network where one was asked for',
      'network.isolation',
      { bend: (build) => ({ ...build, networks: [] }) },
      /not on the network/,
    ],
    [
      "the helper's network where none was asked for",
      'network.isolation',
      {
        policy: 'restricted',
        bendJob: (spec) => ({ ...spec, build: { ...spec.build, networks: spec.helper.networks } }),
      },
      /a network that was not asked for/,
    ],
    [
      "the helper's network namespace",
      'network.isolation',
      { bendJob: (spec) => ({ ...spec, build: { ...spec.build, networks: ['host'] } }) },
      /network namespace/,
    ],
    [
      'another profile',
      'seccomp',
      { bend: (build) => ({ ...build, seccompProfile: 'unconfined' }) },
      /no seccomp profile/,
    ],
  ] as const satisfies [string, GuaranteeName, ProvenJob, RegExp][]) {
    test(`${what} is seen (${guarantee})`, async () => {
      const proof = await proveJob(podman, bent);
      const seen = outcome(proof, guarantee);
      assert.match(seen, /^violated: /);
      assert.match(seen, reason);
      assert.throws(() => enforce(proof.results, []), { code: 'guarantee-violated' });
    });
  }
});

suite('on a service of its own', () => {
  test('another default runtime is no gVisor, and nothing is started in it', { skip: noDistribution }, async () => {
    // It does run runsc; but whose name is not runsc's is not what was asked for.
    const script = runscScript(distribution ?? '', 'host');
    await using service = await SecondService.start({ name: 'other', script });
    const proof = await proveJob(service.podman);
    assert.match(outcome(proof, 'gvisor'), /^violated: it runs under the OCI runtime "other", not runsc/);
    for (const { probe } of proof.facts) assert.deepEqual(Object.keys(probe), ['unseen']);
    assert.throws(() => enforce(proof.results, []), { code: 'guarantee-violated', message: /gvisor.*"other"/ });
  });

  test('a runsc without --oci-seccomp is caught', { skip: noDistribution }, async () => {
    const script = runscScript(distribution ?? '', 'host').replace('--oci-seccomp ', '');
    await using service = await SecondService.start({ name: 'runsc', script });
    const proof = await proveJob(service.podman);
    assert.match(outcome(proof, 'seccomp'), /^violated: runsc was started without --oci-seccomp/);
    assert.match(outcome(proof, 'gvisor'), /^proven: /);
  });

  test("the distribution's runsc does not filter what exec starts", { skip: noDistribution }, async (t) => {
    await using service = await SecondService.start({
      name: 'runsc',
      script: runscScript(distribution ?? '', 'host'),
    });
    const proof = await proveJob(service.podman);
    if (outcome(proof, 'seccomp').startsWith('proven')) return t.diagnostic('this one does: it is newer');
    assert.match(outcome(proof, 'seccomp'), /^unavailable: this runsc filters the first process/);
    assert.match(outcome(proof, 'network.netstack'), /^unavailable: runsc runs with --network=host/);
    for (const { probe } of proof.facts) {
      assert.ok('seen' in probe);
      const refused = Object.entries(probe.seen.systemCalls).filter(([, errno]) => errno === 1);
      assert.deepEqual(refused, [], 'no call of the probe is refused by gVisor itself');
    }
    assert.throws(() => enforce(proof.results, ['gvisor', 'seccomp']), {
      code: 'guarantee-unavailable',
      message: /seccomp \(this runsc/,
      hint: /--runsc=latest/,
    });
    enforce(proof.results, always);
  });

  test('the newest runsc filters it', { skip: noNewest }, async (t) => {
    await using service = await SecondService.start({ name: 'runsc', script: runscScript(newest ?? '', 'sandbox') });
    for (const image of [images.busybox, images.busyboxNonRoot]) {
      const proof = await proveJob(service.podman, { image });
      t.diagnostic(summary(proof.results));
      for (const name of [...always, 'seccomp', 'network.netstack'] as const) {
        assert.match(outcome(proof, name), /^proven: /, name);
      }
      for (const { probe } of proof.facts)
        assert.ok('seen' in probe && Object.keys(probe.seen.systemCalls).length > 10);
    }
    const restricted = await proveJob(service.podman, { policy: 'restricted' });
    for (const name of [...always, 'seccomp', 'network.netstack'] as const) {
      assert.match(outcome(restricted, name), /^proven: /, name);
    }
  });

  test('the newest runsc without --oci-seccomp does not', { skip: noNewest }, async () => {
    const script = runscScript(newest ?? '', 'sandbox').replace('--oci-seccomp ', '');
    await using service = await SecondService.start({ name: 'runsc', script });
    const proof = await proveJob(service.podman);
    assert.match(outcome(proof, 'seccomp'), /^violated: runsc was started without --oci-seccomp/);
    const [helper] = proof.facts;
    assert.ok(helper && 'seen' in helper.probe);
    assert.equal(helper.probe.seen.status.Seccomp, '0', 'what the flag is there for');
  });

  test('a runsc that lets jobs empty files on read-only mounts is seen', { skip: noDistribution }, async (t) => {
    const flags = runscScript(distribution ?? '', 'host');
    if (!flags.includes('--directfs=false')) return t.diagnostic('this one does not: it is newer');
    await using service = await SecondService.start({ name: 'runsc', script: flags.replace(' --directfs=false', '') });
    const proof = await proveJob(service.podman);
    assert.match(outcome(proof, 'mounts'), /^violated: runsc lets it empty files/);
    assert.throws(() => enforce(proof.results, []), { code: 'guarantee-violated', hint: /--directfs=false/ });
  });

  test('an overlay that is switched off is seen', { skip: noDistribution }, async () => {
    const script = runscScript(distribution ?? '', 'host').replace('--oci-seccomp', '--oci-seccomp --overlay2=none');
    await using service = await SecondService.start({ name: 'runsc', script });
    const proof = await proveJob(service.podman);
    assert.match(outcome(proof, 'rootfs'), /^unavailable: writes to its root go through/);
  });
});

suite('the probe', () => {
  const image = configuration.helperImage;
  const folderOf = () => mkdtempSync(join(tmpdir(), 'bulkhead-state-'));

  test('comes out of the helper image, once for each image', async () => {
    const folder = folderOf();
    const { Id } = await podman.getImage(image).inspect();
    const container = await podman.createContainer({ Image: image, Cmd: ['true'] });
    try {
      const program = await probeProgram(podman, container.id, Id, folder);
      assert.equal(Buffer.from(program.subarray(0, 4)).toString('latin1'), '\x7fELF');
      const [copy] = readdirSync(folder);
      assert.equal(copy, `probe-${Id.replace('sha256:', '').slice(0, 32)}`);
      writeFileSync(join(folder, copy ?? ''), 'the copy');
      assert.equal(Buffer.from(await probeProgram(podman, container.id, Id, folder)).toString(), 'the copy');
      const another = await probeProgram(podman, container.id, `sha256:${'0'.repeat(64)}`, folder);
      assert.deepEqual(Buffer.from(another), Buffer.from(program));
      assert.equal(readdirSync(folder).length, 2);
      const open = join(folder, 'open');
      mkdirSync(open);
      chmodSync(open, 0o777);
      await assert.rejects(probeProgram(podman, container.id, Id, open), { code: 'file-unsafe' });
    } finally {
      await container.remove({ force: true });
      rmSync(folder, { recursive: true });
    }
  });

  test("believes no /proc but a kernel's", async () => {
    const root = mkdtempSync(join(tmpdir(), 'bulkhead-root-'));
    const container = await podman.createContainer({ Image: image, Cmd: ['true'] });
    try {
      const program = await readFileOf(podman, container.id, probeInHelperImage, 1_000_000);
      writeFileSync(join(root, 'probe'), program, { mode: 0o755 });
      mkdirSync(join(root, 'proc/self/net'), { recursive: true });
      for (const name of ['status', 'mountinfo', 'net/dev', 'net/route']) {
        writeFileSync(join(root, 'proc/self', name), readFileSync(join('/proc/self', name)));
      }
      const run = (...command: string[]) =>
        execa('unshare', ['--user', '--map-root-user', ...command, 'unshare', 'nonsense']);
      const real = JSON.parse((await run(join(root, 'probe'))).stdout);
      assert.equal(real.status.Seccomp.length, 1);
      assert.ok(real.mounts.length > 0 && real.interfaces.includes('lo'));
      assert.deepEqual(real.systemCalls, { unshare: 0 });
      const { status, mounts, interfaces, defaultRoute } = JSON.parse((await run(`--root=${root}`, '/probe')).stdout);
      assert.deepEqual([status, mounts, interfaces, defaultRoute], [null, null, null, null]);
      assert.deepEqual(readdirSync(root).sort(), ['probe', 'proc'], 'it leaves nothing behind');
    } finally {
      await container.remove({ force: true });
      rmSync(root, { recursive: true });
    }
  });

  test('is a file of bounded size, or nothing', async () => {
    const container = await podman.createContainer({ Image: image, Cmd: ['true'] });
    const read = (path: string, limit = 1_000_000) => readFileOf(podman, container.id, path, limit);
    try {
      const { length } = await read(probeInHelperImage);
      assert.equal((await read(probeInHelperImage, length)).length, length);
      await assert.rejects(read(probeInHelperImage, length - 1), /its \d+ bytes are more than/);
      await assert.rejects(read('/usr'), /no regular file, but a directory/);
      await assert.rejects(read('/dev/null'), { code: 'podman-request-failed' });
      await assert.rejects(read('/not/there'), { code: 'podman-request-failed' });
    } finally {
      await container.remove({ force: true });
    }
  });
});

function mounting(mount: SandboxSpec['mounts'][number]) {
  return (build: SandboxSpec): SandboxSpec => ({ ...build, mounts: [...build.mounts, mount] });
}
