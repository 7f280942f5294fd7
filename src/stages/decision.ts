import type { Configuration } from '../configuration.ts';
import { type Decision, decide, refusal } from '../policy/decide.ts';
import { type AssignedPolicy, assignedPolicy } from '../policy/load.ts';
import type { Policy } from '../policy/policy.ts';
import type { Job } from '../runner/job.ts';
import { isRoot } from '../sandbox/user.ts';

export interface JobDecision extends Decision {
  readonly assigned: AssignedPolicy;
}

/**
 * What the policies of this host say about a job. Which policy it is depends on nothing that the job's author chooses.
 * @throws BulkheadError every `policy-…` code, `file-unsafe`, `image-missing`, `image-reference-invalid`.
 */
export async function decideJob(job: Job, configuration: Configuration): Promise<JobDecision> {
  const { projectPath, projectId, namespaceId, userId, protected: isProtected } = job;
  const facts = { projectPath, projectId, namespaceId, userId, protected: isProtected, runner: configuration.runner };
  const assigned = await assignedPolicy(configuration.policies, facts);
  return { assigned, ...decide(assigned.policy, job.request, configuration.defaultImage) };
}

/**
 * Refuses an image whose containers would run as root where the policy does not want that. A user that the image names
 * may still turn out to be root; that shows in the running sandbox.
 * @param user as the image has it: name or number, with or without a group; empty means root.
 * @throws BulkheadError `policy-user-refused`.
 */
export function requireAllowedUser(policy: Policy, image: string, user: string): void {
  const { run, root } = policy.settings.user;
  if (root === 'allowed' || run !== 'image') return;
  if (!isRoot(user)) return;
  const hint = 'Allowed: images with a USER other than root.';
  throw refusal(policy, 'policy-user-refused', `root, the user of image ${image}`, 'user.root', hint);
}
