import type { Settings } from '../policy/schema.ts';

/** Numbers of setrlimit(2)'s resources: the same on amd64 and arm64. */
const resources = { cpu: 0, fsize: 1, stack: 3, core: 4, nproc: 6, nofile: 7, memlock: 8 } as const;
/** An empty label could be one that nobody set. */
const none = 'none';
const word = /^[0-9]{1,2}=[0-9]{1,16}:[0-9]{1,16}$/;

/**
 * The text of the label that says what each process of a stage may use: `<resource>=<soft>:<hard>`, apart by spaces. Podman's
 * Docker-compatible API takes ulimits and, rootless, drops them without a word (4.3 to 5.4, containers_create.go), so each
 * stage begins under them by the program in probe/limit.c.
 */
export function ulimitsLabel(ulimits: Settings['ulimits']): string {
  const words = Object.entries(resources)
    .flatMap(([name, number]) => {
      const value = ulimits[name as keyof typeof resources];
      if (value === undefined) return [];
      const { soft, hard } = typeof value === 'object' ? value : { soft: value, hard: value };
      return [`${number}=${soft}:${hard}`];
    })
    .join(' ');
  return words || none;
}

/** The label's words; undefined when they are not ours, or there are none to read. */
export function parseUlimits(text: string | undefined): string[] | undefined {
  if (text === none) return [];
  const words = text?.split(' ');
  return words?.every((part) => word.test(part)) ? words : undefined;
}
