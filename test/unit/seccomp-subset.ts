/** The parts of a seccomp profile (containers/common/pkg/seccomp) that decide what it allows. */
export interface Profile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] | null }[];
  readonly syscalls: readonly Rule[];
}

export interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  /** All must hold. */
  readonly args?: readonly Condition[];
  readonly includes?: Filter;
  readonly excludes?: Filter;
}

interface Filter {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

interface Condition {
  readonly index: number;
  /** The mask, for SCMP_CMP_MASKED_EQ. */
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

/** One system call that a rule allows, under the rule's conditions. */
export interface AllowedCall {
  readonly name: string;
  readonly args: readonly Condition[];
}

/**
 * What `ours` allows and `theirs` refuses a process without capabilities. Errs on the side of naming too much: each of our
 * rules must follow from one of theirs alone, and touch none of their exceptions.
 */
export function uncovered(ours: Profile, theirs: Profile, architecture: string): AllowedCall[] {
  const applying = theirs.syscalls.filter((rule) => applies(rule, architecture));
  const calls = ours.syscalls
    .filter((rule) => rule.action === 'SCMP_ACT_ALLOW' && applies(rule, architecture))
    .flatMap(({ names, args }) => names.map((name) => ({ name, args: args ?? [] })));
  return calls.filter(({ name, args }) => {
    const rules = applying.filter(({ names }) => names.includes(name));
    const allowed = rules.some((rule) => rule.action === 'SCMP_ACT_ALLOW' && follows(args, rule.args ?? []));
    const excepted = rules.some((rule) => rule.action !== 'SCMP_ACT_ALLOW' && !excludes(args, rule.args ?? []));
    return !allowed || excepted;
  });
}

export function describeSyscall({ name, args }: AllowedCall): string {
  return args.length === 0
    ? name
    : `${name} with ${args.map((arg) => `${arg.index} ${arg.op} ${arg.value}`).join(', ')}`;
}

/** For a process with no capability. */
function applies({ includes = {}, excludes = {} }: Rule, architecture: string): boolean {
  if (includes.caps !== undefined && includes.caps.length > 0) return false;
  if (includes.arches !== undefined && !includes.arches.includes(architecture)) return false;
  return !(excludes.arches?.includes(architecture) ?? false);
}

/** Whether all calls that meet `ours` meet `theirs`. */
function follows(ours: readonly Condition[], theirs: readonly Condition[]): boolean {
  return theirs.every((wanted) => ours.some((given) => given.index === wanted.index && implies(given, wanted)));
}

/** Whether no call that meets `ours` meets `theirs`. */
function excludes(ours: readonly Condition[], theirs: readonly Condition[]): boolean {
  return theirs.some((wanted) =>
    ours.some((given) => given.index === wanted.index && isEq(given) && isEq(wanted) && given.value !== wanted.value),
  );
}

function implies(given: Condition, wanted: Condition): boolean {
  if (isEq(given) && wanted.op === 'SCMP_CMP_NE') return given.value !== wanted.value;
  return given.op === wanted.op && given.value === wanted.value && (given.valueTwo ?? 0) === (wanted.valueTwo ?? 0);
}

function isEq({ op }: Condition): boolean {
  return op === 'SCMP_CMP_EQ';
}
