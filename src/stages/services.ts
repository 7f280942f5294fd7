import type { ImageFacts } from '../podman/images.ts';
import type { AllowedService } from '../policy/decide.ts';
import type { Job } from '../runner/job.ts';
import { escapeForeign, logLine } from '../runner/job-log.ts';
import type { JobService } from '../runner/job-services.ts';
import { formatImageReference } from '../sandbox/image-reference.ts';
import type { ServiceDemand } from '../sandbox/specify.ts';
import { serviceCommand } from '../services/command.ts';
import { serviceEnvironment } from '../services/environment.ts';
import { type Naming, nameServices, serviceName } from '../services/names.ts';
import { healthPorts } from '../services/ports.ts';
import type { JobDecision } from './decision.ts';

/** Characters: it names some aliases and an image. */
const longestWarning = 2000;

/** A service that will be started. */
export interface PlannedService {
  /** Its place in the job's list. */
  readonly index: number;
  /** `name:version`, for people. */
  readonly title: string;
  readonly aliases: readonly string[];
  readonly allowed: AllowedService;
  readonly definition: JobService;
}

/** The same, with all that its image has to say. */
export interface ServiceDescription {
  readonly title: string;
  readonly demand: ServiceDemand;
  /** Ports of TCP of which one must answer before the job goes on. */
  readonly ports: readonly number[];
}

/** What the job's services are called. Pure. @throws BulkheadError `image-reference-invalid`. */
export function namesOfServices({ request, services }: Job): Naming {
  return nameServices(
    request.services.map(({ name }, index) => ({ image: name, aliases: services[index]?.aliases ?? [] })),
  );
}

/** Says in the job log which services will be started, and which alias will not be had. @throws `image-reference-invalid`. */
export async function planServices(job: Job, { services }: JobDecision): Promise<PlannedService[]> {
  const { aliases, warnings } = namesOfServices(job);
  for (const warning of warnings)
    await logLine(`bulkhead: WARNING: ${escapeForeign(warning, longestWarning)}`, 'stderr');
  return services.flatMap((allowed, index) => {
    const definition = job.services[index];
    const own = aliases[index] ?? [];
    if (definition === undefined || own.length === 0) return [];
    return [{ index, title: titleOf(job.request.services[index]?.name ?? ''), aliases: own, allowed, definition }];
  });
}

function titleOf(image: string): string {
  const { service, version } = serviceName(image);
  return version.startsWith('@') ? `${service}${version}` : `${service}:${version}`;
}

/**
 * Pure.
 * @param images of the services, in their order.
 * @throws BulkheadError `service-command-missing` or `service-port-invalid`.
 */
export function describeServices(
  services: readonly PlannedService[],
  images: readonly ImageFacts[],
  job: Job,
  env: NodeJS.ProcessEnv,
): ServiceDescription[] {
  return services.flatMap((service, index) => {
    const image = images[index];
    return image === undefined ? [] : [describeService(service, image, job, env)];
  });
}

function describeService(
  { index, title, aliases, allowed, definition }: PlannedService,
  image: ImageFacts,
  job: Job,
  env: NodeJS.ProcessEnv,
): ServiceDescription {
  const name = formatImageReference(allowed.reference);
  const environment = serviceEnvironment(job.variables.reveal(), definition.variables.reveal(), env);
  const command = serviceCommand(name, definition, image);
  return {
    title,
    demand: { index, command, aliases, environment, user: allowed.user, imageUser: image.user },
    ports: healthPorts(name, [...image.environment, ...environment], image.exposedPorts),
  };
}
