import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Job } from '../../../src/player/job-response.ts';
import { sandboxReachableAddress } from '../../player/git-server.ts';
import { Changes } from './changes.ts';
import { GitSide } from './git-side.ts';
import { type Answer, patchTrace, sendArtifact, stateHeaders, storeArtifact, updateJob } from './job-api.ts';
import { LargeFiles } from './lfs.ts';
import { ServerJob } from './server-job.ts';

/** Where it listens, and the name it has for runners and sandboxes. */
export interface GitLabPlace {
  readonly address: string;
  readonly name: string;
}

/** By name: with Podman 5 (pasta) the host's own address is the sandbox's, too. */
const onThisHost = (): GitLabPlace => ({ address: sandboxReachableAddress(), name: 'host.containers.internal' });

/**
 * As much of a GitLab server as a real runner needs, as the runner's sources have it (network/gitlab.go), and a check of what the
 * runner sends: `problems` stays empty as long as GitLab would have been content.
 */
export class GitLab {
  /** The address for runners and sandboxes alike; only sandboxes can resolve its name. */
  readonly url: string;
  /** Runners reach that address through this HTTP proxy, which is the same server. */
  readonly proxy: string;
  /** Where the bare repositories are: `<group>/<project>.git`. */
  readonly repositories: string;
  readonly problems: string[] = [];
  /** Requests so far, as `<status> <method> <path>`. */
  readonly requests: string[] = [];
  readonly jobs = new Map<number, ServerJob>();
  readonly largeFiles = new LargeFiles();
  readonly #changes = new Changes();
  readonly #queues = new Map<string, ServerJob[]>();
  readonly #server: Server;
  readonly #git: GitSide;

  private constructor(server: Server, git: GitSide, { address, name }: GitLabPlace, repositories: string) {
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    this.#git = git;
    this.repositories = repositories;
    this.proxy = `http://${address}:${port}`;
    this.url = `http://${name}:${port}`;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.problems.push(`${request.method} ${request.url}: ${error}`);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
      });
    });
  }

  static async start(place: GitLabPlace = onThisHost()): Promise<GitLab> {
    const repositories = mkdtempSync(join(tmpdir(), 'bulkhead-gitlab-'));
    const server = createServer();
    server.listen(0, place.address);
    await once(server, 'listening');
    return new GitLab(server, await GitSide.start(repositories), place, repositories);
  }

  /** Puts a job in the queue of one runner. */
  enqueue(runnerToken: string, response: Job): ServerJob {
    const job = new ServerJob(response, this.#changes);
    this.jobs.set(job.id, job);
    this.#queue(runnerToken)?.push(job);
    return job;
  }

  /** Makes a runner known. */
  register(runnerToken: string): void {
    this.#queues.set(runnerToken, []);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
    await this.#git.close();
    rmSync(this.repositories, { recursive: true, force: true });
  }

  #queue(token: unknown): ServerJob[] | undefined {
    return typeof token === 'string' ? this.#queues.get(token) : undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The runner talks to us as to a proxy, and then gives the whole address.
    const url = new URL(request.url ?? '/', this.url);
    response.once('close', () => {
      this.requests.push(`${response.statusCode} ${request.method} ${url.pathname}`);
      this.#changes.notify();
    });
    if (!url.pathname.startsWith('/api/v4/')) return await this.#passToGit(request, url, response);
    send(response, await this.#api(request, url, await buffer(request)));
  }

  /** A job's token opens the repository of its own project, and those that jobs may read: whose path says so. */
  async #passToGit(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const authorization = request.headers.authorization ?? '';
    const [, token] = /^gitlab-ci-token:(.*)$/.exec(basic(authorization)) ?? [];
    const job = [...this.jobs.values()].find((each) => each.response.token === token && each.status !== 'pending');
    const own = job && url.pathname.startsWith(`/${job.response.job_info.project_full_path}.git/`);
    if (!own && !(job && url.pathname.startsWith('/shared/'))) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitLab"' }).end('HTTP Basic: Access denied\n');
    } else if (/\/(info\/lfs|gitlab-lfs)\//.test(url.pathname)) {
      const answer = this.largeFiles.answer(request.method ?? '', url, await buffer(request), authorization);
      send(response, answer ?? { status: 404 });
    } else await this.#git.pass(request, url, response);
  }

  async #api(request: IncomingMessage, url: URL, body: Buffer): Promise<Answer> {
    const path = url.pathname.slice('/api/v4'.length);
    const route = `${request.method} ${path.replace(/\d+/, ':id')}`;
    if (route === 'POST /runners/verify') return this.#verify(request, body);
    if (route === 'POST /jobs/request') return this.#requestJob(request, body);
    const job = this.jobs.get(Number(/\d+/.exec(path)?.[0]));
    if (job === undefined) return { status: 404, json: { message: '404 Not Found' } };
    if (request.headers['job-token'] !== job.response.token) {
      this.problems.push(`${route} of job ${job.id} without its token`);
      return { status: 403, json: { message: '403 Forbidden' } };
    }
    const problem = (text: string) => this.problems.push(text);
    switch (route) {
      case 'PATCH /jobs/:id/trace':
        return patchTrace(
          job,
          request.headers['content-range'],
          url.searchParams.get('debug_trace') === 'true',
          body,
          problem,
        );
      case 'PUT /jobs/:id': {
        const update = JSON.parse(body.toString());
        if (update.token !== job.response.token) problem(`job ${job.id}: an update with another token`);
        return updateJob(job, update, problem);
      }
      case 'POST /jobs/:id/artifacts':
        if (job.status !== 'running' && job.status !== 'canceling') return { status: 403, headers: stateHeaders(job) };
        return await storeArtifact(job, url.searchParams, request.headers['content-type'] ?? '', body);
      case 'GET /jobs/:id/artifacts':
        return sendArtifact(job);
      default:
        this.problems.push(`unknown request ${request.method} ${path}`);
        return { status: 404, json: { message: '404 Not Found' } };
    }
  }

  #verify(request: IncomingMessage, body: Buffer): Answer {
    const { token } = JSON.parse(body.toString());
    if (this.#queue(token) === undefined || request.headers['runner-token'] !== token) return { status: 403, json: {} };
    return { status: 200, json: { id: 1, token, token_expires_at: null } };
  }

  #requestJob(request: IncomingMessage, body: Buffer): Answer {
    const { token, info, system_id: systemId } = JSON.parse(body.toString());
    const queue = this.#queue(token);
    if (queue === undefined || request.headers['runner-token'] !== token) return { status: 403, json: {} };
    if (!systemId || !info?.features?.cancelable) this.problems.push('a job request that says less than a runner does');
    const job = queue.shift();
    if (job === undefined) return { status: 204, headers: { 'x-gitlab-last-update': 'nothing-since' } };
    job.status = 'running';
    return { status: 201, json: { ...job.response, inputs: [] } };
  }
}

function send(response: ServerResponse, { status, headers, json, body }: Answer): void {
  if (body !== undefined) response.writeHead(status, headers).end(body);
  else if (json === undefined) response.writeHead(status, headers).end();
  else response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
}

function basic(authorization: string | undefined): string {
  const [, encoded] = /^Basic (.*)$/.exec(authorization ?? '') ?? [];
  return Buffer.from(encoded ?? '', 'base64').toString();
}
