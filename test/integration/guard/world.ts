import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The made host: its addresses are private, and public without being in any list of ranges. */
export const hostAddresses = ['10.66.0.10', '198.51.100.7'] as const;
/** What a sandbox must not reach, and an ordinary one of the internet. */
export const closedAddresses = [
  '10.66.0.1',
  '100.64.9.1',
  '169.254.169.254',
  '172.16.9.1',
  '192.168.77.1',
  '198.18.9.1',
] as const;
export const internetAddresses = ['203.0.113.5', '203.0.113.6'] as const;
export const ipv6Address = 'fd00:ec2::254';

/** Why no world can be made here, if it cannot. */
export function noWorld(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces take root';
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs the program ip (Debian: iproute2)';
  }
}

/**
 * A host and a world beyond it, in network namespaces of their own: addresses that nobody else has to have, with real
 * listeners, and nothing of this machine's own network in between.
 */
export class World implements AsyncDisposable {
  readonly #processes: ChildProcess[];
  readonly #folder: string;
  /** Makes a command one of the made host. */
  readonly onHost: readonly string[];

  private constructor(folder: string, processes: ChildProcess[]) {
    this.#folder = folder;
    this.#processes = processes;
    this.onHost = enter(processes[0]);
  }

  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-world-'));
    const resolvConf = join(folder, 'resolv.conf');
    writeFileSync(resolvConf, 'nameserver 10.66.0.1\n', { mode: 0o644 });
    const host = await namespace(`mount --make-rprivate / && mount --bind ${resolvConf} /etc/resolv.conf`);
    const beyond = await namespace('true');
    const world = new World(folder, [host, beyond]);
    const ip = (where: ChildProcess, ...lines: string[]) => {
      const [program = '', ...args] = enter(where);
      for (const line of lines) execFileSync(program, [...args, 'ip', ...line.split(' ')]);
    };
    ip(
      host,
      `link add out type veth peer name in netns /proc/${beyond.pid}/ns/net`,
      'link set lo up',
      'link set out up',
    );
    ip(
      host,
      'addr add 10.66.0.10/24 dev out',
      'addr add 198.51.100.7/32 dev lo',
      '-6 addr add fd66::10/64 dev out nodad',
    );
    ip(
      beyond,
      'link set lo up',
      'link set in up',
      'addr add 10.66.0.1/24 dev in',
      '-6 addr add fd66::1/64 dev in nodad',
    );
    ip(host, 'route add default via 10.66.0.1', '-6 route add default via fd66::1');
    for (const address of [...closedAddresses.slice(1), ...internetAddresses])
      ip(beyond, `addr add ${address}/32 dev lo`);
    ip(beyond, `-6 addr add ${ipv6Address}/128 dev lo nodad`);
    await world.#serve(host, hostAddresses);
    await world.#serve(beyond, [...closedAddresses, ...internetAddresses, ipv6Address]);
    return world;
  }

  async #serve(where: ChildProcess, addresses: readonly string[]): Promise<void> {
    const [program = '', ...args] = enter(where);
    const server = [process.execPath, join(import.meta.dirname, 'world-server.ts'), ...addresses];
    const child = spawn(program, [...args, ...server], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#processes.push(child);
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => {
        throw new Error('the listeners of the world did not start');
      }),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
  }
}

/** A process in namespaces of its own, which end with it, or after half an hour. */
async function namespace(setUp: string): Promise<ChildProcess> {
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', `${setUp} && exec sleep 1800`], { stdio: 'ignore' });
  const deadline = Date.now() + 10_000;
  const isReady = () => {
    const own = readlinkSync('/proc/self/ns/net');
    return (
      readlinkSync(`/proc/${child.pid}/ns/net`) !== own && readlinkSync(`/proc/${child.pid}/exe`).endsWith('sleep')
    );
  };
  while (!isReady()) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('no network namespace can be made here');
    await sleep(20);
  }
  return child;
}

function enter(where: ChildProcess | undefined): string[] {
  return ['nsenter', `--target=${where?.pid}`, '--net', '--mount', '--'];
}
