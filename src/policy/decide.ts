import { BulkheadError, type ErrorCode } from '../errors.ts';
import { formatImageReference, type ImageReference, parseImageReference } from '../sandbox/image-reference.ts';
import { isRoot } from '../sandbox/user.ts';
import { compileGlob } from './glob.ts';
import { matchesImage } from './image-pattern.ts';
import type { Policy } from './policy.ts';
import type { Settings } from './schema.ts';

export type PullPolicy = Settings['images']['pullPolicies'][number];

/** What a job asks for. All of it is chosen by the job's author; none of it decides which policy applies. */
export interface JobRequest {
  /** As the author wrote it, variables expanded by GitLab Runner; undefined when the job names none. */
  readonly image: string | undefined;
  /** Empty when the job leaves it to the runner. */
  readonly pullPolicies: readonly string[];
  /** `image:docker:user`: `uid`, `uid:gid`, or names that the image knows; undefined when the job leaves it to the image. */
  readonly user: string | undefined;
  readonly services: readonly {
    readonly name: string;
    readonly pullPolicies: readonly string[];
    readonly user?: string | undefined;
  }[];
  /** Names of all variables of the job, its services' own among them. */
  readonly variables: readonly string[];
}

/** An image that the policy allows. */
export interface AllowedImage {
  readonly reference: ImageReference;
  /** In the order in which they are tried; never empty. */
  readonly pullPolicies: readonly PullPolicy[];
}

/** A service that the policy allows. */
export interface AllowedService extends AllowedImage {
  /** As that of the build sandbox. */
  readonly user: string | undefined;
}

/** What a job gets. */
export interface Decision {
  readonly policy: Policy;
  readonly image: AllowedImage;
  /** Of the build sandbox, as Podman takes it; undefined means the image's own. */
  readonly user: string | undefined;
  readonly services: readonly AllowedService[];
}

/**
 * Holds a job's requests against its policy. Pure.
 * @throws BulkheadError `policy-…-refused`, `image-missing` or `image-reference-invalid`; all are the author's to mend.
 */
export function decide(policy: Policy, request: JobRequest, defaultImage?: string): Decision {
  const { environment, limits } = policy.settings;
  for (const name of request.variables) {
    if (environment.refuse.some((glob) => compileGlob(glob)(name))) {
      throw refusal(
        policy,
        'policy-variable-refused',
        `variable ${quote(name)}`,
        'environment.refuse',
        'Remove the variable from the job.',
      );
    }
  }
  const image = allow(policy, 'images', requestedImage(request, defaultImage), request.pullPolicies);
  if (request.services.length > limits.services) {
    const what = `${request.services.length} services`;
    throw refusal(policy, 'policy-services-refused', what, 'limits.services', `Allowed: at most ${limits.services}.`);
  }
  const services = request.services.map(({ name, pullPolicies, user }) => ({
    ...allow(policy, 'services', name, pullPolicies),
    user: allowUser(policy, user),
  }));
  return { policy, image, user: allowUser(policy, request.user), services };
}

function allowUser(policy: Policy, asked: string | undefined): string | undefined {
  const { run, root } = policy.settings.user;
  if (run !== 'image' && (asked === undefined || asked === run)) return run;
  if (asked === undefined) return undefined;
  const what = `user ${quote(asked)}`;
  if (run !== 'image') throw refusal(policy, 'policy-user-refused', what, 'user.run', `Allowed: ${run}.`);
  // What Podman would make of other words is not for a job to find out.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/.test(asked)) {
    throw refusal(policy, 'policy-user-refused', what, 'user.run', 'Allowed: uid, uid:gid, user or user:group.');
  }
  if (root === 'refused' && isRoot(asked)) {
    throw refusal(policy, 'policy-user-refused', what, 'user.root', 'Allowed: users other than root.');
  }
  return asked;
}

function requestedImage(request: JobRequest, defaultImage: string | undefined): string {
  const name = request.image ?? defaultImage;
  if (name !== undefined) return name;
  throw new BulkheadError(
    'image-missing',
    'the job names no image, and this runner has no default image',
    'Add "image:" to the job, or "defaultImage" to the configuration of the runner.',
  );
}

function allow(policy: Policy, kind: 'images' | 'services', name: string, asked: readonly string[]): AllowedImage {
  const rules = policy.settings[kind];
  const reference = parseImageReference(name);
  const what = `${kind === 'images' ? 'image' : 'service'} ${formatImageReference(reference)}`;
  const code = kind === 'images' ? 'policy-image-refused' : 'policy-services-refused';
  if (!rules.allow.some((pattern) => matchesImage(pattern, reference))) {
    const allowed = rules.allow.length === 0 ? 'none' : rules.allow.join(', ');
    throw refusal(policy, code, what, `${kind}.allow`, `Allowed: ${allowed}.`);
  }
  if (rules.digest === 'required' && reference.digest === undefined) {
    throw refusal(
      policy,
      code,
      what,
      `${kind}.digest`,
      'Allowed: images named by digest, as in registry/path@sha256:….',
    );
  }
  // The job's order, as with GitLab Runner's own executors.
  const pullPolicies =
    asked.length === 0 ? rules.pullPolicies.slice(0, 1) : asked.filter((one) => isOneOf(rules.pullPolicies, one));
  if (pullPolicies.length === 0) {
    const wanted = `pull policy ${asked.map(quote).join(', ')} of ${what}`;
    const allowed = `Allowed: ${rules.pullPolicies.join(', ')}.`;
    throw refusal(policy, 'policy-pull-policy-refused', wanted, `${kind}.pullPolicies`, allowed);
  }
  return { reference, pullPolicies };
}

function isOneOf(allowed: readonly PullPolicy[], asked: string): asked is PullPolicy {
  return (allowed as readonly string[]).includes(asked);
}

/** One refusal: what, by which rule, and what would be allowed. */
export function refusal(policy: Policy, code: ErrorCode, what: string, rule: string, allowed: string): BulkheadError {
  const origin = policy.origins.get(rule);
  const place = origin === undefined ? `policy ${policy.name}` : `${origin.file}, line ${origin.line}`;
  return new BulkheadError(code, `policy "${policy.name}" does not allow ${what} (rule ${rule} in ${place})`, allowed);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
