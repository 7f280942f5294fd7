import { BulkheadError } from '../errors.ts';

/** One thing that is wrong in a file. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** As formatPath writes it; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** A `policy-invalid` that keeps its problems apart. */
export class PolicyInvalid extends BulkheadError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(
      'policy-invalid',
      problems.map(formatProblem).join('; '),
      'Correct the file; `bulkhead policy check` says whether it is right.',
    );
    this.problems = problems;
  }
}

/** Each of its files is right, but they do not say everything. Good enough for one that is only there to be extended. */
export class PolicyIncomplete extends PolicyInvalid {}

export function invalid(...problems: Problem[]): PolicyInvalid {
  return new PolicyInvalid(problems);
}

/** `restricted.json:7: limits.memory: what is wrong`. */
export function formatProblem({ file, line, path, message }: Problem): string {
  return [`${file}:${line}`, ...(path === '' ? [] : [path]), message].join(': ');
}
