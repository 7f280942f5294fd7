import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { pipeline } from 'node:stream/promises';

export interface GitServerOptions {
  /** Directory with the bare repositories, `<group>/<project>.git`. */
  readonly root: string;
  /** The job token: the only password, for the user `gitlab-ci-token`. */
  readonly token: string;
  /** Address to listen on; default: the one that sandboxes reach. `127.0.0.1` serves this host alone. */
  readonly address?: string;
}

/** GitLab's git side: bare repositories over HTTP (smart protocol), with HTTP Basic authentication, by git's own http-backend. */
export class GitServer {
  /** What a job takes as gitlabUrl; a name that only sandboxes resolve, unless an address was given. */
  readonly url: string;
  /** Requests so far, as `<status> <method> <path>`. */
  readonly requests: readonly string[];
  readonly #server: Server;

  private constructor(server: Server, address: string, requests: readonly string[]) {
    this.#server = server;
    this.requests = requests;
    this.url = `http://${address}:${(server.address() as AddressInfo).port}`;
  }

  /** Listens on a free port. Throws when this host has no address that a sandbox could reach. */
  static async start(options: GitServerOptions): Promise<GitServer> {
    const address = options.address ?? sandboxReachableAddress();
    const requests: string[] = [];
    const server = createServer((request, response) => {
      response.once('close', () => requests.push(`${response.statusCode} ${request.method} ${request.url}`));
      answer(request, response, options).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(String(error));
      });
    });
    server.listen(0, address);
    await once(server, 'listening');
    // By name: with Podman 5 (pasta) the host's own address is the sandbox's, too.
    return new GitServer(server, options.address ?? 'host.containers.internal', requests);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** The host's first IPv4 address beside loopback: containers on a rootless bridge reach the host there. */
export function sandboxReachableAddress(interfaces = networkInterfaces()): string {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (!found) {
    throw new Error(
      'this host has no IPv4 address beside loopback, so no sandbox could reach a git server on it; ' +
        "give GitServer.start the address '127.0.0.1' to serve this host alone",
    );
  }
  return found.address;
}

async function answer(request: IncomingMessage, response: ServerResponse, options: GitServerOptions): Promise<void> {
  const expected = `Basic ${Buffer.from(`gitlab-ci-token:${options.token}`).toString('base64')}`;
  if (request.headers.authorization !== expected) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="GitLab"' }).end('HTTP Basic: Access denied\n');
    return;
  }
  const backend = spawn('git', ['http-backend'], {
    env: cgiEnvironment(request, options.root),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // A client that goes away breaks these pipes; http-backend then ends by itself.
  const sent = pipeline(request, backend.stdin).catch(() => {});
  await sendCgiResponse(backend.stdout, response);
  await sent;
}

/** RFC 3875's variables, as far as git-http-backend(1) reads them. */
function cgiEnvironment(request: IncomingMessage, root: string): NodeJS.ProcessEnv {
  const url = new URL(request.url ?? '/', 'http://localhost');
  return {
    PATH: process.env['PATH'],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    CONTENT_LENGTH: request.headers['content-length'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    REMOTE_USER: 'gitlab-ci-token',
  };
}

/** Reads the CGI header, then streams the body. */
async function sendCgiResponse(output: NodeJS.ReadableStream, response: ServerResponse): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const chunk of output as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  }
  if (!response.headersSent) response.writeHead(500);
  response.end();
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = head.split('\r\n').map((line) => {
    const [name = '', ...value] = line.split(':');
    return [name, value.join(':').trim()] as const;
  });
  const status = Number.parseInt(headers.find(([name]) => name.toLowerCase() === 'status')?.[1] ?? '200', 10);
  for (const [name, value] of headers) if (name.toLowerCase() !== 'status') response.setHeader(name, value);
  response.writeHead(status);
}
