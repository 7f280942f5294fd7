import * as z from 'zod';
import { Secret } from '../secret.ts';

/** A string that may be missing. */
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value === true);

/** common/spec/variables.go. */
export const variableSchema = z.object({ key: z.string(), value: text, public: flag, file: flag, raw: flag });

/** A variable as GitLab's server sent it: its value is not expanded. */
export type JobVariable = z.infer<typeof variableSchema>;

const words = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** What a service has beside what an image has. */
export const serviceFields = {
  alias: text,
  entrypoint: words,
  command: words,
  variables: z.array(variableSchema).nullish(),
};

const serviceSchema = z.object({
  ...serviceFields,
  executor_opts: z.object({ docker: z.object({ platform: z.string().nullish() }).nullish() }).nullish(),
});

/** What a job says of one of its services, beside the image; the policy has no say in it. */
export interface JobService {
  /** Beside those that its image's name gives it. Anything may be in them. */
  readonly aliases: readonly string[];
  /** Empty: the image's. */
  readonly entrypoint: readonly string[];
  /** Empty: the image's. */
  readonly command: readonly string[];
  /** Undefined: this host's. */
  readonly platform: string | undefined;
  /** Its own, beside the job's. */
  readonly variables: Secret<readonly JobVariable[]>;
}

export function jobService(service: z.infer<typeof serviceSchema>): JobService {
  return {
    // As Go splits at white space, which is a little more than JavaScript's idea of it.
    aliases: service.alias.split(/[\s\u0085,]+/u).filter((alias) => alias !== ''),
    entrypoint: service.entrypoint,
    command: service.command,
    platform: service.executor_opts?.docker?.platform || undefined,
    variables: new Secret(service.variables ?? []),
  };
}
