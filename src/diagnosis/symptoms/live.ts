import { type Symptom, spokenBy } from '../symptom.ts';

/** What no line says: it shows in where a log ends, or in what Podman holds of a job now. */
export const liveSymptoms = {
  endsInPrepare: {
    id: 'ends-in-prepare',
    title: 'the log ends while the sandboxes were being made',
    signs: [],
    cause:
      'prepare hangs (a pull, services that do not answer, a Podman service that hangs), or the runner was killed in the middle of it, or the log is not all there.',
    blame: 'operator',
    next: 'Look at "bulkhead ps" while it hangs: if nothing of the job is there it waits for an image or for Podman. Then look at the log of the Podman service.',
    page: 'setup.md',
  },
  leaked: {
    id: 'leaked-objects',
    title: 'the job is over, and its sandboxes are still there',
    signs: [],
    cause: 'GitLab Runner was killed, or did not wait for cleanup.',
    blame: 'operator',
    next: 'Run "bulkhead gc". If it happens often, raise shutdown_timeout of GitLab Runner.',
    page: 'gc.md',
  },
  sandboxEnded: {
    id: 'sandbox-ended',
    title: 'a sandbox of the job has ended, and the job has not',
    signs: [],
    cause: 'It was ended for its memory, by the kernel or by somebody on the host, or the job ended its PID 1.',
    blame: 'system',
    next: 'Look at dmesg on the host. The next stage of the job reports sandbox-died.',
    page: 'errors.md#sandbox-died',
  },
} as const satisfies Record<string, Omit<Symptom, 'speaker'>>;

export const allLiveSymptoms: readonly Symptom[] = spokenBy('host', Object.values(liveSymptoms));
