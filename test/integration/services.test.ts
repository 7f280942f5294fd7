import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICE_IMAGES } from '../../setup/image-names.ts';
import { podmanUser } from '../../setup/podman-user.ts';
import type { Configuration } from '../../src/configuration.ts';
import type { JobInput } from '../../src/player/job.ts';
import { variable } from '../../src/player/variables.ts';
import { startSandboxes } from '../../src/podman/containers.ts';
import { createJob, openGate } from '../../src/podman/job-creation.ts';
import { removeJobObjects } from '../../src/podman/job-objects.ts';
import { tailOfLog } from '../../src/podman/service-log.ts';
import { configuration, images, layout, podman, policyWith, TestJob } from './host.ts';
import { outcome, proveJob, specifyProven } from './proven-job.ts';
import { forgetImage, testRunner } from './registry-job.ts';
import { startRegistry } from './registry-server.ts';

const { redis, postgresql } = SERVICE_IMAGES;
const broken = (command: string, more: object = {}) => ({
  name: images.busybox,
  alias: 'broken',
  command: ['sh', '-c', command],
  variables: { HEALTHCHECK_TCP_PORT: '99' },
  ...more,
});

suite('a job', () => {
  test('uses two services of a registry by all their names', async () => {
    await using registry = await startRegistry();
    await using runner = await testRunner(
      {},
      {
        images: { allow: ['localhost/**'] },
        services: { allow: [`${registry.address}/**`], pullPolicies: ['always'] },
      },
    );
    const names = [await registry.push(redis, 'group/redis:7'), await registry.push(postgresql, 'postgresql:15')];
    const [redisName = '', postgresqlName = ''] = names;
    const ask = (host: string) =>
      `(exec 3<>/dev/tcp/${host}/6379; printf 'PING\\r\\n' >&3; read -r answer <&3; echo "${host}: $answer")`;
    const query = (host: string) =>
      `echo "${host}: $(psql --host ${host} --tuples-only --no-align --command 'select 40 + 2' postgres)"`;
    try {
      const result = await runner.play(postgresql, {
        services: [
          { name: redisName, alias: 'cache, store' },
          { name: postgresqlName, alias: 'db' },
        ],
        script: [
          ...['127.0.0.1__group__redis', '127.0.0.1-group-redis', 'cache', 'store'].map(ask),
          ...['127.0.0.1__postgresql', '127.0.0.1-postgresql', 'db'].map(query),
        ],
      });
      assert.equal(result.state, 'success', result.log);
      for (const host of ['127.0.0.1__group__redis', '127.0.0.1-group-redis', 'cache', 'store']) {
        assert.ok(result.log.includes(`\n${host}: +PONG`), `${host}: ${result.log}`);
      }
      for (const host of ['127.0.0.1__postgresql', '127.0.0.1-postgresql', 'db']) {
        assert.ok(result.log.includes(`\n${host}: 42\n`), `${host}: ${result.log}`);
      }
      assert.match(result.log, /\nStarting service 127\.0\.0\.1\/group\/redis:7 \.\.\.\n/);
      assert.match(result.log, /\nWaiting for services to be up and running \(timeout 30 seconds\)\.\.\.\n/);
      assert.doesNotMatch(result.log, /didn't start properly/);
    } finally {
      for (const name of names) await forgetImage(name);
    }
  });

  test('goes on when a service breaks, with the end of its log', async () => {
    const long = 'i=0; while [ $i -lt 3000 ]; do echo "line $i of what was said before the end"; i=$((i + 1)); done';
    // Its two streams are read by themselves: either of the last two lines may come first.
    const command = `${long}; sleep 1; printf 'tab\\there \\033[2Jcleared\\n' >&2; echo "shown $SHOWN, secret <$SECRET>"; exit 3`;
    const result = await play({
      services: [broken(command)],
      variables: [variable('SHOWN', 'yes'), variable('SECRET', 'NotToBeSeen', { public: false })],
    });
    assert.equal(result.state, 'success', result.log);
    const [, log = ''] = /Service container logs:\n([\s\S]*?)\n\n\S*\*{9}/.exec(result.log) ?? [];
    assert.match(
      result.log,
      /\*\*\* WARNING:\S* Service localhost\/bulkhead\/busybox:1 probably didn't start properly\./,
    );
    assert.match(result.log, /\nHealth check error:\nthe service ended with exit code 3\n/);
    assert.match(log, /Z tab\there \\x1b\[2Jcleared$/m);
    assert.match(log, /Z shown yes, secret <>$/m);
    assert.match(log, /Z line 2999 of what/);
    assert.ok(log.length > 60_000 && log.length <= 65_536, `${log.length}`);
    assert.doesNotMatch(log, /Z line 0 of what/);
  });

  test('waits for a service no longer than the operator says', async () => {
    const silent = broken('echo here; exec sleep 600');
    const result = await play({ services: [silent], script: ['echo ran'] }, { servicesTimeoutSeconds: 3 });
    assert.equal(result.state, 'success', result.log);
    assert.match(result.log, /\nWaiting for services to be up and running \(timeout 3 seconds\)\.\.\.\n/);
    assert.match(result.log, /\nHealth check error:\ntimeout\n\nService container logs:\n\S+ here\n/);
    const unasked = await play({ services: [silent] }, { servicesTimeoutSeconds: 0 });
    assert.equal(unasked.state, 'success', unasked.log);
    assert.doesNotMatch(unasked.log, /Waiting for services|didn't start/);
  });

  test('has its services started together', async () => {
    const services = ['a', 'b', 'c', 'd'].map((alias) => ({
      ...broken(`date +%s > /builds/began-${alias}; exec nc -lk -p 99 -e true`),
      alias,
    }));
    const result = await play({ services, script: ['cat /builds/began-*'] });
    assert.equal(result.state, 'success', result.log);
    const times = [...result.log.matchAll(/^(\d{10})$/gm)].map(([, time]) => Number(time));
    assert.equal(times.length, 4, result.log);
    assert.ok(Math.max(...times) - Math.min(...times) <= 2, `${times}`);
  });

  test('is told at once what keeps a service from ever starting', async () => {
    for (const [services, reason] of [
      [[{ name: images.noShell, entrypoint: [''] }], /\(service-command-missing: /],
      [[broken('exit', { variables: { HEALTHCHECK_TCP_PORT: 'http' } })], /\(service-port-invalid: /],
      [['localhost/bulkhead/nothing:1'], /image localhost\/bulkhead\/nothing:1 is not in .*[\s\S]*\(image-not-found: /],
      [['Broken'], /\(image-reference-invalid: /],
      [[broken('exit', { platform: 'linux/s390x' })], /\(image-platform-unavailable: /],
      [
        [broken('exit', { pullPolicy: ['sometimes'] })],
        /pull policy "sometimes" of service .*[\s\S]*\(policy-pull-policy-refused: /,
      ],
      [[broken('exit', { user: '1000:' })], /\(policy-user-refused: /],
      [['docker.io/library/redis:8'], /service docker\.io\/library\/redis:8 .*[\s\S]*\(policy-services-refused: /],
      [
        Array.from({ length: 20 }, () => images.busybox),
        /20 services .*limits\.services[\s\S]*at most 5[\s\S]*\(policy-services/,
      ],
    ] as const) {
      const result = await play({ services: [...services] });
      assert.deepEqual([result.state, result.reason], ['failed', 'script_failure'], result.log);
      assert.match(result.log, reason);
      assert.equal(result.stages.filter(({ stage }) => stage === 'prepare').length, 1);
    }
  });

  test('is told what its services are not called', async () => {
    const result = await play({ services: [broken('exit'), broken('exit', { alias: 'a:b' })] });
    assert.equal(result.state, 'success', result.log);
    assert.match(
      result.log,
      /Skipping alias "a:b" for service "localhost\/bulkhead\/busybox:1" \(services\[1\]\): it is no/,
    );
    assert.match(result.log, /\(services\[1\]\) is not started/);
    assert.equal(result.log.match(/Starting service/g)?.length, 1);
  });

  test("reaches a service's files, as with the Docker executor", async () => {
    const serve = 'echo made > /builds/by-service; exec nc -l -p 99 -e true';
    const result = await play({ services: [broken(serve)], script: ['cat /builds/by-service'] });
    assert.match(result.log, /\nmade\n/);
  });
});

suite('a service', () => {
  test('does not run before its sandbox is proven', async () => {
    // What it leaves outlives the job, in the cache.
    const id = Math.floor(Math.random() * 1e9);
    const project = { id, path: 'group/project' };
    const services = [broken('echo ran >> /cache/mark; exec nc -l -p 99 -e true')];
    await using unprovable = await policyWith({ ...allowed, require: ['limits.disk'] });
    await using policy = await policyWith(allowed);
    await using job = new TestJob({ project, services }, unprovable);
    const refused = await job.player.stage('prepare');
    assert.equal(refused.exitCode, 2, `${refused.stdout}`);
    assert.match(refused.stdout.toString(), /\(guarantee-unavailable: /);
    const mark = async (more: JobInput) => {
      await using job = new TestJob({ project, script: ['cat /cache/mark || echo no mark'], ...more }, policy);
      const { log } = await job.player.play();
      return { ran: /\nran\n/.test(log), not: /\nno mark\n/.test(log) };
    };
    assert.deepEqual(await mark({}), { ran: false, not: true });
    assert.deepEqual(await mark({ services }), { ran: true, not: false });
  });

  test('waits at the gate, and then is its container', async () => {
    const service = { ...plain, command: ['sh', '-c', 'echo ran; ulimit -c; exit 7'] };
    const { spec, ids, key } = await specifyProven(podman, { services: [service] });
    try {
      await createJob(podman, spec, ids, configuration, new AbortController().signal);
      await startSandboxes(podman, spec);
      const container = podman.getContainer(spec.services[0]?.name ?? '');
      await sleep(2000);
      assert.deepEqual(
        [(await container.inspect()).State.Running, await tailOfLog(podman, container.id, 99)],
        [true, ''],
      );
      await openGate(podman, spec.courier.name);
      assert.equal((await container.wait()).StatusCode, 7);
      assert.match(await tailOfLog(podman, container.id, 99), /^\S+ ran\n\S+ 0\n$/);
    } finally {
      await removeJobObjects(podman, key, Number.POSITIVE_INFINITY);
    }
  });

  test('is proven as the build sandbox is', async () => {
    const services = [plain, { ...plain, index: 1 }];
    const proof = await proveJob(podman, { services });
    for (const name of ['gvisor', 'capabilities', 'mounts', 'network.isolation', 'image'] as const) {
      assert.match(outcome(proof, name), /^proven: /, name);
    }
    assert.match(outcome(proof, 'gvisor'), /service-0 sandbox: .*service-1 sandbox: /);
    const bent = await proveJob(podman, {
      services,
      bendJob: (spec) => ({
        ...spec,
        services: spec.services.map((one, index) =>
          index === 0 ? one : { ...one, capabilities: [...one.capabilities, 'SYS_CHROOT'] },
        ),
      }),
    });
    assert.match(outcome(bent, 'capabilities'), /^violated: service-1 sandbox: runsc was given SYS_CHROOT beyond/);
  });

  test("does not run its image's health check, which Podman would run whatever is proven", async () => {
    const name = 'localhost/bulkhead/health-checked:1';
    const containerfile = `FROM ${images.busybox}\nHEALTHCHECK --interval=1s CMD echo ran\n`;
    await podmanUser(layout).exec('podman', ['build', '--quiet', '--format=docker', `--tag=${name}`, '-'], {
      input: containerfile,
      stdout: 'ignore',
    });
    try {
      const control = await podman.createContainer({ Image: name, Cmd: ['true'] });
      const { Healthcheck } = (await control.inspect()).Config;
      await control.remove();
      assert.deepEqual(Healthcheck?.Test, ['CMD-SHELL', 'echo ran'], 'what Podman makes of the image by itself');
      await using policy = await policyWith(allowed);
      await using job = await TestJob.prepared({ image: name, services: [broken('exit', { name })] }, policy);
      for (const role of ['build', 'service-0'] as const) {
        const { Config } = await podman.getContainer(job.name(role)).inspect();
        assert.deepEqual(Config.Healthcheck?.Test, ['NONE'], role);
      }
    } finally {
      await forgetImage(name);
    }
  });

  test('is root only where the policy allows it', async () => {
    await using policy = await policyWith({
      ...allowed,
      user: { root: 'refused' },
      images: { allow: ['localhost/**'] },
    });
    const prepare = async (image: string) => {
      await using job = new TestJob({ image: images.busyboxNonRoot, services: [{ name: image, alias: 'x' }] }, policy);
      const { exitCode, stdout } = await job.player.stage('prepare');
      return { exitCode, text: stdout.toString() };
    };
    const root = await prepare(images.busybox);
    assert.equal(root.exitCode, 1, root.text);
    assert.match(root.text, /root, the user of image localhost\/bulkhead\/busybox:1 [\s\S]*\(policy-user-refused: /);
    // Its name says nothing; the kernel does.
    const disguised = await prepare(images.insider);
    assert.equal(disguised.exitCode, 1, disguised.text);
    assert.match(
      disguised.text,
      /root, the user of image localhost\/bulkhead\/insider:1 [\s\S]*\(policy-user-refused: /,
    );
    assert.equal((await prepare(redis)).exitCode, 0);
  });
});

const plain = { index: 0, command: ['true'], aliases: ['x'], environment: [], user: undefined, imageUser: '' };
const allowed = { services: { allow: ['localhost/**'] } };

async function play(input: JobInput, configurationChange: Partial<Configuration> = {}) {
  await using policy = await policyWith(allowed, configurationChange);
  await using job = new TestJob(input, policy);
  return await job.player.play();
}
