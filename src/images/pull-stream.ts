import { StringDecoder } from 'node:string_decoder';

/** What one line of Podman's answer to a pull says. */
export type PullEvent =
  | { readonly kind: 'layer'; readonly id: string; readonly state: 'found' | 'present' | 'done' }
  | { readonly kind: 'bytes'; readonly id: string; readonly current: number; readonly total: number }
  | { readonly kind: 'failure'; readonly message: string }
  | { readonly kind: 'other' };

/** Characters. Registries have a say in the words of an error, and Podman says it twice. */
const longestLine = 64 * 1024;

/**
 * The lines of a stream, each no longer than so many characters: what is beyond is dropped, and none of it kept. A whole line
 * that was cut is no JSON any more.
 */
export async function* boundedLines(stream: AsyncIterable<Uint8Array>, limit = longestLine): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let line = '';
  const add = (text: string) => {
    line += text.slice(0, limit - line.length);
  };
  for await (const chunk of stream) {
    const [first = '', ...rest] = decoder.write(Buffer.from(chunk)).split('\n');
    add(first);
    for (const next of rest) {
      yield line;
      line = '';
      add(next);
    }
  }
  if (line !== '') yield line;
}

/** Reads one line. What is neither progress nor an error that it knows is taken for an error: silence is no success. */
export function readPullEvent(line: string): PullEvent {
  if (line.trim() === '') return { kind: 'other' };
  let event: Partial<Record<'error' | 'status' | 'id', unknown>> & {
    errorDetail?: { message?: unknown } | null;
    progressDetail?: { current?: unknown; total?: unknown } | null;
  };
  try {
    event = Object(JSON.parse(line));
  } catch {
    return { kind: 'failure', message: cutMessage(line) ?? `not JSON: ${line}` };
  }
  // Podman 6 leaves out `error` once progress has begun.
  const failure = event.error ?? event.errorDetail?.message;
  if (failure !== undefined && failure !== null) return { kind: 'failure', message: String(failure) };
  if (typeof event.id !== 'string' || !/^[0-9a-f]{12,64}$/.test(event.id)) return { kind: 'other' };
  const { id } = event;
  switch (event.status) {
    case 'Pulling fs layer':
      return { kind: 'layer', id, state: 'found' };
    case 'Already exists':
      return { kind: 'layer', id, state: 'present' };
    case 'Download complete':
    case 'Pull complete':
      return { kind: 'layer', id, state: 'done' };
    case 'Downloading':
      return {
        kind: 'bytes',
        id,
        current: count(event.progressDetail?.current),
        total: count(event.progressDetail?.total),
      };
    default:
      return { kind: 'other' };
  }
}

/** What is left of the message of an error whose line was cut. */
function cutMessage(line: string): string | undefined {
  const text = /"message":"((?:[^"\\]|\\.)*)/s.exec(line)?.[1];
  try {
    return text && String(JSON.parse(`"${text.replace(/\\u[0-9a-f]{0,3}$/i, '')}"`));
  } catch {
    return text;
  }
}

/** Go writes -1 where it does not know. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
