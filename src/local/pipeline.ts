import * as z from 'zod';
import { BulkheadError } from '../errors.ts';

const words = z.array(z.coerce.string());
const pullPolicy = z.union([z.string().transform((one) => [one]), words]);
const docker = z.object({ user: z.coerce.string().optional(), platform: z.string().optional() });
const image = z.object({
  name: z.string(),
  entrypoint: words.nullish(),
  pull_policy: pullPolicy.nullish(),
  docker: docker.nullish(),
});
const service = image.extend({
  alias: z.string().nullish(),
  command: words.nullish(),
  variables: z.record(z.string(), z.coerce.string()).nullish(),
});
const artifacts = z.object({
  paths: words.nullish(),
  exclude: words.nullish(),
  untracked: z.boolean().nullish(),
  when: z.enum(['on_success', 'on_failure', 'always']).nullish(),
});

const named = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? { name: value } : value), schema);

/** One job of the pipeline, as the reader in the sandbox (reader/jobs.ts) printed it. */
const pipelineJob = z.object({
  name: z.string(),
  stage: z.string(),
  when: z.string(),
  needs: z.array(z.string()),
  trigger: z.boolean(),
  image: named(image).nullable(),
  services: z.array(named(service)),
  variables: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()),
  beforeScript: words,
  script: words,
  afterScript: words,
  artifacts: artifacts.nullable(),
  timeout: z.coerce.string().nullable(),
});
export type PipelineJob = z.output<typeof pipelineJob>;

const refused = z.object({ error: z.string() });
const answer = z.object({ jobs: z.array(pipelineJob).max(5000) });

/**
 * The reader's answer: the last line that it printed. What it says has the weight of .gitlab-ci.yml, and no more.
 * @throws BulkheadError `pipeline-invalid`.
 */
export function parsePipeline(output: string): PipelineJob[] {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw invalid(`its reader ended without an answer: ${output.slice(-1000)}`, cause);
  }
  const { data: refusal } = refused.safeParse(json);
  if (refusal) throw invalid(oneLine(refusal.error));
  const result = answer.safeParse(json);
  if (result.success) return result.data.jobs;
  throw invalid(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** The end of it: what comes before are warnings. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .slice(-12)
    .join('; ');
}

function invalid(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError(
    'pipeline-invalid',
    `.gitlab-ci.yml cannot be read: ${why}`,
    'Correct the file. Includes from elsewhere need --allow-remote-includes.',
    { cause },
  );
}
