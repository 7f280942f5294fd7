/** Where a dedicated Podman keeps its things, and as whom it runs. All paths are absolute. */
export interface HostLayout {
  /** The unprivileged user that owns the Podman service: `bulkhead` when root sets up, else the caller. */
  readonly user: string;
  /** Persistent data: Podman's storage and configuration. */
  readonly dataDir: string;
  /** Sockets and process ids; mode 0700, gone after a reboot. */
  readonly runDir: string;
  /** The Docker-compatible API socket of the dedicated Podman service. */
  readonly socket: string;
  /** The driver's configuration. */
  readonly config: string;
}
