import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RegistryServer, trustCertificate } from './registry-server.ts';

/** One request to the registry. */
export interface RegistryCall {
  readonly method: string;
  readonly path: string;
  readonly kind: 'ping' | 'manifest' | 'blob' | 'other';
  readonly authorization: string | undefined;
  /** How many of that path came before. */
  readonly before: number;
}

/** What becomes of one request instead of being passed on as it is. */
export type Mischief =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The connection ends after so many bytes of the answer's body. */
  | { readonly cutAfter: number }
  | { readonly bytesPerSecond: number }
  /** Passed on as it is, but later. */
  | { readonly waitFor: Promise<void> }
  /** Other bytes, as many. */
  | { readonly alter: (body: Buffer) => Buffer };

/** A registry that misbehaves: it stands in front of a real one. */
export interface RegistryProxy extends AsyncDisposable {
  readonly address: string;
  readonly calls: readonly RegistryCall[];
}

export async function startRegistryProxy(
  registry: RegistryServer,
  mischief: (call: RegistryCall) => Mischief | undefined = () => undefined,
): Promise<RegistryProxy> {
  const calls: RegistryCall[] = [];
  const { certificate: cert, key } = registry;
  const server = createServer({ cert, key }, async (incoming, outgoing) => {
    const { method = '', url: path = '' } = incoming;
    const call: RegistryCall = {
      method,
      path,
      kind: kindOf(path),
      authorization: incoming.headers.authorization,
      before: calls.filter((other) => other.path === path).length,
    };
    calls.push(call);
    const what = mischief(call);
    if (what !== undefined && 'status' in what) {
      outgoing.writeHead(what.status, what.headers).end(what.body);
      return;
    }
    if (what !== undefined && 'waitFor' in what) await what.waitFor;
    const upstream = request(`https://${registry.address}${path}`, {
      method,
      ca: cert,
      headers: { ...incoming.headers, host: registry.address },
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    upstream.end();
    const [answer] = await once(upstream, 'response');
    outgoing.writeHead(answer.statusCode, answer.headers);
    let sent = 0;
    try {
      for await (const chunk of answer) {
        if (what !== undefined && 'cutAfter' in what && sent + chunk.length > what.cutAfter) {
          await new Promise((resolve) => outgoing.write(chunk.subarray(0, what.cutAfter - sent), resolve));
          outgoing.destroy();
          return;
        }
        const bytes = what !== undefined && 'alter' in what ? what.alter(chunk) : chunk;
        if (!outgoing.write(bytes)) await drained(outgoing);
        sent += chunk.length;
        if (what !== undefined && 'bytesPerSecond' in what) await sleep((chunk.length / what.bytesPerSecond) * 1000);
      }
      outgoing.end();
    } catch {
      outgoing.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const trust = await trustCertificate(address, cert);
  return {
    address,
    calls,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await trust[Symbol.asyncDispose]();
    },
  };
}

function kindOf(path: string): RegistryCall['kind'] {
  if (path === '/v2/') return 'ping';
  if (/\/manifests\/[^/]+$/.test(path)) return 'manifest';
  return /\/blobs\/sha256:[0-9a-f]+$/.test(path) ? 'blob' : 'other';
}

/** Or closed, for who does not read on. */
async function drained(outgoing: ServerResponse): Promise<void> {
  const ended = new AbortController();
  const until = (event: string) => once(outgoing, event, { signal: ended.signal }).catch(() => {});
  await Promise.race([until('drain'), until('close')]);
  ended.abort();
}
