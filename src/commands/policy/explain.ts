import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BulkheadError, toBulkheadError } from '../../errors.ts';
import type { JobFacts } from '../../policy/assignment.ts';
import { decide, type JobRequest } from '../../policy/decide.ts';
import { explainAssignments, explainSettings } from '../../policy/explain.ts';
import { loadAssignments, loadPolicy } from '../../policy/load.ts';
import type { Policy } from '../../policy/policy.ts';
import { readJob } from '../../runner/job.ts';
import { formatImageReference } from '../../sandbox/image-reference.ts';
import type { Choose, PeopleCommand } from '../command.ts';
import { printResult } from '../print.ts';
import { describe, type ExplainedDecision, type Explanation } from './explanation.ts';
import { addFolderOptions, type FolderOptions, openFolder } from './folder.ts';

interface ExplainOptions extends FolderOptions {
  readonly job?: string;
  readonly project?: string;
  readonly projectId?: number;
  readonly namespaceId?: number;
  readonly userId?: number;
  readonly protected?: boolean;
  readonly runner?: string;
  readonly image?: string;
  readonly pullPolicy?: string[];
  readonly user?: string;
  readonly service?: string[];
  readonly variable?: string[];
}

const factOptions = ['project', 'projectId', 'namespaceId', 'userId', 'protected'];
const requestOptions = ['image', 'pullPolicy', 'user', 'service', 'variable'];

export function registerExplain(policy: Command, choose: Choose): void {
  addFolderOptions(policy.command('explain').description('say which policy a job gets, why, and what comes of it'))
    .addOption(
      new Option('--job <file>', 'job response of GitLab Runner (its JOB_RESPONSE_FILE)').conflicts([
        ...factOptions,
        ...requestOptions,
      ]),
    )
    .option('--project <path>', 'full path of the project, such as group/project')
    .option('--project-id <id>', 'number of the project', id)
    .option('--namespace-id <id>', 'number of the group or user that the project is in', id)
    .option('--user-id <id>', 'number of the user who started the job', id)
    .option('--protected', 'the ref is protected')
    .option('--runner <name>', 'name of the runner (default: runner of the configuration)')
    .option('--image <image>', 'what the job asks for, as in .gitlab-ci.yml')
    .option('--pull-policy <policy...>', 'in the order of the job')
    .option('--user <user>', 'image:docker:user of the job')
    .option('--service <image...>', 'services of the job')
    .option('--variable <name...>', 'names of variables of the job')
    .addHelpText(
      'after',
      `
Examples:
  bulkhead policy explain --project group/app --protected --image debian:12
  bulkhead policy explain --job job-response.json --json
  bulkhead policy explain --policies policies --project group/app | less

Exit codes: 0 the job can run; 1 it is refused; 2 a file cannot be used, or the command line is wrong.`,
    )
    .action((options: ExplainOptions) => choose(options, explain(options)));
}

function explain(options: ExplainOptions): PeopleCommand {
  return async (context) => {
    const folder = await openFolder(options, context);
    const runner = options.runner ?? folder.configuration?.runner;
    const { facts, request } = await readSubject(options, runner);
    const assignments = await loadAssignments(folder.path, folder.read);
    const verdicts = explainAssignments(assignments, facts);
    const winner = verdicts.find(({ verdict }) => verdict === 'won');
    const place = <T extends { readonly file: string }>(one: T): T => ({ ...one, file: join(folder.path, one.file) });
    let explanation: Explanation = {
      job: facts,
      assignments: verdicts.map(place),
      policy: undefined,
      settings: [],
      decision: winner === undefined ? noAssignment(assignments.document.name) : undefined,
    };
    if (winner !== undefined) {
      const policy = await loadPolicy(folder.path, winner.policy, folder.read);
      const documents = await Promise.all(policy.files.map(folder.document));
      const settings = explainSettings(
        policy,
        documents.filter((document) => document !== undefined),
      );
      explanation = {
        ...explanation,
        policy: { name: policy.name, hash: policy.hash, files: policy.files.map((file) => join(folder.path, file)) },
        settings: settings.map((setting) => ({ ...place(setting), overrides: setting.overrides.map(place) })),
        decision: tryToDecide(policy, request, folder.configuration?.defaultImage),
      };
    }
    await printResult(context.json ? JSON.stringify({ schemaVersion: 1, ...explanation }) : describe(explanation));
    return explanation.decision?.decision === 'refused' ? 1 : 0;
  };
}

async function readSubject(
  { job: file, ...options }: ExplainOptions,
  runner: string | undefined,
): Promise<{ facts: JobFacts; request: JobRequest | undefined }> {
  if (file !== undefined) {
    const job = await readJob({ JOB_RESPONSE_FILE: file });
    const { projectPath, projectId, namespaceId, userId, protected: isProtected } = job;
    return {
      facts: { projectPath, projectId, namespaceId, userId, protected: isProtected, runner },
      request: job.request,
    };
  }
  const facts = {
    projectPath: options.project,
    projectId: options.projectId ?? 0,
    namespaceId: options.namespaceId,
    userId: options.userId,
    protected: options.protected === true,
    runner,
  };
  const asked = requestOptions.some((name) => name in options);
  const request = {
    image: options.image,
    pullPolicies: options.pullPolicy ?? [],
    user: options.user,
    services: (options.service ?? []).map((name) => ({ name, pullPolicies: [] })),
    variables: options.variable ?? [],
  };
  return { facts, request: asked ? request : undefined };
}

/** Undefined when nothing was asked for. */
function tryToDecide(
  policy: Policy,
  request: JobRequest | undefined,
  defaultImage: string | undefined,
): ExplainedDecision | undefined {
  if (request === undefined) return undefined;
  try {
    const { image, services } = decide(policy, request, defaultImage);
    const say = ({ reference, pullPolicies }: typeof image) => ({
      image: formatImageReference(reference),
      pullPolicies: [...pullPolicies],
    });
    return { decision: 'allowed', ...say(image), services: services.map(say) };
  } catch (error) {
    return refused(error);
  }
}

function noAssignment(file: string): ExplainedDecision {
  const message = `no assignment in ${file} matches: the job is refused`;
  return refused(new BulkheadError('policy-no-assignment', message, 'Add an assignment, or let it run elsewhere.'));
}

function refused(thrown: unknown): ExplainedDecision {
  const { code, message, hint, blame } = toBulkheadError(thrown);
  if (blame !== 'job') throw thrown;
  return { decision: 'refused', code, message, fix: hint };
}

function id(text: string): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Write a number from 1.');
}
