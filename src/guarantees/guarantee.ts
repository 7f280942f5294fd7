/** What a policy can `require`, in the order in which it is reported. docs/guarantees.md says what each one promises. */
export const guaranteeNames = [
  'rootless',
  'gvisor',
  'capabilities',
  'no-new-privileges',
  'seccomp',
  'rootfs',
  'mounts',
  'limits.memory',
  'limits.pids',
  'limits.cpu',
  'limits.disk',
  'network.isolation',
  'network.egress',
  'network.netstack',
  'image',
] as const;

export type GuaranteeName = (typeof guaranteeNames)[number];

/** What was seen of one guarantee on a running sandbox. Asking for it, and being told that it is so, proves nothing. */
export type Observation =
  /** Seen to hold; `evidence` is what was seen. */
  | { readonly state: 'proven'; readonly evidence: string }
  /** This host cannot give it, or it cannot be seen here; `remedy` would make it available. */
  | { readonly state: 'unavailable'; readonly reason: string; readonly remedy: string }
  /** Seen not to hold, though this host should give it. No job runs then, whatever its policy requires. */
  | { readonly state: 'violated'; readonly reason: string; readonly remedy: string };
