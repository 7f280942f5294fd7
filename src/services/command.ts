import { BulkheadError } from '../errors.ts';

interface Words {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/**
 * What a service runs, as Docker puts it together: the job's entrypoint takes the place of the image's, and drops the image's
 * command with it; `[""]` is none.
 * @throws BulkheadError `service-command-missing`.
 */
export function serviceCommand(name: string, job: Words, image: Words): string[] {
  const overridden = job.entrypoint.length > 0;
  const entrypoint = overridden ? job.entrypoint : image.entrypoint;
  const command = job.command.length > 0 || overridden ? job.command : image.command;
  const words = [...(entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint), ...command];
  if (words[0]) return words;
  throw new BulkheadError(
    'service-command-missing',
    `service ${name} has nothing to run: neither its image nor the job says what`,
    'Give the service an "entrypoint" or a "command" in .gitlab-ci.yml.',
  );
}
