import { BulkheadError } from '../errors.ts';
import { formatImageReference } from '../sandbox/image-reference.ts';
import type { JobFacts } from './assignment.ts';
import type { Case, Cases } from './cases.ts';
import { decide } from './decide.ts';
import type { Policy } from './policy.ts';

/** What came of a case, in the words of its `expect`. */
export interface Outcome {
  readonly decision: 'allowed' | 'refused';
  readonly policy: string | undefined;
  readonly code: string | undefined;
  readonly image: string | undefined;
  readonly pullPolicies: readonly string[] | undefined;
  /** Why it was refused. */
  readonly reason: string | undefined;
}

export interface CaseResult {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly passed: boolean;
  /** What differs. */
  readonly differences: readonly { readonly what: string; readonly expected: string; readonly got: string }[];
  readonly got: Outcome;
}

/** The policy of a job: always the same one, or by assignment. @throws BulkheadError */
export type ChoosePolicy = (facts: JobFacts) => Promise<Policy>;

export async function runCases({ document, list }: Cases, choose: ChoosePolicy): Promise<CaseResult[]> {
  return Promise.all(
    list.map(async (one, index) => {
      const got = await decideCase(one.job, choose);
      const differences = compare(one.expect, got);
      const place = { file: document.name, line: document.line(['cases', index]), name: one.name };
      return { ...place, passed: differences.length === 0, differences, got };
    }),
  );
}

/** Refusals that are the author's to mend are outcomes; a policy that cannot be used is not. */
async function decideCase(job: Case['job'], choose: ChoosePolicy): Promise<Outcome> {
  const nothing = { policy: undefined, code: undefined, image: undefined, pullPolicies: undefined, reason: undefined };
  let policy: Policy | undefined;
  try {
    policy = await choose(factsOf(job));
    const { image } = decide(policy, {
      image: job.image,
      pullPolicies: job.pullPolicies ?? [],
      user: job.user,
      services: (job.services ?? []).map((service) =>
        typeof service === 'string'
          ? { name: service, pullPolicies: [] }
          : { name: service.name, pullPolicies: service.pullPolicies ?? [] },
      ),
      variables: job.variables ?? [],
    });
    const name = formatImageReference(image.reference);
    return { ...nothing, decision: 'allowed', policy: policy.name, image: name, pullPolicies: image.pullPolicies };
  } catch (error) {
    if (!(error instanceof BulkheadError) || error.blame !== 'job') throw error;
    return { ...nothing, decision: 'refused', policy: policy?.name, code: error.code, reason: error.message };
  }
}

function factsOf(job: Case['job']): JobFacts {
  return {
    projectPath: job.project,
    // No project has it, so no condition on ids holds by accident.
    projectId: job.projectId ?? 0,
    namespaceId: job.namespaceId,
    userId: job.userId,
    protected: job.protected === true,
    runner: job.runner,
  };
}

function compare(expected: Case['expect'], got: Outcome): CaseResult['differences'] {
  return Object.entries(expected).flatMap(([what, wanted]) => {
    const came = got[what as keyof Outcome];
    if (wanted === undefined || text(wanted) === text(came)) return [];
    return [{ what, expected: text(wanted), got: text(came) }];
  });
}

function text(value: string | readonly string[] | undefined): string {
  return typeof value === 'object' ? value.join(', ') : (value ?? 'none');
}
