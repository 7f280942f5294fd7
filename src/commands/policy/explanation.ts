import type { JobFacts } from '../../policy/assignment.ts';
import type { AssignmentVerdict, Condition, ExplainedSetting } from '../../policy/explain.ts';
import { line } from '../print.ts';

interface NamedImage {
  /** In full. */
  readonly image: string;
  readonly pullPolicies: readonly string[];
}

export type ExplainedDecision =
  | ({ readonly decision: 'allowed'; readonly services: readonly NamedImage[] } & NamedImage)
  | { readonly decision: 'refused'; readonly code: string; readonly message: string; readonly fix: string };

/** All that `policy explain` has to say; with --json, exactly this. */
export interface Explanation {
  readonly job: JobFacts;
  readonly assignments: readonly AssignmentVerdict[];
  /** Undefined when no assignment matches. */
  readonly policy: { readonly name: string; readonly hash: string; readonly files: readonly string[] } | undefined;
  readonly settings: readonly ExplainedSetting[];
  /** Undefined when nothing was asked for. */
  readonly decision: ExplainedDecision | undefined;
}

/** For people. */
export function describe({ job, assignments, policy, settings, decision }: Explanation): string {
  return [
    `Job: ${facts(job)}`,
    '',
    'Assignments, in their order:',
    ...assignments.map(assignment),
    ...(policy === undefined
      ? []
      : [
          '',
          `Policy ${policy.name} (hash ${policy.hash.slice(0, 12)}), made of ${policy.files.join(', then ')}:`,
          ...settings.map(setting),
        ]),
    ...(decision === undefined ? ['', 'Nothing was asked for (--image and others), so nothing is decided.'] : []),
    ...(decision === undefined ? [] : ['', ...outcome(decision)]),
  ]
    .map(line)
    .join('\n');
}

function facts({ projectPath, projectId, namespaceId, userId, protected: isProtected, runner }: JobFacts): string {
  const known = {
    project: projectPath,
    projectId: projectId || undefined,
    namespaceId,
    userId,
    protected: isProtected,
    runner,
  };
  return Object.entries(known)
    .map(([name, value]) => `${name} ${value ?? 'unknown'}`)
    .join(', ');
}

function assignment({ number, file, line, policy, verdict, conditions }: AssignmentVerdict): string {
  const word = { won: 'WON', failed: 'does not match', late: 'would match, too late' }[verdict];
  const failed = conditions.filter(({ holds }) => !holds);
  const why =
    verdict === 'failed'
      ? failed.slice(0, 1).map((one) => `${say(one)} is not so: it is ${one.fact ?? 'unknown'}`)
      : conditions.map((one) => say(one));
  return `  ${number}. ${policy}: ${word}: ${why.join(' and ') || 'it has no conditions'}  (${file}:${line})`;
}

function say({ name, wanted }: Condition): string {
  return `${name} ${Array.isArray(wanted) ? wanted.join(' or ') : wanted}`;
}

function setting({ path, value, file, line, overrides }: ExplainedSetting): string {
  const instead = overrides.map((one) => `${JSON.stringify(one.value)} of ${one.file}:${one.line}`);
  return `  ${path} = ${JSON.stringify(value)}  (${file}:${line}${instead.length === 0 ? '' : `; instead of ${instead.join(', ')}`})`;
}

function outcome(decision: ExplainedDecision): string[] {
  if (decision.decision === 'refused') {
    return [`Decision: REFUSED (${decision.code}): ${decision.message}`, `    fix: ${decision.fix}`];
  }
  const image = (what: string, { image, pullPolicies }: NamedImage) =>
    `    ${what} ${image} (pull policy ${pullPolicies.join(', then ')})`;
  return ['Decision: allowed', image('image', decision), ...decision.services.map((one) => image('service', one))];
}
