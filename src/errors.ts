/** Who has to act: the author of the job, the operator of this host, or (when in doubt) the system itself. */
export type Blame = 'job' | 'operator' | 'system';

/** The closed set of error codes. Each has a section in docs/errors.md; a test holds the two together. */
export const errorCodes = {
  'image-reference-invalid': 'job',
  'image-not-found': 'job',
  'image-access-denied': 'job',
  'image-platform-unavailable': 'job',
  'image-user-unknown': 'job',
  'image-missing': 'job',
  'registry-auth-invalid': 'job',
  'shell-not-found': 'job',
  'entrypoint-invalid': 'job',
  'entrypoint-not-found': 'job',
  'service-command-missing': 'job',
  'service-port-invalid': 'job',
  'policy-no-assignment': 'job',
  'policy-image-refused': 'job',
  'policy-pull-policy-refused': 'job',
  'policy-services-refused': 'job',
  'policy-user-refused': 'job',
  'policy-variable-refused': 'job',
  'pipeline-invalid': 'job',
  'working-tree-unusable': 'job',
  'artifacts-unusable': 'job',
  'limit-log-exceeded': 'job',
  'limit-disk-exceeded': 'job',
  'limit-memory-exceeded': 'job',
  'limit-pids-exceeded': 'job',
  'configuration-invalid': 'operator',
  'configuration-not-found': 'operator',
  'file-unsafe': 'operator',
  'policy-invalid': 'operator',
  'policy-not-found': 'operator',
  'seccomp-profile-invalid': 'operator',
  'init-impossible': 'operator',
  'runner-config-refused': 'operator',
  'receipts-unusable': 'operator',
  'image-records-unusable': 'operator',
  'metrics-unusable': 'operator',
  'helper-image-missing': 'operator',
  'init-unreadable': 'operator',
  'podman-not-rootless': 'operator',
  'network-guard-failed': 'operator',
  'guarantee-violated': 'operator',
  'guarantee-unavailable': 'operator',
  'pipeline-unread': 'system',
  'podman-unreachable': 'system',
  'podman-request-failed': 'system',
  'podman-connection-lost': 'system',
  'image-pull-failed': 'system',
  'sandbox-start-failed': 'system',
  'sandbox-missing': 'system',
  'sandbox-died': 'system',
  'script-unreadable': 'system',
  'job-response-unreadable': 'system',
  'exit-code-file-unwritable': 'system',
  'output-closed': 'system',
  terminated: 'system',
  'cleanup-incomplete': 'system',
  'job-orphaned': 'system',
  'internal-error': 'system',
} as const satisfies Record<string, Blame>;

export type ErrorCode = keyof typeof errorCodes;

/** Every failure that this driver knows by name. `message` says what and why, `hint` says how to fix it. */
export class BulkheadError extends Error {
  override readonly name = 'BulkheadError';
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  get blame(): Blame {
    return errorCodes[this.code];
  }
}

/** Anything thrown, as one of ours; what is not known blames the system, never the job. */
export function toBulkheadError(error: unknown): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new BulkheadError(
    'internal-error',
    `unexpected failure: ${text}`,
    'If it repeats, report it together with this log.',
    { cause: error },
  );
}
