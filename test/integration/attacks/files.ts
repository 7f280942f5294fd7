import type { ContainerCreateOptions } from 'dockerode';
import type { JobInput } from '../../../src/player/job.ts';
import { layout } from '../host.ts';
import type { Attack } from './attack.ts';

type Bend = (options: ContainerCreateOptions) => ContainerCreateOptions;

const withHostFile =
  (path: string): Bend =>
  ({ HostConfig, ...options }) => {
    const mount = { Type: 'bind' as const, Source: path, Target: path, ReadOnly: true };
    return { ...options, HostConfig: { ...HostConfig, Mounts: [...(HostConfig?.Mounts ?? []), mount] } };
  };

const withVolumes =
  (change: (binds: readonly string[]) => string[]): Bend =>
  ({ HostConfig, ...options }) => ({
    ...options,
    HostConfig: { ...HostConfig, Binds: change(HostConfig?.Binds ?? []) },
  });

const writableScripts = withVolumes((binds) => binds.map((bind) => bind.replace(':/bulkhead:ro,', ':/bulkhead:rw,')));

/** Variables are the author's to override. Whose cache it is must not depend on them. */
const project = { id: 4301, path: 'group/victim' };
const stranger: JobInput = {
  project: { id: 4302, path: 'group/stranger' },
  variables: { CI_PROJECT_ID: '4301', CI_PROJECT_PATH: 'group/victim' },
};
const unprotected: JobInput = {
  project,
  git: { protected: false },
  variables: { GIT_STRATEGY: 'none', CI_COMMIT_REF_PROTECTED: 'true' },
};
const poison = 'grep victim /cache/file && echo poison > /cache/file';

export const fileAttacks: readonly Attack[] = [
  {
    name: 'write to the root file system (rootFilesystem)',
    script: 'echo x > /usr/bin/planted',
    stopped: /Read-only file system/,
    closed: { policy: { rootFilesystem: 'read-only' } },
    open: {},
  },
  {
    name: 'change the script of a later stage (scripts volume)',
    script: 'for one in /bulkhead/scripts/*; do echo "echo owned" >> "$one" && rm "$one" || exit 1; done',
    stopped: /Read-only file system/,
    closed: {},
    open: { bend: writableScripts },
  },
  {
    name: 'empty the script of a later stage (scripts volume)',
    script: 'true > "$0"; [ ! -s "$0" ]',
    stopped: /Read-only file system/,
    closed: {},
    open: { bend: writableScripts },
  },
  {
    name: 'change the script of a later stage, from the helper (scripts volume; a volume of the job can be written)',
    stage: 'get_sources',
    script: 'echo "echo owned" > /bulkhead/scripts/planted',
    stopped: /Read-only file system/,
    closed: {},
    open: { instead: 'echo "echo owned" > /builds/planted' },
  },
  {
    name: "see the operator's configuration (mounts)",
    script: `grep helperImage ${layout.config}`,
    stopped: /No such file/,
    closed: {},
    open: { bend: withHostFile(layout.config) },
  },
  {
    name: "see Podman's socket (mounts)",
    script: `ls -l ${layout.socket}`,
    stopped: /No such file/,
    closed: {},
    open: { bend: withHostFile(layout.socket) },
  },
  {
    name: "see another job's files (volumes of its own)",
    victim: { stage: 'get_sources', script: 'echo "of the victim" > /builds/file' },
    script: 'grep -r "of the victim" /builds /mnt || { echo nothing >&2; exit 1; }',
    stopped: /nothing/,
    closed: {},
    open: {
      bend: (options, victim) => withVolumes((binds) => [...binds, `${victim('builds')}:/mnt`])(options),
    },
  },
  {
    name: "poison another project's cache (a cache volume per project)",
    victim: { job: { project }, stage: 'archive_cache', script: 'echo "of the victim" > /cache/file' },
    script: poison,
    stopped: /No such file/,
    closed: { job: stranger },
    open: { job: { project } },
  },
  {
    name: 'poison the cache of protected refs (cache: project-and-protection)',
    victim: { job: { project }, stage: 'archive_cache', script: 'echo "of the victim" > /cache/file' },
    script: poison,
    stopped: /No such file/,
    closed: { policy: { cache: 'project-and-protection' }, job: unprotected },
    open: { policy: { cache: 'project' }, job: unprotected },
  },
];
