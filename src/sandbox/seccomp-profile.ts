import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { BulkheadError } from '../errors.ts';
import { readTrustedFile } from '../host/trusted-file.ts';

/**
 * What runsc carries out (gVisor, runsc/specutils/seccomp: convertAction). It knows SCMP_ACT_TRACE as well, which would let
 * a process inside the sandbox decide; the others of containers/common keep a sandbox from starting.
 */
const denials = ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_TRAP'] as const;
const operators = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`);
const uint = z.number().int().nonnegative();
const condition = z
  .strictObject({
    caps: z.array(z.string().regex(/^CAP_[A-Z_]+$/)).optional(),
    arches: z.array(z.string().min(1)).optional(),
    minKernel: z
      .string()
      .regex(/^\d+\.\d+$/)
      .optional(),
  })
  .nullish();

/**
 * containers/common, pkg/seccomp/types.go. Podman ignores keys that it does not know, and runsc syscalls: a misspelled one
 * would change what the profile does without a word, so it is refused here as far as it can be seen.
 */
const profileSchema = z.strictObject({
  defaultAction: z.enum(denials, `must deny what the profile does not name: ${denials.join(', ')}`),
  defaultErrnoRet: uint.nullish(),
  defaultErrno: z.string().nullish(),
  archMap: z
    .array(
      z.strictObject({
        architecture: z.string().regex(/^SCMP_ARCH_[A-Z0-9_]+$/),
        subArchitectures: z.array(z.string().regex(/^SCMP_ARCH_[A-Z0-9_]+$/)).nullish(),
      }),
    )
    .nullish(),
  syscalls: z
    .array(
      z.strictObject({
        names: z.array(z.string().regex(/^[a-z_][a-z0-9_]*$/, 'is no name of a syscall')).min(1, 'names no syscall'),
        action: z.enum(['SCMP_ACT_ALLOW', ...denials]),
        args: z
          .array(z.strictObject({ index: uint.max(5), value: uint, valueTwo: uint.optional(), op: z.enum(operators) }))
          .nullish(),
        errnoRet: uint.nullish(),
        errno: z.string().nullish(),
        includes: condition,
        excludes: condition,
        comment: z.string().nullish(),
      }),
    )
    .min(1, 'allows nothing')
    .check(({ value, issues }) => {
      for (const { path, message } of repetitions(value)) {
        issues.push({ code: 'custom', input: value, path: [...path], message });
      }
    }),
});

export type SeccompProfile = z.infer<typeof profileSchema>;

export interface LoadedSeccompProfile {
  /** Absolute; what Podman is told. */
  readonly path: string;
  /** Of the file, in hex. */
  readonly sha256: string;
  readonly profile: SeccompProfile;
}

/**
 * The profile `<name>.json` of the folder.
 * @throws BulkheadError `seccomp-profile-invalid` (missing, not JSON, or wrong; with the path of each wrong key) or
 *   `file-unsafe` (others could change it).
 */
export async function loadSeccompProfile(folder: string, name: string): Promise<LoadedSeccompProfile> {
  // So that no name leads out of the folder.
  if (!/^[a-z0-9-]+$/.test(name)) {
    const hint = 'Use lower-case letters, digits and hyphens.';
    throw new BulkheadError('seccomp-profile-invalid', `"${name}" is no name of a seccomp profile`, hint);
  }
  const path = join(folder, `${name}.json`);
  const text = await readTrustedFile(path);
  if (text === undefined) throw invalid(path, 'it does not exist', 'Put the profile there, or name another one.');
  return { path, sha256: createHash('sha256').update(text).digest('hex'), profile: parseSeccompProfile(path, text) };
}

/** @throws BulkheadError `seccomp-profile-invalid`. */
export function parseSeccompProfile(path: string, text: string): SeccompProfile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `it is not JSON: ${(cause as Error).message}`, 'Correct the file.', cause);
  }
  const result = profileSchema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top level)'}: ${issue.message}`);
  throw invalid(path, problems.join('; '), 'Correct the keys named.');
}

/** The syscalls that the profile allows, be it only with some arguments, capabilities or kernels. */
export function allowedSyscalls(profile: SeccompProfile): ReadonlySet<string> {
  const allowing = profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW');
  return new Set(allowing.flatMap(({ names }) => names));
}

/**
 * A syscall named twice for the same case: which of the two counts is nothing to leave to the order of a list. Under
 * conditions it may be repeated with the same action (Podman's own profile does so), as that changes nothing.
 */
function* repetitions(entries: SeccompProfile['syscalls']): Generator<{ path: (string | number)[]; message: string }> {
  const earlier = new Map<string, { entry: number; action: string }>();
  for (const [entry, { names, action, args, includes, excludes }] of entries.entries()) {
    const conditions = JSON.stringify([args ?? [], includes ?? {}, excludes ?? {}]);
    const conditional = conditions !== '[[],{},{}]';
    for (const [index, name] of names.entries()) {
      const key = `${name} ${conditions}`;
      const other = earlier.get(key);
      if (other === undefined) earlier.set(key, { entry, action });
      else if (other.entry === entry || other.action !== action || !conditional) {
        const message = `"${name}" is named before, in syscalls.${other.entry}`;
        yield { path: [entry, 'names', index], message };
      }
    }
  }
}

function invalid(path: string, why: string, hint: string, cause?: unknown): BulkheadError {
  return new BulkheadError('seccomp-profile-invalid', `seccomp profile ${path}: ${why}`, hint, { cause });
}
