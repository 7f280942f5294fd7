import { readFileSync } from 'node:fs';
import { layout, processesWith } from '../integration/host.ts';

export interface MemorySample {
  /** Resident memory of all processes of the Podman service, in MiB. */
  readonly service: number;
  /** The most that any driver process alive has held so far, in MiB; undefined when none is. */
  readonly driver: number | undefined;
}

/** Looks once. */
export function sampleMemory(): MemorySample {
  const service = processesWith(`system\0service\0--time=0\0unix://${layout.socket}`);
  const drivers = processesWith('dist/bulkhead.cjs\0').map((pid) => mebibytes(pid, 'VmHWM'));
  return {
    service: service.reduce((sum, pid) => sum + mebibytes(pid, 'VmRSS'), 0),
    driver: drivers.length === 0 ? undefined : Math.max(...drivers),
  };
}

/** The processes may be gone by now. */
function mebibytes(pid: number, field: string): number {
  try {
    const [, kibibytes] =
      new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** The median of the given part of the samples, such as [0.75, 1] for the last quarter. */
export function medianOf(samples: readonly number[], [from, to]: readonly [number, number]): number {
  const part = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).sort((a, b) => a - b);
  return part[Math.floor(part.length / 2)] ?? 0;
}
