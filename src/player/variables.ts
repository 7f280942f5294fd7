import { posix } from 'node:path';

/** A job variable as GitLab sends it (common/spec/variables.go). */
export interface Variable {
  readonly key: string;
  /** The text itself, also for file variables. */
  readonly value: string;
  readonly public: boolean;
  /** The script finds the value in a file under `<project>.tmp`, and that file's path in the variable. */
  readonly file: boolean;
  readonly masked: boolean;
  /** Not expanded. */
  readonly raw: boolean;
}

/** A variable with GitLab's defaults for what is not given: public, no file, not masked, not raw. */
export function variable(key: string, value: string, flags: Partial<Variable> = {}): Variable {
  return { public: true, file: false, masked: false, raw: false, ...flags, key, value };
}

/** The value of a variable (the last one of that name counts), '' when there is none. */
export function valueNamed(variables: readonly Variable[], key: string): string {
  return variables.findLast((candidate) => candidate.key === key)?.value ?? '';
}

/** Like valueNamed(), but a file variable gives its path, as in a script. */
export function scriptValueNamed(variables: readonly Variable[], key: string): string {
  const found = variables.findLast((candidate) => candidate.key === key);
  if (!found?.file) return found?.value ?? '';
  return posix.join(valueNamed(variables, 'RUNNER_TEMP_PROJECT_DIR'), key);
}

/** Replaces `$NAME` and `${NAME}` as Go's os.Expand does: once, `$$` gives `$`, special parameters give nothing. */
export function expand(text: string, variables: readonly Variable[]): string {
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*)|([$*#@!?0-9-]))/g, (_match, braced, name, special) => {
    const key = braced ?? name ?? special;
    return key === '$' ? '$' : scriptValueNamed(variables, key);
  });
}

/** Expands every variable that is not raw against the unexpanded list. */
export function expandAll(variables: readonly Variable[]): Variable[] {
  return variables.map((each) => (each.raw ? each : { ...each, value: expand(each.value, variables) }));
}
