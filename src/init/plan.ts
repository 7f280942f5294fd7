import { join } from 'node:path';
import { CNI_FOLDER } from '../host-setup/host-checks.ts';
import { serviceEnvironment } from '../host-setup/podman-user.ts';
import type { RootStep } from '../host-setup/root-steps.ts';
import { runscFlags, runscWrapper } from '../host-setup/runsc-flags.ts';
import { serviceFiles } from '../host-setup/service-files.ts';
import { SYSTEMD_RUN } from '../host-setup/systemd-run.ts';
import { DELEGATION, GC_UNIT, gcUnits, PODMAN_UNIT, podmanUnits, runFolderLine } from '../host-setup/units.ts';
import { accountStep, lingerStep, subordinateIdsStep } from '../host-setup/user-steps.ts';
import type { HostFacts } from './facts.ts';
import { requirements } from './requirements.ts';
import { type FileStep, type FolderStep, HELPER_IMAGE_PLACE, type Step } from './steps.ts';

export interface InitOptions {
  readonly helperImage: string | undefined;
  readonly merge: { readonly path: string; readonly runner: string | undefined; readonly replace: boolean } | undefined;
}

/** What would have to be done to a host, in order. */
export interface Plan {
  /** Why it cannot be done at all. */
  readonly obstacles: readonly string[];
  /** What has to be done first, by somebody else. */
  readonly requirements: readonly RootStep[];
  readonly steps: readonly Step[];
  /** What this host will not give, or what else the operator should know. */
  readonly notes: readonly string[];
}

export const DELEGATION_FILE = '/etc/systemd/system/user@.service.d/bulkhead.conf';
export const TMPFILES = '/etc/tmpfiles.d/bulkhead.conf';

/**
 * Pure: the facts of a host and what the operator asked for, as steps. Each is taken only where it is missing.
 * @param merged whether init has put the driver into a config.toml before.
 */
export function plan(facts: HostFacts, options: InitOptions, merged = false): Plan {
  return {
    obstacles: obstacles(facts),
    requirements: requirements(facts),
    steps: [
      ...delegationSteps(facts),
      ...userSteps(facts),
      ...folders(facts),
      ...configurationFiles(facts),
      ...systemdSteps(facts),
      ...runtimeStep(facts),
      serviceStep(facts),
      helperStep(options),
      configurationStep(facts, options),
      timerStep(facts),
      ...mergeStep(facts, options),
    ],
    notes: notes(facts, merged || options.merge !== undefined),
  };
}

function obstacles({ systemd, developerSetUp, layout, productUnsafe }: HostFacts): string[] {
  return [
    ...(systemd ? [] : ['no systemd runs here, and nothing else would keep Podman and the gc timer running']),
    ...(developerSetUp
      ? [`${layout.dataDir} is the Podman of "npm run setup": undo that first, as docs/setup.md says`]
      : []),
    ...(productUnsafe === undefined ? [] : [`GitLab Runner would run what others can change: ${productUnsafe}`]),
  ];
}

function notes({ cgroup2, root, release, programs, product, node }: HostFacts, merged: boolean): string[] {
  const configured = merged ? [] : ['put the block above into config.toml, or have it merged: --merge'];
  const ownNode = node.startsWith(`${product}/`);
  return [
    ...(cgroup2 ? [] : ['limits: this host has cgroup version 1, so no limit of memory, tasks or processors holds']),
    ...(release.fedoraLike ? ['SELinux: nobody has tried this set-up where it is enforcing'] : []),
    ...(programs.node === undefined && !ownNode
      ? [`GitLab Runner must find Node.js: have BULKHEAD_NODE=${node} in the environment of its service`]
      : []),
    ...(root ? [] : ['GitLab Runner must run as you: no other user can open the socket']),
    ...configured,
  ];
}

function userSteps({ root, layout, userGroup, subordinateIds, lingers }: HostFacts): Step[] {
  if (!root) return [];
  const { user, dataDir } = layout;
  const account = accountStep(user, dataDir);
  const linger = lingerStep(user);
  return [
    ...(userGroup === undefined
      ? [
          {
            kind: 'user',
            what: account.text,
            why: 'owns Podman; nothing runs as root',
            commands: account.commands,
          } as const,
        ]
      : []),
    ...(subordinateIds === undefined
      ? []
      : [
          {
            kind: 'subordinate-ids',
            what: subordinateIdsStep(user, subordinateIds).text,
            why: 'every user of a sandbox is one of them on the host',
            commands: subordinateIdsStep(user, subordinateIds).commands,
          } as const,
        ]),
    ...(lingers
      ? []
      : [
          { kind: 'linger', what: linger.text, why: 'a system user never logs in', commands: linger.commands } as const,
        ]),
  ];
}

function folders({ root, layout, cniFolder, podmanMajor = 5 }: HostFacts): FolderStep[] {
  const { dataDir, configDir, policies, seccompProfiles, stateFolder } = layout;
  const folder = (path: string, mode: number, why: string, owner: 'podman' | 'self' = 'self'): FolderStep => ({
    kind: 'folder',
    path,
    mode,
    owner,
    what: `making ${path}`,
    why,
  });
  return [
    folder(configDir, 0o755, 'configuration: nobody but its owner can change it'),
    folder(policies, 0o755, 'policies and their assignments'),
    folder(seccompProfiles, 0o755, 'seccomp profiles'),
    folder(dataDir, 0o755, "Podman's storage and configuration, receipts"),
    folder(join(dataDir, 'bin'), 0o755, "the runtime; Podman's user cannot change it"),
    folder(join(dataDir, 'empty'), 0o755, 'Podman looks for hooks there, and finds none'),
    folder(join(dataDir, 'images'), 0o755, 'what images are built from, while they are'),
    folder(stateFolder, 0o700, 'receipts, and who may use which image'),
    folder(join(dataDir, 'home'), 0o700, "Podman's home", 'podman'),
    folder(join(dataDir, 'storage'), 0o700, 'images and containers', 'podman'),
    ...(root && !cniFolder && podmanMajor < 5
      ? [folder(CNI_FOLDER, 0o755, 'so that Podman 4 does not hide all of /var/lib')]
      : []),
  ];
}

function file(path: string, content: string, why: string, { mode = 0o644, restarts = false } = {}): FileStep {
  return { kind: 'file', path, mode, content, restarts, what: `writing ${path}`, why };
}

function configurationFiles({ layout, root, shipped }: HostFacts): FileStep[] {
  const { dataDir, policies, seccompProfiles } = layout;
  const restarts = true;
  return [
    ...Object.entries(shipped.policies).map(([name, text]) => file(join(policies, name), text, 'a shipped policy')),
    ...Object.entries(shipped.seccomp).map(([name, text]) =>
      file(join(seccompProfiles, name), text, 'a shipped seccomp profile'),
    ),
    ...serviceFiles(layout, { seccompProfiles, systemd: true, root }).map(([name, text]) =>
      file(join(dataDir, name), text, 'read by this Podman and no other', { restarts }),
    ),
    file(join(dataDir, 'bin', 'systemd-run'), SYSTEMD_RUN, "keeps Podman's DNS server where it can be ended", {
      mode: 0o755,
    }),
  ];
}

/** What systemd has to know before lingering starts the user's own systemd. */
function delegationSteps({ root, delegated }: HostFacts): Step[] {
  const missing = ['cpu', 'memory', 'pids'].filter((name) => delegated !== undefined && !delegated.includes(name));
  if (!root || missing.length === 0) return [];
  return [
    file(DELEGATION_FILE, DELEGATION, `systemd does not hand on ${missing.join(', ')}, which limits need`),
    {
      kind: 'delegation',
      what: 'having systemd hand on cgroup controllers to users',
      why: 'limits sit on slices of the user',
      commands: [['systemctl', 'daemon-reload']],
    },
  ];
}

/** The units, and the folder that the socket is in. */
function systemdSteps({ root, layout, product, node }: HostFacts): Step[] {
  const { runDir, user, userUnits, gcUnits: gcFolder, config } = layout;
  // systemd.unit(5): %t is the runtime folder of the user's systemd, /run/user/<uid>.
  const env = serviceEnvironment(layout, '%t');
  const tmpfiles = [
    file(TMPFILES, runFolderLine(runDir, user, '-'), '/run is empty after a boot'),
    {
      kind: 'run-folder',
      what: `making ${runDir}`,
      why: "for the socket; nobody but root and Podman's user can look into it",
      commands: [['systemd-tmpfiles', '--create', TMPFILES]],
    } as const,
  ];
  return [
    ...(root ? tmpfiles : []),
    ...[...podmanUnits(layout, env)].map(([name, text]) =>
      file(join(userUnits, name), text, "of the systemd of Podman's user", { restarts: true }),
    ),
    ...[...gcUnits(join(product, 'bin/bulkhead'), node, config)].map(([name, text]) =>
      file(join(gcFolder, name), text, 'removes what jobs left behind whose runner is gone'),
    ),
  ];
}

function runtimeStep({ layout, programs, runscVersion }: HostFacts): Step[] {
  if (programs.runsc === undefined) return [];
  const version = runscVersion ?? '';
  const path = join(layout.dataDir, 'bin', 'runsc');
  const content = runscWrapper(programs.runsc, runscFlags(version, 'sandbox'));
  return [
    {
      kind: 'runtime',
      path,
      binary: programs.runsc,
      version,
      content,
      what: `writing ${path}, after a sandbox has shown which network works`,
      why: 'the flags without which runsc ignores seccomp must never be lost',
    },
  ];
}

function serviceStep({ layout }: HostFacts): Step {
  return {
    kind: 'service',
    what: `starting Podman behind ${layout.socket}, and asking it what it is`,
    why: 'Podman accepts settings that it then ignores',
    commands: [['systemctl', '--user', 'enable', '--now', `${PODMAN_UNIT}.socket`]],
  };
}

function helperStep({ helperImage }: InitOptions): Step {
  return {
    kind: 'helper-image',
    given: helperImage,
    what:
      helperImage === undefined
        ? 'building the helper image on Debian from docker.io, or on one that mmdebstrap makes (minutes, once)'
        : helperImage.startsWith('/')
          ? `loading the helper image from ${helperImage}`
          : `having the helper image ${helperImage}`,
    why: 'git, caches and artifacts run in it',
  };
}

function configurationStep({ layout, programs }: HostFacts, { helperImage }: InitOptions): Step {
  const configuration = {
    socket: layout.socket,
    helperImage: helperImage === undefined || helperImage.startsWith('/') ? HELPER_IMAGE_PLACE : helperImage,
    policies: layout.policies,
    seccompProfiles: layout.seccompProfiles,
    stateFolder: layout.stateFolder,
    ...(programs.catatonit && { init: programs.catatonit }),
    ...(programs['gitlab-runner'] && { gitlabRunner: programs['gitlab-runner'] }),
  };
  return {
    kind: 'configuration',
    path: layout.config,
    content: `${JSON.stringify(configuration, null, 2)}\n`,
    what: `writing ${layout.config}`,
    why: "the driver's configuration (docs/configuration.md)",
  };
}

function timerStep({ root }: HostFacts): Step {
  return {
    kind: 'timer',
    what: `starting ${GC_UNIT}.timer`,
    why: 'jobs whose runner was killed have nobody else to clean up after them',
    commands: [['systemctl', ...(root ? [] : ['--user']), 'enable', '--now', `${GC_UNIT}.timer`]],
  };
}

function mergeStep({ product }: HostFacts, { merge }: InitOptions): Step[] {
  if (merge === undefined) return [];
  const program = join(product, 'bin/bulkhead');
  const which = merge.runner === undefined ? '' : ` of the runner ${merge.runner}`;
  return [
    {
      kind: 'merge',
      ...merge,
      program,
      what: `putting [runners.custom]${which} into ${merge.path}`,
      why: 'GitLab Runner then calls the driver',
    },
  ];
}
