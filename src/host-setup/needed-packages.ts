/** A package's name with apt and with dnf. */
export type Package = readonly [apt: string, dnf: string];

/** What a host has of what rootless Podman needs. */
export interface Found {
  /** Whether a program of this name is on the path. */
  program(name: string): boolean;
  /** Whether Podman finds one in folders of its own. */
  helperProgram(name: string): boolean;
  /** Whether systemd, where it runs, can give users a bus. */
  readonly userBus: boolean;
  /** The version of Podman that is there, or would be installed. */
  readonly podmanMajor: number;
}

/** The packages that rootless Podman needs and the host lacks, runsc apart: distributions differ in that. */
export function missingPodmanPackages({ program, helperProgram, userBus, podmanMajor }: Found): Package[] {
  const network = podmanMajor < 5 ? 'slirp4netns' : 'pasta';
  const wanted: [there: boolean, name: Package][] = [
    [program('podman'), ['podman', 'podman']],
    [program('newuidmap'), ['uidmap', 'shadow-utils']],
    [helperProgram('netavark'), ['netavark', 'netavark']],
    [helperProgram('aardvark-dns'), ['aardvark-dns', 'aardvark-dns']],
    // netavark's own choice of firewall differs by version; old ones know only iptables.
    [program('iptables'), ['iptables', 'iptables-nft']],
    [program('nft'), ['nftables', 'nftables']],
    [program('catatonit'), ['catatonit', 'catatonit']],
    // For hosts whose own root is an overlay, where the kernel refuses a second one.
    [program('fuse-overlayfs'), ['fuse-overlayfs', 'fuse-overlayfs']],
    [program(network), network === 'pasta' ? ['passt', 'passt'] : ['slirp4netns', 'slirp4netns']],
    [userBus, ['dbus-user-session', 'dbus-broker']],
  ];
  return wanted.filter(([there]) => !there).map(([, name]) => name);
}
