import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { readPairs } from './spans.ts';

/** A collector that hangs holds up a stage by no more. */
const mostMs = 1000;

/**
 * Sends spans to a collector, once. Never fails: what does not arrive in time is lost.
 * @param env for `OTEL_EXPORTER_OTLP_HEADERS` and `…_TIMEOUT`, which can only make it shorter.
 */
export async function exportTrace(endpoint: string, body: object, env: NodeJS.ProcessEnv): Promise<void> {
  const asked = Number(env['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'] || env['OTEL_EXPORTER_OTLP_TIMEOUT'] || mostMs);
  const timeout = asked > 0 ? Math.min(asked, mostMs) : mostMs;
  const headers = {
    ...readPairs(env['OTEL_EXPORTER_OTLP_HEADERS']),
    ...readPairs(env['OTEL_EXPORTER_OTLP_TRACES_HEADERS']),
    'content-type': 'application/json',
  };
  try {
    const url = new URL(endpoint);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    await new Promise<void>((resolve, reject) => {
      const options = { method: 'POST', headers, agent: false, signal: AbortSignal.timeout(Math.ceil(timeout)) };
      const request = send(url, options, (response) => response.once('error', reject).once('close', resolve).resume());
      request.once('error', reject).end(JSON.stringify(body));
    });
  } catch {
    // A job is not to fail, nor to read warnings, for its operator's telemetry.
  }
}
