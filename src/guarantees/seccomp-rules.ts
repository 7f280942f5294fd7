import { constants } from 'node:os';
import type { SeccompProfile } from '../sandbox/seccomp-profile.ts';
import type { Bundle } from './bundle.ts';
import { probeCalls } from './probe.ts';

type Filter = NonNullable<Bundle['linux']['seccomp']>;

/** What a filter does, one text per syscall and case, so that two filters can be compared whatever their order is. */
export interface Rules {
  readonly fallback: string;
  readonly cases: ReadonlySet<string>;
}

const architectures: Readonly<Record<string, { readonly go: string; readonly seccomp: string }>> = {
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
};
export const nativeArchitecture = architectures[process.arch] ?? { go: process.arch, seccomp: process.arch };

/** The rules of a profile for a sandbox with these capabilities, as containers/common makes them (pkg/seccomp). */
export function rulesOfProfile(profile: SeccompProfile, capabilities: readonly string[]): Rules {
  const entries = applicable(profile, capabilities);
  return {
    fallback: action(profile.defaultAction, profile.defaultErrnoRet, profile.defaultErrno),
    cases: new Set(
      entries.flatMap((entry) =>
        entry.names.map((name) => `${name} ${action(entry.action, entry.errnoRet, entry.errno)} ${cases(entry.args)}`),
      ),
    ),
  };
}

/** The rules that runsc was given. */
export function rulesOfBundle(filter: Filter): Rules {
  return {
    fallback: action(filter.defaultAction, filter.defaultErrnoRet),
    cases: new Set(
      filter.syscalls.flatMap((entry) =>
        entry.names.map((name) => `${name} ${action(entry.action, entry.errnoRet)} ${cases(entry.args)}`),
      ),
    ),
  };
}

/** Those of the probe's system calls that the profile answers with EPERM, whatever their arguments. */
export function deniedCalls(profile: SeccompProfile, capabilities: readonly string[]): string[] {
  const entries = applicable(profile, capabilities);
  const denial = action('SCMP_ACT_ERRNO', constants.errno.EPERM);
  const fallback = action(profile.defaultAction, profile.defaultErrnoRet, profile.defaultErrno);
  return probeCalls.filter((name) => {
    const own = entries.filter(({ names }) => names.includes(name));
    if (own.length === 0) return fallback === denial;
    return own.every((entry) => action(entry.action, entry.errnoRet, entry.errno) === denial && !entry.args?.length);
  });
}

function applicable({ syscalls }: SeccompProfile, capabilities: readonly string[]): SeccompProfile['syscalls'] {
  const has = (name: string) => capabilities.includes(name.replace(/^CAP_/, ''));
  const native = nativeArchitecture.go;
  return syscalls.filter(({ includes, excludes }) => {
    if (excludes?.arches?.includes(native) || excludes?.caps?.some(has)) return false;
    return (!includes?.arches?.length || includes.arches.includes(native)) && (includes?.caps ?? []).every(has);
  });
}

function action(name: string, errno?: number | null, errnoName?: string | null): string {
  if (name !== 'SCMP_ACT_ERRNO') return name;
  const named = errnoName ? (constants.errno as Record<string, number>)[errnoName] : undefined;
  return `${name}=${named ?? errno ?? constants.errno.EPERM}`;
}

function cases(args: NonNullable<Filter['syscalls'][number]['args']> | null | undefined): string {
  return JSON.stringify((args ?? []).map(({ index, value, valueTwo = 0, op }) => [index, op, value, valueTwo]).sort());
}
