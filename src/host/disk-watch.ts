import { setTimeout as sleep } from 'node:timers/promises';

export interface DiskWatch {
  /** Bytes that the job holds now. May be expensive: it walks the job's files. */
  readonly measure: () => Promise<number>;
  /** Bytes that are taken on the filesystems, by anybody. Cheap. */
  readonly glance: () => Promise<number>;
  /** Bytes. */
  readonly limit: number;
  /** Called once, with what was measured. */
  readonly onExceeded: (bytes: number) => void;
  /** Called once, when the job's files cannot be measured. The watch goes on trying. */
  readonly onBlind: (error: Error) => void;
}

/** A stage that ends sooner is not measured: most do, and it would cost them more than they can write. */
const firstMs = 500;
/** How often somebody looks at the filesystem. A burst within it can pass the limit. */
export const glanceMs = 1000;
/** However little the filesystem changes: other jobs may free what this one takes. */
const longestMs = 10_000;
/** At most this part of the time goes into measuring, even when the filesystem fills; and a tenth of that when it does not. */
const busyShare = 1 / 4;
const idleShare = 1 / 40;

/**
 * Watches what a job holds on disk until `stop` is called. Walking a big checkout takes a while, so that is done once
 * at the start, when the filesystem has filled by half of what the job has left, and every ten seconds; all of it less often when
 * the walk is slow.
 * @returns a function that ends the watch; it measures a last time when the limit may have been passed since.
 */
export function watchDisk({ measure, glance, limit, onExceeded, onBlind }: DiskWatch): () => Promise<void> {
  const ending = new AbortController();
  let known:
    | { readonly held: number; readonly taken: number; readonly at: number; readonly tookMs: number }
    | undefined;
  let exceeded = false;
  let blind = false;

  const look = async (): Promise<void> => {
    const taken = await glance();
    const started = performance.now();
    const held = await measure();
    const at = performance.now();
    known = { held, taken, at, tookMs: at - started };
    if (held <= limit || exceeded) return;
    exceeded = true;
    onExceeded(held);
  };
  const isDue = async (): Promise<boolean> => {
    if (known === undefined) return true;
    const quietMs = performance.now() - known.at;
    if (quietMs > Math.max(longestMs, known.tookMs / idleShare)) return true;
    return quietMs > known.tookMs / busyShare && (await glance()) - known.taken >= (limit - known.held) / 2;
  };
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Sandboxes end, and their files with them, while the watch goes on.
      if (!blind && !ending.signal.aborted) onBlind(error as Error);
      blind = true;
    }
  };

  const watching = (async () => {
    await sleep(firstMs, undefined, { signal: ending.signal }).catch(() => {});
    while (!ending.signal.aborted && !exceeded) {
      await guarded(async () => {
        if (await isDue()) await look();
      });
      await sleep(glanceMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();

  return async () => {
    ending.abort();
    await watching;
    await guarded(async () => {
      if (exceeded || known === undefined) return;
      if ((await glance()) - known.taken > limit - known.held) await look();
    });
  };
}
