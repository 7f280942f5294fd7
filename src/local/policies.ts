import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../configuration.ts';
import type { GuaranteeName } from '../guarantees/guarantee.ts';
import { listTrustedFolder } from '../host/trusted-file.ts';
import type { JobFacts } from '../policy/assignment.ts';
import { assignedPolicy, assignmentsFile, loadPolicy } from '../policy/load.ts';
import { formatImageReference, parseImageReference } from '../sandbox/image-reference.ts';

const readersPolicy = 'read-pipeline';
/** Whatever the job's policy requires: the reader must be held everywhere, and must not fail where only the job has to. */
const requiredOfReader: readonly GuaranteeName[] = [
  'rootless',
  'gvisor',
  'capabilities',
  'no-new-privileges',
  'rootfs',
  'mounts',
  'network.isolation',
  'network.egress',
  'image',
];

/** Configuration files, in a folder of ours, under which every job gets one policy. */
export interface LocalConfigurations {
  /** Of the job. */
  readonly job: string;
  /** Of the reader of its pipeline. */
  readonly reader: string;
}

/**
 * Copies the host's policies, with one assignment in place of theirs: of the policy that is named, or of the one that the
 * runner would give such a job. The reader of the pipeline gets the same, less all that it does not need.
 * @param folder that exists, and is nobody else's.
 * @throws BulkheadError `policy-not-found`, `policy-no-assignment`, `policy-invalid` or `file-unsafe`.
 */
export async function writeConfigurations(
  configuration: Configuration,
  folder: string,
  wanted: { readonly policy: string | undefined; readonly facts: JobFacts; readonly remoteIncludes: boolean },
): Promise<LocalConfigurations> {
  const { policies } = configuration;
  const { policy, assignment } = wanted.policy
    ? { policy: await loadPolicy(policies, wanted.policy), assignment: undefined }
    : await assignedPolicy(policies, wanted.facts);
  const write = async (name: string, changes: Partial<Configuration>) => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, JSON.stringify({ ...configuration, ...changes }), { mode: 0o600 });
    return path;
  };
  const give = async (name: string, assigned: string, more: Record<string, object> = {}) => {
    const copies = join(folder, name);
    await mkdir(copies, { mode: 0o700 });
    const files = ((await listTrustedFolder(policies)) ?? []).filter((file) => /^[a-z0-9-]+\.json$/.test(file));
    for (const file of files) await copyFile(join(policies, file), join(copies, file));
    for (const [file, content] of Object.entries({
      ...more,
      [assignmentsFile]: { assignments: [{ match: {}, policy: assigned }] },
    })) {
      await writeFile(join(copies, file), JSON.stringify(content));
    }
    return write(`${name}-configuration`, { policies: copies });
  };
  const reader = { [`${readersPolicy}.json`]: readerPolicy(policy.name, configuration, wanted.remoteIncludes) };
  return {
    // Where no policy is named, the job log says which assignment it is.
    job: assignment === undefined ? await give('job', policy.name) : await write('job-configuration', {}),
    reader: await give('reader', readersPolicy, reader),
  };
}

function readerPolicy(base: string, { helperImage }: Configuration, remoteIncludes: boolean): object {
  const image = formatImageReference(parseImageReference(helperImage));
  return {
    extends: base,
    images: {
      allow: [image],
      digest: 'optional',
      pullPolicies: [image.startsWith('localhost/') ? 'never' : 'if-not-present'],
    },
    services: { allow: [] },
    user: { run: '65534:65534', root: 'refused' },
    network: { helper: 'none', build: remoteIncludes ? 'egress' : 'none', services: 'none', allow: [] },
    cache: 'none',
    environment: { refuse: [] },
    limits: { log: '64MiB' },
    require: requiredOfReader,
  };
}
