import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { GitServer } from '../../player/git-server.ts';

const innerToken = 'between-the-two-servers';

/** Real git repositories under the address of the GitLab server: git's own http-backend behind it, for this host alone. */
export class GitSide {
  readonly #server: GitServer;

  private constructor(server: GitServer) {
    this.#server = server;
  }

  /** @param root directory with the bare repositories, `<group>/<project>.git`. */
  static async start(root: string): Promise<GitSide> {
    return new GitSide(await GitServer.start({ root, token: innerToken, address: '127.0.0.1' }));
  }

  /** Passes a request on whose token has been checked. */
  async pass(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const authorization = `Basic ${Buffer.from(`gitlab-ci-token:${innerToken}`).toString('base64')}`;
    const inner = httpRequest(new URL(`${url.pathname}${url.search}`, this.#server.url), {
      method: request.method ?? 'GET',
      headers: { ...request.headers, authorization },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      inner.once('response', resolve);
      inner.once('error', reject);
    });
    pipeline(request, inner).catch(() => inner.destroy());
    const answer = await answered;
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await pipeline(answer, response).catch(() => response.destroy());
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}
