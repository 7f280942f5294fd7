import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Configuration } from '../../src/configuration.ts';
import { guaranteeNames } from '../../src/guarantees/guarantee.ts';
import { type Podman, request } from '../../src/podman/client.ts';
import { appendReceipt } from '../../src/receipts/append.ts';
import { customBlock } from '../../src/runner/custom-block.ts';
import { finished } from '../unit/receipts/samples.ts';
import { configuration, configurationWith, podman, policyWith } from './host.ts';
import { startPodmanProxy } from './podman-proxy.ts';
import { SecondService } from './second-service.ts';

const project = join(import.meta.dirname, '../..');
const main = join(project, 'src/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-doctor-'));
after(() => rmSync(folder, { recursive: true }));
const runnerConfig = join(folder, 'config.toml');
writeFileSync(runnerConfig, `[[runners]]\nexecutor = "custom"\n${customBlock(join(project, 'bin/bulkhead'))}`);

interface Report {
  readonly passed: boolean;
  readonly checks: readonly {
    readonly id: string;
    readonly state: string;
    readonly text: string;
    readonly fix?: string;
  }[];
  readonly guarantees: { readonly policy: string; readonly results: Record<string, { readonly state: string }> } | null;
}

const start = (config: string, ...args: string[]) =>
  execa(process.execPath, [main, 'doctor', '--config', config, '--gitlab-runner-config', runnerConfig, ...args], {
    reject: false,
  });

async function doctor(config: string, from: Podman = podman) {
  const { exitCode, stdout, stderr } = await start(config, '--json');
  assert.notEqual(exitCode, 2, stderr);
  await assertNothingLeft(from);
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.passed, exitCode === 0);
  const failed = report.checks.filter(({ state }) => state === 'fail');
  for (const { id, fix } of failed) assert.ok(fix, `${id} shows how it is mended`);
  return {
    report,
    failed: failed.map(({ id }) => id),
    of: (id: string) => {
      const found = report.checks.find((check) => check.id === id);
      assert.ok(found, id);
      return found;
    },
  };
}

async function doctorWith(changes: Partial<Configuration>, from?: Podman) {
  await using bent = await configurationWith(changes);
  return await doctor(bent.path, from);
}

async function ours(from: Podman): Promise<object[]> {
  const filters = { label: ['io.bulkhead.instance=bulkhead:doctor'] };
  const [containers, volumes, networks] = await Promise.all([
    request('list', from.listContainers({ all: true, filters })),
    request('list', from.listVolumes({ filters })),
    request('list', from.listNetworks({ filters })),
  ]);
  return [...containers, ...(volumes.Volumes ?? []), ...networks];
}

async function assertNothingLeft(from: Podman): Promise<void> {
  assert.deepEqual(await ours(from), []);
}

test('on the host that set-up made, nothing fails, and every guarantee is told', async () => {
  const { report, failed, of } = await doctorWith({});
  assert.deepEqual(failed, []);
  for (const id of [
    'configuration',
    'policies',
    'receipts',
    'runner-configuration',
    'podman-socket',
    'default-runtime',
  ]) {
    assert.equal(of(id).state, 'ok', of(id).text);
  }
  assert.match(of('runsc').text, /^runsc version .*--oci-seccomp=true/);
  assert.deepEqual(Object.keys(report.guarantees?.results ?? {}).sort(), [...guaranteeNames].sort());
  for (const name of ['rootless', 'gvisor', 'mounts', 'network.egress']) {
    assert.equal(report.guarantees?.results[name]?.state, 'proven', name);
  }
});

test('a helper image that is missing fails, and no sandbox is tried', async () => {
  const { failed, of } = await doctorWith({ helperImage: 'localhost/bulkhead/none:1' });
  assert.deepEqual(failed, ['helper-image']);
  assert.match(of('helper-image').fix ?? '', /podman build --tag localhost\/bulkhead\/none:1 \./);
  assert.deepEqual([of('runsc').state, of('runsc').text], ['skipped', 'the helper image is missing']);
});

test('policies that others can write fail', async () => {
  await using policy = await policyWith({});
  chmodSync(policy.policies, 0o777);
  const { failed, of } = await doctor(policy.env.BULKHEAD_CONFIG);
  assert.deepEqual(failed, ['policies']);
  assert.match(of('policies').fix ?? '', /^chmod go-w /);
  assert.deepEqual([of('sandbox').state, of('sandbox').text], ['skipped', 'the policies cannot be read']);
});

test('a mistake in a policy, and a guarantee that it requires and this host cannot give', async () => {
  await using policy = await policyWith({ require: ['rootless', 'gvisor', 'limits.disk'] });
  writeFileSync(join(policy.policies, 'wrong.json'), '{"extends": "baseline", "capabilitys": []}', { mode: 0o644 });
  const { failed, of } = await doctor(policy.env.BULKHEAD_CONFIG);
  assert.deepEqual(failed, ['policies', 'guarantee-limits-disk']);
  assert.match(of('policies').text, /wrong\.json:1: .*capabilitys/);
  assert.match(of('guarantee-limits-disk').text, /; policy test requires it$/);
});

test('a chain of receipts that somebody changed fails', async () => {
  const state = mkdtempSync(join(folder, 'state-'));
  for (let index = 0; index < 3; index++) await appendReceipt(state, finished);
  const file = join(state, 'receipts.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"kind":"', '"kind":"un'));
  const { failed, of } = await doctorWith({ stateFolder: state });
  assert.deepEqual(failed, ['receipts']);
  assert.match(of('receipts').text, /^receipts\.jsonl:2: the record before it was changed/);
});

test('a state folder that is not there fails', async () => {
  const stateFolder = join(folder, 'no state');
  const { failed, of } = await doctorWith({ stateFolder });
  assert.ok(failed.includes('state-folder'), failed.join());
  assert.equal(of('receipts').state, 'skipped');
  assert.match(of('state-folder').fix ?? '', /^install -d -m 0700 -o \d+ '.*no state'$/);
});

test('a socket that everybody can open fails', async () => {
  await using proxy = await startPodmanProxy(configuration.socket);
  chmodSync(dirname(proxy.socket), 0o755);
  chmodSync(proxy.socket, 0o666);
  const { failed, of } = await doctorWith({ socket: proxy.socket });
  assert.deepEqual(failed, ['podman-socket']);
  assert.match(of('podman-socket').text, /^every user of this host can open /);
});

test('a service that goes away is one failure, and no crash', async () => {
  await using proxy = await startPodmanProxy(configuration.socket, { before: (_, call) => !call.endsWith('/info') });
  const { failed, of } = await doctorWith({ socket: proxy.socket });
  assert.deepEqual(failed, ['podman-version']);
  assert.match(of('podman-version').text, /went away/);
  for (const id of ['default-runtime', 'sandbox', 'guarantee-gvisor']) {
    assert.deepEqual([of(id).state, of(id).text], ['skipped', 'Podman does not say what it is'], id);
  }
});

test('a service that takes calls and never answers is one failure, too', async () => {
  await using proxy = await startPodmanProxy(configuration.socket, { before: () => new Promise<boolean>(() => {}) });
  const { failed, of } = await doctorWith({ socket: proxy.socket });
  assert.deepEqual(failed, ['podman-version']);
  assert.match(of('podman-version').text, /gave no answer in 10 s/);
});

test('a service with another runtime, and one whose runsc ignores seccomp profiles', async () => {
  const wrapper = join(dirname(configuration.policies), 'bin/runsc');
  const script = readFileSync(wrapper, 'utf8');
  {
    await using service = await SecondService.start({ name: 'other', script });
    const { failed, of } = await doctorWith({ socket: service.socket }, service.podman);
    assert.ok(failed.includes('default-runtime') && failed.includes('guarantee-gvisor'), failed.join());
    assert.match(of('default-runtime').fix ?? '', /runtime = "runsc" below \[engine\]/);
  }
  await using service = await SecondService.start({ name: 'runsc', script: script.replace(' --oci-seccomp', '') });
  const { failed, of } = await doctorWith({ socket: service.socket }, service.podman);
  assert.deepEqual(failed, ['guarantee-seccomp']);
  assert.match(of('guarantee-seccomp').text, /^violated: runsc was started without --oci-seccomp/);
});

test('interrupted, it removes its sandbox and ends with 2', async () => {
  await using bent = await configurationWith({});
  const running = start(bent.path);
  while ((await ours(podman)).length === 0) await sleep(20);
  running.kill('SIGINT');
  const { exitCode, stderr } = await running;
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /the doctor was interrupted/);
  await assertNothingLeft(podman);
});
