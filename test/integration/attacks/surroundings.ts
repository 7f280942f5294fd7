import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { execa } from 'execa';
import { podmanUser } from '../../../setup/podman-user.ts';
import type { Podman } from '../../../src/podman/client.ts';
import { sandboxReachableAddress } from '../../player/git-server.ts';
import { layout, TestJob } from '../host.ts';
import type { Elsewhere, Victim } from './attack.ts';
import type { Setting } from './scene.ts';

/** What came of an attack. */
export interface Outcome {
  /** Undefined when it could not be tried; `said` is the reason. */
  readonly worked: boolean | undefined;
  readonly said: string;
}

export type Variables = Readonly<Record<string, string>>;

/** Shell text that sets variables; their values are ours and hold no quotes. */
export function withVariables(variables: Variables, script: string): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  return [...lines, script].join('\n');
}

/** Something that answers outside of any job: where a job with a way out gets to, and others must not. */
export async function startOutside(): Promise<AsyncDisposable & { readonly variables: Variables }> {
  const server = createServer((socket) => socket.on('error', () => {}).end('outside\n'));
  server.listen(0, sandboxReachableAddress());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    // By name: with Podman 5 (pasta) the host's own address is the sandbox's, too.
    variables: { OUTSIDE_HOST: 'host.containers.internal', OUTSIDE_PORT: String(port) },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Marks the host's kernel log, where this process may. */
export async function markKernelLog(): Promise<Variables> {
  const MARK = `bulkhead-test-${process.pid}`;
  if (process.getuid?.() === 0) await writeFile('/dev/kmsg', `${MARK}\n`);
  return { MARK };
}

/** Runs an attack on the host itself. Only what the table holds runs here, and none of it changes anything. */
export async function attackHost(script: string, user: (Elsewhere & { without: string })['without']): Promise<Outcome> {
  if (user === 'root' && process.getuid?.() !== 0) return { worked: undefined, said: 'on the host, it takes root' };
  const run = user === 'root' ? execa : podmanUser(layout).exec;
  const { exitCode, all } = await run('sh', ['-c', script], { reject: false, all: true, stdin: 'ignore' });
  return { worked: exitCode === 0, said: String(all) };
}

/** The victim's job, at the point where the attack begins. */
export async function startVictim(
  { job: input, stage = 'build_script', script, ready }: Victim,
  { env, podman }: Setting,
  image: string,
): Promise<AsyncDisposable & { readonly job: TestJob; readonly address: string }> {
  await using made = new AsyncDisposableStack();
  const job = made.use(await TestJob.prepared({ image, ...input }, { env }));
  const running = await job.player.startRun(stage, `${script}\n`);
  if (ready === undefined) {
    const { exitCode, stderr } = await running.result;
    if (exitCode !== 0) throw new Error(`the victim's script failed: ${stderr}`);
  } else {
    await running.outputs(ready);
    made.defer(async () => {
      await running.terminate(60_000, 10_000);
    });
  }
  const kept = made.move();
  return { job, address: await addressOf(podman, job, 'build'), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The sandbox's address on the network without a way out, if it is on that one; empty when it is on none. */
export async function addressOf(podman: Podman, job: TestJob, role: 'helper' | 'build'): Promise<string> {
  const { NetworkSettings } = await podman.getContainer(job.name(role)).inspect();
  const { [job.name('network-internal')]: internal, [job.name('network-build')]: outward } = NetworkSettings.Networks;
  return (internal ?? outward)?.IPAddress ?? '';
}
