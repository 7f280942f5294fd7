import type { Build } from './build.ts';
import { expand, type Variable, variable } from './variables.ts';

/** CI_JOB_SERVICES: the job's services as JSON, or an empty text when there are none (executors/custom/custom.go). */
export function servicesVariable(build: Build): Variable {
  const services = build.job.services ?? [];
  const all = build.variables;
  const list = services.map((service) => {
    const own = service.variables ?? [];
    return {
      name: service.name,
      alias: service.alias?.split(/[\s,]+/).find((alias) => alias !== '') ?? '',
      entrypoint: service.entrypoint ?? null,
      command: service.command ?? null,
      ...(own.length > 0 && {
        variables: Object.fromEntries(own.map(({ key, value }) => [key, expand(value, [...all, ...own])])),
      }),
    };
  });
  return variable('CI_JOB_SERVICES', list.length > 0 ? JSON.stringify(list) : '');
}
