/** What gitlab-ci-local printed is a document that the job's author wrote: nothing of it is taken for granted. */
type Node = Readonly<Record<string, unknown>>;

/** One job of the pipeline, expanded: what GitLab would send of it, as far as .gitlab-ci.yml says it. */
export interface ReadJob {
  /** As GitLab writes it; with the values of its matrix. */
  readonly name: string;
  readonly stage: string;
  /** `never` for a job that the rules leave out. */
  readonly when: string;
  readonly needs: readonly string[];
  /** A pipeline that the job would start, in place of a script. */
  readonly trigger: boolean;
  /** As `image:` has it after gitlab-ci-local made it an object. */
  readonly image: unknown;
  readonly services: unknown;
  readonly variables: Readonly<Record<string, string>>;
  readonly beforeScript: unknown;
  readonly script: unknown;
  readonly afterScript: unknown;
  readonly artifacts: unknown;
  readonly timeout: unknown;
}

/** Below every exit code that a job could mean. */
const firstMark = -1;

/**
 * gitlab-ci-local says which jobs the rules let in, but not by which rule, whose variables count. Each rule is given a mark
 * where gitlab-ci-local hands it on: in allow_failure.
 */
export function markRules(preview: Node): Node {
  return Object.fromEntries(
    Object.entries(preview).map(([name, job]) => {
      if (!isNode(job) || !Array.isArray(job['rules']) || name === 'workflow') return [name, job];
      const rules = job['rules'].map((rule, index) =>
        isNode(rule) ? { ...rule, allow_failure: { exit_codes: firstMark - index } } : rule,
      );
      return [name, { ...job, rules }];
    }),
  );
}

/**
 * The jobs, from the two things that gitlab-ci-local prints.
 * @param preview of `--preview`: extends, includes, defaults and references resolved.
 * @param listed of `--list-json` on markRules(preview): matrix and rules resolved.
 * @throws Error when the two do not belong together.
 */
export function jobsOf(preview: Node, listed: readonly Node[]): ReadJob[] {
  const rest = [...listed];
  const jobs: ReadJob[] = [];
  for (const [base, job] of Object.entries(preview)) {
    if (!isNode(job) || !isNode(rest[0])) continue;
    for (const instance of instancesOf(base, job)) {
      if (rest[0]?.['name'] !== instance.listedAs) break;
      jobs.push(jobOf(preview, job, instance, rest.shift() ?? {}));
    }
  }
  if (rest.length > 0)
    throw new Error(`gitlab-ci-local lists the job ${text(rest[0]?.['name'])}, and does not describe it`);
  return jobs;
}

interface Instance {
  readonly name: string;
  /** gitlab-ci-local leaves out the blanks that GitLab writes. */
  readonly listedAs: string;
  readonly variables: Readonly<Record<string, string>>;
}

function instancesOf(base: string, { parallel }: Node): Instance[] {
  const [name, total] = [base, Number(parallel)];
  if (Number.isInteger(total) && typeof parallel === 'number') {
    return Array.from({ length: total }, (_, index) => ({
      name: `${name} ${index + 1}/${total}`,
      listedAs: `${name}: [${index + 1}/${total}]`,
      variables: { CI_NODE_INDEX: `${index + 1}`, CI_NODE_TOTAL: `${total}` },
    }));
  }
  const matrix = isNode(parallel) ? parallel['matrix'] : undefined;
  if (!Array.isArray(matrix)) return [{ name, listedAs: name, variables: {} }];
  const all = matrix.filter(isNode).flatMap(combinations);
  return all.map((variables, index) => {
    const values = Object.values(variables);
    return {
      name: `${name}: [${values.join(', ')}]`,
      listedAs: `${name}: [${values.join(',')}]`,
      variables: { ...variables, CI_NODE_INDEX: `${index + 1}`, CI_NODE_TOTAL: `${all.length}` },
    };
  });
}

/** One of each key's values, in every way. */
function combinations(entry: Node): Record<string, string>[] {
  return Object.entries(entry).reduce<Record<string, string>[]>(
    (before, [key, values]) =>
      before.flatMap((one) =>
        (Array.isArray(values) ? values : [values]).map((value) => ({ ...one, [key]: text(value) })),
      ),
    [{}],
  );
}

function jobOf(preview: Node, job: Node, { name, variables }: Instance, listed: Node): ReadJob {
  const inherited = isNode(job['inherit']) ? job['inherit']['variables'] : undefined;
  const globals = Object.entries(texts(preview['variables'])).filter(
    ([key]) => inherited !== false && (!Array.isArray(inherited) || inherited.includes(key)),
  );
  const needs = Array.isArray(listed['needs']) ? listed['needs'] : [];
  return {
    name,
    stage: text(listed['stage']),
    when: text(listed['when']),
    needs: needs.filter(isNode).map((need) => text(need['job'])),
    trigger: job['trigger'] !== undefined,
    image: job['image'] ?? null,
    services: job['services'] ?? [],
    variables: {
      ...Object.fromEntries(globals),
      ...texts(job['variables']),
      ...variables,
      ...texts(matchedRule(job, listed)?.['variables']),
    },
    beforeScript: list(job['before_script']),
    script: list(job['script']),
    afterScript: list(job['after_script']),
    artifacts: job['artifacts'] ?? null,
    timeout: job['timeout'] ?? null,
  };
}

function matchedRule(job: Node, { allow_failure: allowed }: Node): Node | undefined {
  const mark = isNode(allowed) ? allowed['exit_codes'] : undefined;
  const rules = Array.isArray(job['rules']) ? job['rules'] : [];
  return typeof mark === 'number' && mark <= firstMark ? rules[firstMark - mark] : undefined;
}

function texts(variables: unknown): Record<string, string> {
  if (!isNode(variables)) return {};
  return Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [key, text(isNode(value) ? value['value'] : value)]),
  );
}

function list(script: unknown): unknown {
  return typeof script === 'string' ? [script] : (script ?? []);
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
