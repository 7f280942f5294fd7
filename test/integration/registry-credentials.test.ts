import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { podmanUser } from '../../setup/podman-user.ts';
import { AccessRecords } from '../../src/images/access-records.ts';
import type { JobInput } from '../../src/player/job.ts';
import { images, layout, podman, processesWith, TestJob } from './host.ts';
import { authConfig, forgetImage, freshImage, type TestRunner, testRunner } from './registry-job.ts';
import { startRegistryProxy } from './registry-proxy.ts';
import { type Account, base64, startRegistry } from './registry-server.ts';

const user = podmanUser(layout);
const alice: Account = { username: 'alice', password: 'alice:Pass word$' };
const bob: Account = { username: 'bob', password: 'BobsPassword' };
const mallory: Account = { username: 'alice', password: 'NotHerPassword' };

suite('a private image', () => {
  test('is for those whom its registry gives it to, also when it is on this host', async () => {
    await using registry = await startRegistry([alice, bob]);
    await using proxy = await startRegistryProxy(registry);
    await using runner = await testRunner();
    await registry.push(images.busybox, 'group/private:1');
    const name = `${proxy.address}/group/private:1`;
    const as = (account: Account) => ({ variables: authConfig(proxy.address, account) });
    const refused = async (job: Promise<Awaited<ReturnType<typeof runner.play>>>) => {
      const { state, reason, prepares, log } = await job;
      assert.deepEqual([state, reason, prepares], ['failed', 'script_failure', 1], log);
      assert.match(log, /\(image-access-denied: /);
    };
    try {
      // Nobody, and the wrong one, while it is not here.
      await refused(runner.play(name));
      await refused(runner.play(name, as(mallory)));
      // The right one brings it.
      const first = await runner.play(name, as(alice));
      assert.equal(first.state, 'success', first.log);
      assert.match(first.log, /Pulling image \S+ with credentials from DOCKER_AUTH_CONFIG \.\.\./);
      assert.ok((await podman.getImage(name).inspect()).Id);
      // Now it is here, and they get it no more than before: not by any pull policy, and not by digest.
      await refused(runner.play(name));
      await refused(runner.play(name, as(mallory)));
      await refused(runner.play({ name, pullPolicy: ['never'] }));
      await refused(runner.play({ name, pullPolicy: ['never'] }, as(mallory)));
      await refused(runner.play({ name, pullPolicy: ['never'] }, as(bob)));
      const { RepoDigests } = await podman.getImage(name).inspect();
      const digest = RepoDigests.find((known) => known.startsWith(proxy.address));
      await refused(runner.play(digest));
      await refused(runner.play({ name: digest ?? '', pullPolicy: ['never'] }));
      // Who was given it is not asked again; who is to be given it asks, once.
      const asked = async (account: Account) => {
        const before = proxy.calls.length;
        const result = await runner.play(name, as(account));
        assert.equal(result.state, 'success', result.log);
        return proxy.calls.length > before;
      };
      assert.deepEqual([await asked(alice), await asked(bob), await asked(bob)], [false, true, false]);
    } finally {
      await forgetImage(name);
    }
  });

  test('is taken from those whom its registry refuses from now on', async () => {
    await using registry = await startRegistry([alice]);
    let revoked = false;
    await using proxy = await startRegistryProxy(registry, ({ kind }) =>
      revoked && kind === 'manifest' ? { status: 403, body: 'no' } : undefined,
    );
    await using runner = await testRunner();
    await registry.push(images.busybox, 'group/private:1');
    const name = `${proxy.address}/group/private:1`;
    const play = (...pullPolicy: string[]) =>
      runner.play({ name, pullPolicy }, { variables: authConfig(proxy.address, alice) });
    try {
      assert.equal((await play('if-not-present')).state, 'success');
      revoked = true;
      assert.equal((await play('if-not-present')).state, 'success', 'the word is good for a while');
      const refused = await play('always', 'if-not-present', 'never');
      assert.equal(refused.state, 'failed', refused.log);
      assert.equal((await play('never')).state, 'failed', 'and the word is gone');
    } finally {
      await forgetImage(name);
    }
  });

  test('stays guarded when the driver dies while Podman pulls it', async () => {
    await using registry = await startRegistry([alice]);
    await using runner = await testRunner();
    const name = await registry.push(images.busybox, 'group/private:1');
    const repository = name.replace(/:1$/, '');
    try {
      // As the driver does before a pull; then it dies, and the image comes all the same.
      await (await AccessRecords.open(runner.stateFolder)).guard(repository, []);
      const authFile = join(layout.runDir, 'crash.json');
      const login = { auths: { [registry.address]: { auth: base64(`${alice.username}:${alice.password}`) } } };
      await user.exec('tee', [authFile], { input: JSON.stringify(login), stdout: 'ignore' });
      await user.exec('podman', ['pull', '--quiet', '--authfile', authFile, name]);
      await user.exec('rm', [authFile]);
      const result = await runner.play(name);
      assert.equal(result.state, 'failed', result.log);
      assert.match(result.log, /\(image-access-denied: /);
    } finally {
      await forgetImage(name);
    }
  });

  test('that the operator put here is for everybody whose policy allows it', async () => {
    await using registry = await startRegistry([alice]);
    await using runner = await testRunner();
    const name = await registry.push(images.busybox, 'group/preloaded:1');
    try {
      await podman.getImage(images.busybox).tag({ repo: name.replace(/:1$/, ''), tag: '1' });
      for (const pullPolicy of ['if-not-present', 'never']) {
        const result = await runner.play({ name, pullPolicy: [pullPolicy] });
        assert.equal(result.state, 'success', result.log);
        assert.ok(!result.log.includes('Pulling'), result.log);
      }
      // Also after a job asked the registry for its repository.
      assert.equal((await runner.play({ name, pullPolicy: ['always'] })).state, 'failed');
      assert.equal((await runner.play({ name, pullPolicy: ['never'] })).state, 'success');
    } finally {
      await forgetImage(name);
    }
  });
});

suite('credentials', () => {
  test("come from the job's own, too, and from the operator's file", async () => {
    await using registry = await startRegistry([alice]);
    const name = await registry.push(images.busybox, 'group/private:1');
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-auth-'));
    const registryAuth = join(folder, 'auth.json');
    const { DOCKER_AUTH_CONFIG: content = '' } = authConfig(`${registry.address}/group`, alice);
    await writeFile(registryAuth, content, { mode: 0o600 });
    try {
      const job = { credentials: [{ type: 'registry', url: registry.address, ...alice }] };
      const sources: readonly [string, TestRunner, JobInput][] = [
        ['the job', await testRunner(), job],
        ['the operator', await testRunner({ registryAuth }), {}],
      ];
      for (const [source, runner, more] of sources) {
        await using _ = runner;
        const result = await runner.play(name, more);
        assert.equal(result.state, 'success', result.log);
        assert.ok(result.log.includes(`with credentials from ${source} ...`), result.log);
        await forgetImage(name);
      }
    } finally {
      await rm(folder, { recursive: true });
      await forgetImage(name);
    }
  });

  test("are not those that Podman's own user has", async () => {
    await using registry = await startRegistry([alice]);
    await using runner = await testRunner();
    const name = await registry.push(images.busybox, 'group/private:1');
    const own = join(layout.runDir, 'containers/auth.json');
    const { DOCKER_AUTH_CONFIG: content = '' } = authConfig(registry.address, alice);
    await user.exec('tee', [own], { input: content, stdout: 'ignore' });
    try {
      // With them, anybody would get it.
      await user.exec('podman', ['pull', '--quiet', name]);
      await forgetImage(name);
      const result = await runner.play(name);
      assert.equal(result.state, 'failed', result.log);
      assert.match(result.log, /\(image-access-denied: /);
    } finally {
      await user.exec('rm', [own]);
      await forgetImage(name);
    }
  });

  test('do not show when a registry echoes them', async () => {
    await using registry = await startRegistry();
    await using proxy = await startRegistryProxy(registry, ({ kind, authorization = '' }) => {
      const login = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
      const message = `you sent ${authorization}, which is ${login}, ${encodeURIComponent(login)}\u001b[2J`;
      const body = JSON.stringify({ errors: [{ code: 'DENIED', message }] });
      if (kind === 'ping' && authorization === '')
        return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      return kind === 'manifest' ? { status: 403, headers: { 'content-type': 'application/json' }, body } : undefined;
    });
    await using runner = await testRunner();
    const more = { credentials: [{ type: 'registry', url: proxy.address, ...alice }] };
    const { exitCode, log } = await runner.prepare(`${proxy.address}/group/tool:1`, more);
    assert.equal(exitCode, 1, log);
    assert.match(log, /denied: you sent \S+ ?\[masked\].*\\x1b\[2J/);
    for (const spelling of spellings(alice)) assert.ok(!log.includes(spelling), log);
  });

  test('that are malformed are a mistake of the author, and not quoted', async () => {
    await using runner = await testRunner();
    const result = await runner.play(images.busybox, { variables: { DOCKER_AUTH_CONFIG: '{"auths": TopSecret' } });
    assert.deepEqual([result.state, result.reason, result.prepares], ['failed', 'script_failure', 1], result.log);
    assert.match(result.log, /\(registry-auth-invalid: /);
    assert.ok(!result.log.includes('TopSecret'), result.log);
  });

  test('are never asked of a program that a job names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bulkhead-helper-'));
    try {
      await writeFile(join(folder, 'docker-credential-trap'), `#!/bin/sh\ntouch ${folder}/ran\n`, { mode: 0o755 });
      await using registry = await startRegistry();
      await using runner = await testRunner();
      const name = `${registry.address}/group/tool:1`;
      const config = { credsStore: 'trap', credHelpers: { [registry.address]: 'trap' } };
      await using job = new TestJob(
        { image: name, variables: { DOCKER_AUTH_CONFIG: JSON.stringify(config) } },
        { env: { ...runner.env, PATH: `${folder}:${process.env['PATH']}` } },
      );
      const { stdout, stderr } = await job.player.stage('prepare');
      assert.match(`${stdout}${stderr}`, /WARNING: credsStore and credHelpers of DOCKER_AUTH_CONFIG is ignored/);
      assert.deepEqual(await readdir(folder), ['docker-credential-trap']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('leave nothing on this host, not while they are used and not afterwards', async () => {
    const account = { username: 'carol', password: `pw${randomBytes(12).toString('hex')}` };
    const needles = spellings(account);
    await using image = await freshImage(4);
    await using registry = await startRegistry([account]);
    await using proxy = await startRegistryProxy(registry, ({ kind }) =>
      kind === 'blob' ? { bytesPerSecond: 2 * 1024 * 1024 } : undefined,
    );
    await using runner = await testRunner();
    await registry.push(image.name, 'group/private:1');
    const name = `${proxy.address}/group/private:1`;
    const stamp = join(runner.stateFolder, 'stamp');
    await writeFile(stamp, '');
    try {
      const more = { credentials: [{ type: 'registry', url: proxy.address, ...account }] };
      // What looks for them finds them where they are.
      const planted = join(runner.stateFolder, 'planted');
      // The file system's clock has ticks.
      await sleep(100);
      await writeFile(planted, `before ${needles[3]} after`);
      assert.deepEqual(await filesWith(needles, stamp), [planted]);
      await rm(planted);
      await using job = new TestJob({ image: name, script: ['echo ran', 'sleep 8'], ...more }, { env: runner.env });
      const playing = job.player.play();
      // In the middle of the pull.
      while (!proxy.calls.some(({ kind }) => kind === 'blob')) await sleep(50);
      await sleep(500);
      for (const needle of needles) assert.deepEqual(processesWith(needle), [], 'on no command line');
      assert.deepEqual(await filesWith(needles, stamp), [], 'in no file');
      assert.deepEqual(environmentsWith(needles), [], 'in no environment');
      // While the script runs, and everything of the job is there.
      while (!(await runs(job.name('build')))) await sleep(50);
      const { containers, volumes, networks } = await job.objects();
      assert.deepEqual([containers.length, volumes.length, networks.length > 0], [3, 2, true]);
      const inspections = await Promise.all([
        ...containers.map((id) => podman.getContainer(id).inspect()),
        ...volumes.map((id) => podman.getVolume(id).inspect()),
        ...networks.map((id) => podman.getNetwork(id).inspect()),
      ]);
      for (const needle of needles) assert.ok(!JSON.stringify(inspections).includes(needle), 'in no object, no label');
      assert.deepEqual(environmentsWith(needles), [], 'in no environment');
      const result = await playing;
      assert.equal(result.state, 'success', result.log);
      for (const needle of needles) assert.ok(!result.log.includes(needle));
      assert.ok((await readdir(runner.stateFolder)).includes('receipts.jsonl'), 'what was searched has the receipts');
      for (const needle of needles) assert.deepEqual(processesWith(needle), []);
      assert.deepEqual(await filesWith(needles, stamp), []);
      assert.ok(
        proxy.calls.some(({ authorization }) =>
          authorization?.includes(base64(`${account.username}:${account.password}`)),
        ),
      );
    } finally {
      await forgetImage(name);
    }
  });
});

function spellings({ username, password }: Account): string[] {
  return [password, encodeURIComponent(password), base64(password), base64(`${username}:${password}`)];
}

async function runs(container: string): Promise<boolean> {
  const found = await podman
    .getContainer(container)
    .inspect()
    .catch(() => undefined);
  return found?.State.Running === true;
}

/** Files that are younger than the stamp and hold one of the texts; JOB_RESPONSE_FILE, in which GitLab Runner hands them out, aside. */
async function filesWith(needles: readonly string[], stamp: string): Promise<string[]> {
  const places = [layout.dataDir, layout.runDir, '/tmp', '/var/tmp', '/run/user', '/dev/shm'];
  const patterns = needles.flatMap((needle) => ['-e', needle]);
  const { stdout } = await execa(
    'find',
    [
      ...places,
      '-xdev',
      '-type',
      'f',
      '-newer',
      stamp,
      '-not',
      '-path',
      '/tmp/custom-executor*/response.json',
      '-exec',
      'grep',
      '-lF',
      ...patterns,
      '{}',
      '+',
    ],
    { reject: false },
  );
  // The registry's own passwords are hashed, and the client that pushed is gone.
  return stdout.split('\n').filter((path) => path !== '');
}

/** Pids whose environment has one of the texts. The test's own has none; a driver's has the job's variables only. */
function environmentsWith(needles: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return needles.some((needle) => environment.includes(needle));
      } catch {
        return false;
      }
    });
}
