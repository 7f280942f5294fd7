import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stands between a driver and the real Podman, so that a test can act at any API call. Changes nothing itself. */
export interface PodmanProxy extends AsyncDisposable {
  readonly socket: string;
  /** `METHOD path` of every call so far. */
  readonly calls: readonly string[];
}

export interface ProxyHooks {
  /** Before call number `index` (from 0) is passed on; false keeps it from Podman. */
  readonly before?: (index: number, call: string) => boolean | Promise<boolean>;
  /** When Podman's answer has begun to arrive. */
  readonly answered?: (index: number, call: string) => void;
}

export async function startPodmanProxy(target: string, hooks: ProxyHooks = {}): Promise<PodmanProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-proxy-'));
  const socket = join(folder, 'podman.sock');
  const calls: string[] = [];
  const upstreams = new Set<ClientRequest>();
  const server = createServer(async (incoming, outgoing) => {
    const call = `${incoming.method} ${incoming.url?.split('?')[0]}`;
    const index = calls.push(call) - 1;
    if ((await hooks.before?.(index, call)) === false) {
      incoming.socket.destroy();
      return;
    }
    const upstream = request({
      socketPath: target,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    });
    upstreams.add(upstream);
    upstream.on('close', () => upstreams.delete(upstream));
    upstream.on('response', (answer) => {
      hooks.answered?.(index, call);
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    calls,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      // A driver that was killed left its calls to Podman open behind us.
      for (const upstream of upstreams) upstream.destroy();
      await rm(folder, { recursive: true });
    },
  };
}
