import type { ContainerCreateOptions } from 'dockerode';
import { images } from '../host.ts';
import type { Attack, Request } from './attack.ts';

const noRoot = { user: { run: '1000:1000', root: 'refused' } };

function withNewPrivileges({ HostConfig, ...options }: ContainerCreateOptions): ContainerCreateOptions {
  const SecurityOpt = (HostConfig?.SecurityOpt ?? []).filter((option: string) => option !== 'no-new-privileges');
  return { ...options, HostConfig: { ...HostConfig, SecurityOpt } };
}

/** As the policy gives them to root. A sandbox of another user has none, which a setuid program needs as well. */
function withCapabilities({ HostConfig, ...options }: ContainerCreateOptions): ContainerCreateOptions {
  return { ...options, HostConfig: { ...HostConfig, CapAdd: ['DAC_OVERRIDE', 'SETGID', 'SETUID'] } };
}

const withBoth = (options: ContainerCreateOptions) => withNewPrivileges(withCapabilities(options));

export const userAttacks: readonly Attack[] = [
  {
    name: 'root, as which the image wants to run (user.run)',
    image: images.insider,
    script: 'id -u; echo x > /root/planted',
    stopped: /denied/,
    closed: { policy: noRoot },
    open: {},
  },
  {
    name: 'root by a setuid program (no-new-privileges)',
    image: images.insider,
    script: `id -u; /opt/su -c 'echo x > /root/planted'`,
    stopped: /denied|not permitted|must be suid/i,
    closed: { policy: noRoot, runtime: 'permissive', bend: withCapabilities },
    open: { policy: noRoot, runtime: 'permissive', bend: withBoth },
  },
  {
    name: 'root by a setuid program (no capabilities but for root)',
    image: images.insider,
    script: `id -u; /opt/su -c 'echo x > /root/planted'`,
    stopped: /denied|not permitted|can't set groups/i,
    closed: { policy: noRoot, runtime: 'permissive', bend: withNewPrivileges },
    open: { policy: noRoot, runtime: 'permissive', bend: withBoth },
  },
  {
    // Podman hands what is added to any user, and runsc lets it use that since 2025.
    name: "write root's files as another user (no capabilities but for root)",
    image: images.insider,
    script: 'id -u; echo x > /root/planted',
    stopped: /denied/,
    closed: { policy: noRoot, runtime: 'newest' },
    open: { policy: noRoot, runtime: 'newest', bend: withCapabilities },
  },
];

/** Refused whatever the image calls root. */
function rootAs(imageUser: string): Request {
  return {
    name: `an image whose USER is ${imageUser} (user.root)`,
    imageUser,
    refusal: 'policy-user-refused',
    closed: { user: { run: 'image', root: 'refused' } },
    open: {},
  };
}

export const requests: readonly Request[] = [
  ...['root:user', '00', 'toor', 'toor:user'].map(rootAs),
  ...['0', 'toor'].map((user) => ({
    ...rootAs('user'),
    name: `the user ${user}, of an image with another (image:docker:user, user.root)`,
    job: { image: { name: images.insider, user } },
  })),
  {
    name: 'an image that is not in the list (images.allow)',
    job: { image: images.busybox },
    refusal: 'policy-image-refused',
    closed: { images: { allow: ['docker.io/**', 'localhost/bulkhead/example-python:*'] } },
    open: {},
  },
  {
    name: 'an image without a digest (images.digest)',
    refusal: 'policy-image-refused',
    closed: { images: { digest: 'required' } },
    open: {},
  },
  {
    name: 'a pull policy (images.pullPolicies)',
    job: { image: { name: images.busybox, pullPolicy: ['if-not-present'] } },
    refusal: 'policy-pull-policy-refused',
    closed: { images: { pullPolicies: ['never'] } },
    open: {},
  },
  {
    name: 'a variable (environment.refuse)',
    job: { variables: { LD_PRELOAD: '/builds/planted.so' } },
    refusal: 'policy-variable-refused',
    closed: { environment: { refuse: ['LD_*'] } },
    open: {},
  },
];
