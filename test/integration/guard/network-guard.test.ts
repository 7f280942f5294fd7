import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { podmanUser } from '../../../setup/podman-user.ts';
import type { RootlessNetns } from '../../../src/host/rootless-netns.ts';
import { findProgram } from '../../../src/host-setup/find-program.ts';
import { tableName } from '../../../src/network/ruleset.ts';
import { waitForPodman } from '../../../src/podman/client.ts';
import { GitServer } from '../../player/git-server.ts';
import { makeRepository } from '../../player/repository.ts';
import { askDns } from '../ask-dns.ts';
import { startOutside } from '../attacks/surroundings.ts';
import { images, killService, layout, podman, podmanMajor, policyWith, TestJob } from '../host.ts';
import { builtRunsc, runscScript, SecondService } from '../second-service.ts';
import { closedAddresses, hostAddresses, internetAddresses, ipv6Address, noWorld, World } from './world.ts';

const distribution = findProgram('runsc');
const newest = builtRunsc();
/** Each with the network stack that it can be relied on to have: the kernel's of the sandbox's namespace, or gVisor's own. */
const runtimes = [
  ["the kernel's network stack", distribution, 'host', 'needs a runsc on the PATH'],
  ["gVisor's network stack", newest, 'sandbox', 'needs a newer runsc: npm run setup -- --runsc=latest builds it'],
] as const;

/** Tries addresses by TCP and UDP, and prints what answered, or why nothing did. */
const reach = (addresses: readonly string[], port = 7000) => `python3 -c '
import socket
def attempt(kind, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tried = socket.socket(family, kind)
    tried.settimeout(3)
    try:
        tried.connect((address, ${port}))
        if kind == socket.SOCK_DGRAM: tried.send(b"anybody?")
        return "reached" if tried.recv(100) else "nothing"
    except OSError as error: return "no"
for address in "${addresses.join(' ')}".split():
    print(address, "tcp", attempt(socket.SOCK_STREAM, address), "udp", attempt(socket.SOCK_DGRAM, address))'`;
const all = (addresses: readonly string[], answer: 'reached' | 'no') =>
  addresses.map((address) => `${address} tcp ${answer} udp ${answer}\n`).join('');
const fetch = (url: string) =>
  `python3 -c 'import urllib.request; print(urllib.request.urlopen("${url}", timeout=5).read().decode(), end="")' 2>&1 | tail -n 1`;
const forbidden = [...hostAddresses, ...closedAddresses];

for (const [stack, runsc, network, lacking] of runtimes) {
  suite(`in a world of its own, with ${stack}`, { skip: noWorld() ?? (runsc === undefined ? lacking : false) }, () => {
    let world: World;
    let service: SecondService;
    const made = new AsyncDisposableStack();
    before(async () => {
      world = made.use(await World.start());
      service = made.use(
        await SecondService.start({ name: 'runsc', script: runscScript(runsc ?? '', network) }, world.onHost),
      );
    });
    after(() => made.disposeAsync());

    /** A job whose build sandbox has a network, under `baseline` with another one. */
    async function jobWith(network: Readonly<Record<string, unknown>>): Promise<AsyncDisposable & { job: TestJob }> {
      await using stack = new AsyncDisposableStack();
      const policy = stack.use(await policyWith({ network: { allow: [], ...network } }, { socket: service.socket }));
      const job = await TestJob.prepared({ image: images.python }, { env: policy.env });
      stack.defer(async () => {
        assert.equal((await job.player.stage('cleanup')).exitCode, 0);
        job.player.dispose();
      });
      const kept = stack.move();
      return { job, [Symbol.asyncDispose]: () => kept.disposeAsync() };
    }
    const said = async (job: TestJob, script: string, stage?: string) =>
      (await job.sh(script, stage)).stdout.toString();

    test('every listener is there: the made host itself reaches them, by IPv6 too', () => {
      const [program = '', ...args] = world.onHost;
      const run = (script: string) => execFileSync(program, [...args, 'sh', '-c', script], { encoding: 'utf8' });
      const addresses = [...forbidden, ...internetAddresses, ipv6Address];
      assert.equal(run(reach(addresses)), all(addresses, 'reached'));
    });

    test('egress: the internet, and nothing else; without the rules, everything', async () => {
      await using made = await jobWith({ build: 'egress', helper: 'egress' });
      const { job } = made;
      const addresses = [...forbidden, ...internetAddresses];
      const guarded = all(forbidden, 'no') + all(internetAddresses, 'reached');
      assert.equal(await said(job, reach(addresses)), guarded);
      assert.equal(await said(job, reach([ipv6Address])), all([ipv6Address], 'no'));
      const redirect = `http://${internetAddresses[0]}:7001/http://169.254.169.254:7001/`;
      const rebind = 'http://169-254-169-254.world.test:7001/';
      assert.match(await said(job, fetch(redirect)), /No route to host|unreachable|not permitted/i);
      assert.match(await said(job, fetch(rebind)), /No route to host|unreachable|not permitted/i);
      assert.equal(await said(job, fetch('http://203-0-113-5.world.test:7001/')), 'secret of 203.0.113.5\n');
      const tcpFromHelper = (address: string) => `timeout 5 bash -c 'head -n 1 <>/dev/tcp/${address}/7000' 2>&1`;
      assert.equal(
        await said(job, tcpFromHelper(internetAddresses[0]), 'get_sources'),
        `tcp ${internetAddresses[0]}\n`,
      );
      assert.doesNotMatch(await said(job, `${tcpFromHelper('169.254.169.254')}; true`, 'get_sources'), /^tcp /m);

      await using netns = await job.netns(service.podman);
      await netns.run(['nft', `delete table inet ${tableName(job.key)}`]);
      // With Podman 5 (pasta) the host's own address is the namespace's own, where nobody listens.
      const own = podmanMajor < 5 ? [] : hostAddresses.slice(0, 1);
      const others = addresses.filter((address) => !own.some((one) => one === address));
      assert.equal(
        await said(job, reach([...own, ...others])),
        all(own, 'no') + all(others, 'reached'),
        'without the rules',
      );
      assert.equal(await said(job, fetch(redirect)), 'secret of 169.254.169.254\n');
      assert.equal(await said(job, fetch(rebind)), 'secret of 169.254.169.254\n');
    });

    test('listed: what is listed for the sandbox, on its ports, and no name server', async () => {
      const [one, other] = internetAddresses;
      await using made = await jobWith({
        helper: 'listed',
        build: 'listed',
        allow: [
          { to: one, ports: [7000], from: ['build'] },
          { to: '172.16.0.0/16', ports: ['6999-7000'], protocol: 'udp' },
          { to: 'host.containers.internal', ports: [7001] },
        ],
      });
      const { job } = made;
      const expected = [
        `${one} tcp reached udp no`,
        `${other} tcp no udp no`,
        '172.16.9.1 tcp no udp reached',
        `${hostAddresses[0]} tcp no udp no`,
        '',
      ];
      assert.equal(await said(job, reach([one, other, '172.16.9.1', hostAddresses[0]])), expected.join('\n'));
      assert.equal(await said(job, reach([one], 7001)), all([one], 'no'));
      assert.match(
        await said(job, fetch('http://host.containers.internal:7001/')),
        /^secret of (?:10\.66\.0\.10|198\.51\.100\.7)$/m,
      );
      for (const server of ['', '10.66.0.1', one]) {
        assert.match(await said(job, askDns('203-0-113-5.world.test', server)), /^no answer/);
      }
      await using netns = await job.netns(service.podman);
      const gateways = (await netns.run(['cat', '/proc/self/net/fib_trie'])).match(/10\.89\.\d+\.1\b/g) ?? [];
      for (const gateway of new Set(gateways)) {
        assert.match(await said(job, askDns('203-0-113-5.world.test', gateway)), /^no answer/, 'the tunnel of names');
      }
      const fromHelper = `timeout 5 bash -c 'head -n 1 <>/dev/tcp/${one}/7000' 2>&1; true`;
      assert.doesNotMatch(await said(job, fromHelper, 'get_sources'), /^tcp /m, 'listed for the build sandbox only');
    });

    test('a job on its own network cannot ask the world for names', async () => {
      await using made = await jobWith({ helper: 'egress', build: 'job' });
      const { job } = made;
      assert.equal(await said(job, reach(internetAddresses)), all(internetAddresses, 'no'));
      assert.match(await said(job, askDns('203-0-113-5.world.test')), /^no answer/);
      assert.match(await said(job, 'getent hosts 203-0-113-5.world.test || echo unknown'), /^unknown$/m);
    });

    test('names of the egress sandbox are answered; a job never reaches the bridge or the name server of another', async () => {
      await using one = await jobWith({ build: 'egress' });
      await using other = await jobWith({ build: 'egress' });
      assert.equal(await said(one.job, askDns('203-0-113-5.world.test')), 'answers: 1\n');
      const { NetworkSettings } = await service.podman.getContainer(other.job.name('build')).inspect();
      const network = NetworkSettings.Networks[other.job.name('network-build')];
      const [address = '', gateway = ''] = [network?.IPAddress, network?.Gateway];
      const listening = await other.job.player.startRun(
        'build_script',
        `python3 -c 'import socket
with socket.create_server(("0.0.0.0", 7000)) as server:
    print("listening", flush=True)
    while True: server.accept()[0].sendall(b"other job")'\n`,
      );
      await listening.outputs('listening');
      assert.equal(await said(one.job, reach([address])), all([address], 'no'));
      assert.match(await said(one.job, askDns('203-0-113-5.world.test', gateway)), /^no answer/);
      await using netns = await one.job.netns(service.podman);
      for (const { job } of [one, other]) await netns.run(['nft', `delete table inet ${tableName(job.key)}`]);
      assert.match(await said(one.job, reach([address])), /tcp reached/, 'without the rules');
      await listening.terminate(60_000, 10_000);
    });

    test('the rules of a job go with it, and those of another stay; so do new ones after all are gone', async () => {
      const tables = async (netns: RootlessNetns) =>
        (await netns.run(['nft', 'list', 'tables'])).match(/bulkhead_\w+/g) ?? [];
      {
        await using stays = await jobWith({ build: 'egress' });
        await using netns = await stays.job.netns(service.podman);
        {
          await using goes = await jobWith({ build: 'egress' });
          assert.deepEqual((await tables(netns)).sort(), [goes.job.key, stays.job.key].map(tableName).sort());
        }
        assert.deepEqual(await tables(netns), [tableName(stays.job.key)]);
        assert.equal(await said(stays.job, reach(forbidden)), all(forbidden, 'no'));
        // As a cleanup that was killed would leave it.
        await netns.run(['nft', `add table inet ${tableName('7-0123456789ab')}`]);
        await using next = await jobWith({ build: 'egress' });
        assert.deepEqual((await tables(netns)).sort(), [next.job.key, stays.job.key].map(tableName).sort());
      }
      await using later = await jobWith({ build: 'egress' });
      assert.equal(await said(later.job, reach(forbidden)), all(forbidden, 'no'));
    });
  });
}

suite("on set-up's service", () => {
  test('the rules outlive a restart of Podman, and its reload of networks', async () => {
    await using outside = await startOutside();
    const { OUTSIDE_HOST, OUTSIDE_PORT } = outside.variables;
    const attempt = `timeout 5 nc ${OUTSIDE_HOST} ${OUTSIDE_PORT} </dev/null; echo "ended with $?"`;
    await using open = await policyWith({
      network: { allow: [{ to: 'host.containers.internal', ports: [Number(OUTSIDE_PORT)] }] },
    });
    await using job = await TestJob.prepared();
    await using listed = await TestJob.prepared({}, { env: open.env });
    const look = async () => {
      assert.match((await job.sh(attempt)).stdout.toString(), /No route to host\nended with 1\n$/);
      assert.match((await listed.sh(attempt)).stdout.toString(), /^outside\n/, 'whom the policy lets, may');
    };
    await look();
    killService();
    await waitForPodman(podman, 20_000);
    await look();
    await podmanUser(layout).exec('podman', ['network', 'reload', '--all']);
    await look();
  });

  for (const [what, allow, state] of [
    ['the GitLab server, and nothing else', [{ to: 'gitlab' }], 'success'],
    ['nothing', [], 'failed'],
  ] as const) {
    test(`a helper that may reach ${what}: the job is ${state}`, async () => {
      const token = 'glcbt-64_guardToken';
      const repository = await makeRepository([{ file: 'cloned\n' }]);
      const server = await GitServer.start({ root: repository.root, token });
      try {
        await using policy = await policyWith({ network: { helper: 'listed', build: 'none', allow } });
        await using job = new TestJob(
          {
            image: images.busybox,
            token,
            gitlabUrl: server.url,
            project: { path: repository.projectPath },
            git: { sha: repository.sha, depth: 1 },
            script: ['cat file', 'grep -c . /proc/net/dev'],
          },
          { env: policy.env },
        );
        const result = await job.player.play();
        assert.equal(result.state, state, result.log);
        assert.equal(/^cloned\r?$/m.test(result.log), state === 'success', result.log);
        assert.equal(server.requests.length > 0, state === 'success', 'what GitLab heard of it');
      } finally {
        await server.close();
        await repository.remove();
      }
    });
  }
});
