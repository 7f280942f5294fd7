/** Where traces go: the part of OpenTelemetry's environment variables that counts here. */
export interface TelemetrySettings {
  /** Of OTLP over HTTP, for traces. */
  readonly endpoint: string;
}

/**
 * Reads the driver's own environment, never what a job set (`CUSTOM_ENV_*`). All that a stage loads where nobody asks for traces.
 * @returns undefined when nobody does.
 */
export function telemetrySettings(env: NodeJS.ProcessEnv): TelemetrySettings | undefined {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  if ((env['OTEL_TRACES_EXPORTER'] || 'otlp') !== 'otlp') return undefined;
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (own) return { endpoint: own };
  const common = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return common ? { endpoint: `${common.replace(/\/+$/, '')}/v1/traces` } : undefined;
}
