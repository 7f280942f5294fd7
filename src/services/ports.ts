import { BulkheadError } from '../errors.ts';

/** As the Docker executor has it: the lowest ones. */
const mostPorts = 20;

/**
 * The TCP ports that say whether a service is up, as the Docker executor chooses them: HEALTHCHECK_TCP_PORT of its
 * environment, in any case of letters, else those that the image exposes.
 * @param environment `NAME=value`, the image's and then the service's own.
 * @param exposed as an image has them: `6379/tcp`.
 * @throws BulkheadError `service-port-invalid`.
 */
export function healthPorts(name: string, environment: readonly string[], exposed: readonly string[]): number[] {
  const last = new Map(environment.map((line) => [line.replace(/=.*$/s, ''), line.replace(/^[^=]*=/s, '')]));
  for (const [key, value] of last) {
    if (key.toUpperCase() !== 'HEALTHCHECK_TCP_PORT') continue;
    if (/^\+?0*[0-9]{1,5}$/.test(value) && Number(value) > 0 && Number(value) <= 65535) return [Number(value)];
    throw new BulkheadError(
      'service-port-invalid',
      // Its value may be a secret's, and this text is kept in a receipt.
      `HEALTHCHECK_TCP_PORT of service ${name} is no port number`,
      'Set it to a number from 1 to 65535, or leave it out.',
    );
  }
  return exposed
    .flatMap((text) => {
      const [, number, protocol = 'tcp'] = /^([0-9]{1,5})(?:\/([a-z]+))?$/.exec(text) ?? [];
      return protocol === 'tcp' && Number(number) > 0 && Number(number) <= 65535 ? [Number(number)] : [];
    })
    .sort((a, b) => a - b)
    .slice(0, mostPorts);
}
