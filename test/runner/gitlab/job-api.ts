import type { FinalUpdate, ServerJob } from './server-job.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly body?: Buffer;
}

/** Seconds between two updates of a trace; GitLab says 3 while somebody watches. */
const updateSeconds = '1';

/** What a job's answers always carry: the state that the runner looks at to know of a cancel. */
export function stateHeaders(job: ServerJob): Record<string, string> {
  return { 'job-status': job.status, 'x-gitlab-trace-update-interval': updateSeconds };
}

const running = (job: ServerJob) => job.status === 'running' || job.status === 'canceling';

/** PATCH /jobs/:id/trace */
export function patchTrace(
  job: ServerJob,
  range: string | undefined,
  debugTrace: boolean,
  piece: Buffer,
  problem: (text: string) => void,
): Answer {
  if (!running(job)) return notRunning(job);
  const status = job.trace.append(range, piece);
  if (status !== 202) problem(`job ${job.id}: trace range ${range}, ${piece.length} bytes, at ${job.trace.size}`);
  job.debugTrace ||= debugTrace;
  return { status, headers: { ...stateHeaders(job), range: `0-${job.trace.size}` } };
}

interface Update {
  readonly state?: string;
  readonly failure_reason?: string;
  readonly exit_code?: number;
  readonly checksum?: string;
  readonly output?: { readonly checksum?: string; readonly bytesize?: number };
}

/** PUT /jobs/:id */
export function updateJob(job: ServerJob, update: Update, problem: (text: string) => void): Answer {
  const { state } = update;
  const ends = state === 'success' || state === 'failed';
  if (!ends && state !== 'running') problem(`job ${job.id}: state ${state}`);
  if (!running(job)) {
    if (ends) job.final ??= finalUpdate(state, update);
    return notRunning(job);
  }
  if (!ends) return { status: 200, headers: stateHeaders(job), json: 200 };
  const { checksum, bytesize } = update.output ?? {};
  if (checksum !== job.trace.checksum || bytesize !== job.trace.size || checksum !== update.checksum) {
    problem(`job ${job.id}: ${JSON.stringify(update.output)}, stored ${job.trace.checksum}, ${job.trace.size} bytes`);
  }
  if (job.deferrals > 0) {
    job.deferrals -= 1;
    return { status: 202, headers: stateHeaders(job), json: 202 };
  }
  job.final = finalUpdate(state, update);
  job.status = job.status === 'canceling' ? 'canceled' : state;
  return { status: 200, headers: stateHeaders(job), json: 200 };
}

/** What GitLab answers once a job has ended, above all after a forced cancel. */
function notRunning(job: ServerJob): Answer {
  return { status: 403, headers: stateHeaders(job), json: { message: '403 Forbidden - Job is not running' } };
}

function finalUpdate(state: 'success' | 'failed', update: Update): FinalUpdate {
  return { state, failureReason: update.failure_reason, exitCode: update.exit_code };
}

/** POST /jobs/:id/artifacts: one file in a form. */
export async function storeArtifact(
  job: ServerJob,
  query: URLSearchParams,
  contentType: string,
  body: Buffer,
): Promise<Answer> {
  const form = await new Request('http://form.invalid', {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: new Uint8Array(body),
  }).formData();
  const file = form.get('file');
  if (!(file instanceof File)) return { status: 400, json: { message: 'file is missing' } };
  job.artifacts.push({
    filename: file.name,
    type: query.get('artifact_type') ?? 'archive',
    format: query.get('artifact_format') ?? 'zip',
    expireIn: query.get('expire_in') ?? '',
    content: Buffer.from(await file.arrayBuffer()),
  });
  return { status: 201, json: { message: 'Created' } };
}

/** GET /jobs/:id/artifacts: the archive. */
export function sendArtifact(job: ServerJob): Answer {
  const archive = job.artifacts.find(({ type }) => type === 'archive');
  if (archive === undefined) return { status: 404, json: { message: '404 Not Found' } };
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${archive.filename}"`,
    },
    body: archive.content,
  };
}
