import { type Symptom, spokenBy } from '../symptom.ts';

/** Warnings of this driver. Its errors are in codes.ts. */
export const warningSymptoms: readonly Symptom[] = spokenBy('driver', [
  {
    id: 'service-memory',
    title: 'a service was ended for its memory',
    signs: [
      'Service … is gone: the kernel ended it at limits.serviceMemory',
      'the kernel ended it at limits.serviceMemory',
    ],
    cause: 'It needed more than limits.serviceMemory of the policy.',
    blame: 'job',
    next: 'Give the service less to do or a smaller cache; or ask the operator for more.',
    page: 'limits.md',
    beside: true,
  },
  {
    id: 'service-not-up',
    title: 'a service did not answer',
    signs: ["*** WARNING: Service … probably didn't start properly."],
    cause: 'It ended, or none of its ports answered in time. The lines below the warning are what the service said.',
    blame: 'job',
    next: 'Read what it said; check its variables and HEALTHCHECK_TCP_PORT. The operator may raise servicesTimeoutSeconds.',
    page: 'services.md',
    beside: true,
  },
  {
    id: 'listed-name-unresolved',
    title: 'a name that the policy lists cannot be looked up on this host',
    signs: ['bulkhead: WARNING: … which the policy allows, cannot be resolved'],
    cause: 'The name is wrong, or the name service of the host does not answer.',
    blame: 'operator',
    next: 'Try getent ahostsv4 <name> on the host; correct network.allow of the policy.',
    page: 'network.md',
    beside: true,
  },
  {
    id: 'disk-unwatched',
    title: 'limits.disk is not watched for this job',
    signs: ['bulkhead: WARNING: limits.disk of … is not watched'],
    cause: 'The driver cannot measure what the job holds; the warning says why.',
    blame: 'operator',
    next: "Run GitLab Runner as root or as Podman's user, with util-linux installed.",
    page: 'limits.md',
    beside: true,
  },
]);
