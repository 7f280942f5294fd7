import { BulkheadError } from '../errors.ts';
import { escapeForeign } from '../runner/job-log.ts';

/** Characters of a registry's or Podman's words that are shown. */
const longestReason = 1000;

/** The wording is that of containers/image; what it does not settle is not the author's fault. */
export function classifyPullError(name: string, message: string): BulkheadError {
  const why = escapeForeign(message, longestReason);
  if (
    /manifest unknown|name unknown|repository name not known|reading manifest .*\bnot found|artifact .* not found|no image found in (?:manifest list|image index)|reading manifest .*StatusCode: 404\b/i.test(
      message,
    )
  ) {
    return new BulkheadError(
      'image-not-found',
      `image ${name} does not exist in its registry: ${why}`,
      'Check the name and the tag of the image.',
    );
  }
  if (
    /unauthorized: |: unauthorized$|\(unauthorized\)|authentication required|access to the resource is denied|denied: |HTTP code 401\b|HTTP 40[13] response|bear(?:er)? token: .*\b40[13]\b|reading manifest .*StatusCode: 40[13]\b|invalid username\/password/i.test(
      message,
    )
  ) {
    return new BulkheadError(
      'image-access-denied',
      `the registry does not give out image ${name}: ${why}`,
      'Check the name of the image, and whether the job has credentials for it (DOCKER_AUTH_CONFIG).',
    );
  }
  return new BulkheadError(
    'image-pull-failed',
    `image ${name} could not be pulled: ${why}`,
    'Check the network between this host and the registry; retry the job.',
  );
}

/**
 * Whether it may help to ask again soon. Not for what Podman itself has asked again for: connections that are refused (four times
 * in 7 s) and the answer 429 (twenty times in two minutes); more would only make it worse.
 */
export function isTransient(message: string): boolean {
  return (
    /unexpected EOF|: EOF$|connection reset|broken pipe|timeout|timed out|deadline exceeded|temporary failure|stream error|server sent GOAWAY|use of closed network connection/i.test(
      message,
    ) || /(?:HTTP status|status code from registry|StatusCode):? 5\d\d\b/i.test(message)
  );
}
