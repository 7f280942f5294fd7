import { createHash } from 'node:crypto';
import type { Answer } from './job-api.ts';

const mediaType = 'application/vnd.git-lfs+json';

/** The large files of all repositories: Git LFS's batch API, downloads only. */
export class LargeFiles {
  readonly #contents = new Map<string, Buffer>();

  /** Returns the pointer that git keeps in place of `content`. */
  add(content: Buffer): string {
    const oid = createHash('sha256').update(content).digest('hex');
    this.#contents.set(oid, content);
    return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
  }

  /** Undefined when the request is not for us. `authorization` is what a download needs as well. */
  answer(method: string, url: URL, body: Buffer, authorization: string): Answer | undefined {
    if (method === 'POST' && url.pathname.endsWith('.git/info/lfs/objects/batch')) {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const described = objects.map(({ oid, size }) => {
        const href = new URL(url.pathname.replace(/info\/lfs\/objects\/batch$/, `gitlab-lfs/objects/${oid}`), url).href;
        return {
          oid,
          size,
          authenticated: true,
          actions: { download: { href, header: { Authorization: authorization } } },
        };
      });
      return { status: 200, headers: { 'content-type': mediaType }, json: { transfer: 'basic', objects: described } };
    }
    const [, oid] = /\/gitlab-lfs\/objects\/([0-9a-f]{64})$/.exec(url.pathname) ?? [];
    const content = oid === undefined ? undefined : this.#contents.get(oid);
    if (method !== 'GET' || content === undefined) return undefined;
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: content };
  }
}
