import type { HostLayout } from './layout.ts';

/** The name of Podman's socket and service units. */
export const PODMAN_UNIT = 'bulkhead-podman';

/**
 * The units of the user that owns Podman: the socket, and the service behind it.
 * @param env the service's whole environment; systemd's specifiers, such as %t, are expanded in it.
 */
export function podmanUnits(
  { user: name, socket }: HostLayout,
  env: Readonly<Record<string, string>>,
): Map<string, string> {
  const environment = Object.entries(env).map(([key, value]) => `Environment="${key}=${value}"`);
  return new Map([
    [
      `${PODMAN_UNIT}.socket`,
      `[Unit]
Description=Docker-compatible API of Bulkhead's rootless Podman
ConditionUser=${name}

[Socket]
ListenStream=${socket}
SocketMode=0600
DirectoryMode=0700

[Install]
WantedBy=sockets.target
`,
    ],
    [
      `${PODMAN_UNIT}.service`,
      `[Unit]
Description=Bulkhead's rootless Podman
ConditionUser=${name}
Requires=${PODMAN_UNIT}.socket
After=${PODMAN_UNIT}.socket

[Service]
Type=exec
${environment.join('\n')}
ExecStart=/usr/bin/env podman system service --time=0
Restart=always
RestartSec=1
# Sandboxes are no part of the service: they live on when it is restarted.
KillMode=process
Delegate=true
`,
    ],
  ]);
}

/** tmpfiles.d(5): /run is empty after a boot, and the service's user may not make a folder there. */
export function runFolderLine(runDir: string, user: string, group: string | number): string {
  return `d ${runDir} 0700 ${user} ${group} -\n`;
}
