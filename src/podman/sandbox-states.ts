import { labelKeys } from '../sandbox/names.ts';
import { isNotFound, type Podman, request } from './client.ts';
import type { LabelledObject } from './labelled-objects.ts';
import { inspectContainer } from './libpod.ts';

/** A container of a job, as libpod describes it now. All of it is foreign text but the numbers. */
export interface SandboxState {
  /** `helper`, `build`, `service-<n>` or `courier`. */
  readonly role: string;
  /** Name of its image; its id where it has none. */
  readonly image: string;
  /** `created`, `running`, `exited` … */
  readonly state: string;
  /** Of no meaning while it runs. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Name of the OCI runtime that really runs it. */
  readonly runtime: string;
}

/** The part of libpod's answer that counts here. */
interface Inspection {
  readonly ImageName?: string;
  readonly Image: string;
  readonly OCIRuntime: string;
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly OOMKilled: boolean };
}

/**
 * The containers among objects, sorted by role; those that have gone meanwhile are left out.
 * @throws BulkheadError of the requests.
 */
export async function sandboxStates(podman: Podman, objects: readonly LabelledObject[]): Promise<SandboxState[]> {
  const states: SandboxState[] = [];
  for (const { kind, id, labels } of objects) {
    if (kind !== 'container') continue;
    try {
      const { ImageName, Image, OCIRuntime, State } = await request(
        'inspect sandbox',
        inspectContainer<Inspection>(podman, id),
      );
      states.push({
        role: labels[labelKeys.role] ?? '',
        image: ImageName || Image,
        state: State.Status,
        exitCode: State.ExitCode,
        oomKilled: State.OOMKilled,
        runtime: OCIRuntime,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return states.toSorted((a, b) => a.role.localeCompare(b.role));
}
