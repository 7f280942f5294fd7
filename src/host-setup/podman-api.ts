import { request } from 'node:http';

/** Where the service listens; every layout has it. */
export interface ServiceSocket {
  readonly socket: string;
}

/** One GET on the service's socket: the status and the parsed JSON body, or undefined when nobody answers in time (ms): a slow machine may take long. */
export async function podmanGet(
  { socket }: ServiceSocket,
  path: string,
  timeout = 60_000,
): Promise<{ status: number; body: unknown } | undefined> {
  return await new Promise((resolve) => {
    const call = request({ socketPath: socket, path, timeout }, async (response) => {
      const text = (await response.toArray().catch(() => [])).join('');
      resolve({ status: response.statusCode ?? 0, body: parse(text) });
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.end();
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether the service answers, within `timeout` milliseconds. Where nobody listens, that is known at once. */
export async function answers(service: ServiceSocket, timeout = 5_000): Promise<boolean> {
  return (await podmanGet(service, '/_ping', timeout))?.status === 200;
}

/** An image's id and labels, or undefined when the storage has no such image. */
export async function findImage(
  service: ServiceSocket,
  name: string,
): Promise<{ id: string; labels: Record<string, string> } | undefined> {
  const reply = await podmanGet(service, `/v4.0.0/libpod/images/${encodeURIComponent(name)}/json`);
  if (reply?.status !== 200) return undefined;
  const { Id, Labels } = reply.body as { Id: string; Labels?: Record<string, string> | null };
  return { id: Id, labels: Labels ?? {} };
}

/** The full names of a repository's images in the storage. */
export async function tagsOf(service: ServiceSocket, repository: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ reference: [repository] }));
  const reply = await podmanGet(service, `/v4.0.0/libpod/images/json?filters=${filters}`);
  const images = reply?.status === 200 ? (reply.body as { RepoTags?: string[] | null }[]) : [];
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.startsWith(`${repository}:`));
}
