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

/** The name of the timer that runs gc, and of what it runs. */
export const GC_UNIT = 'bulkhead-gc';

/**
 * The units that look for what jobs left behind.
 * @param node absolute path of the Node.js that runs the program.
 */
export function gcUnits(program: string, node: string, config: string): Map<string, string> {
  return new Map([
    [
      `${GC_UNIT}.service`,
      `[Unit]
Description=Remove what jobs left behind (Bulkhead)

[Service]
Type=oneshot
Environment=${unitWord(`BULKHEAD_NODE=${node}`)}
ExecStart=${[program, '--config', config, 'gc'].map(unitWord).join(' ')}
`,
    ],
    [
      `${GC_UNIT}.timer`,
      `[Unit]
Description=Remove what jobs left behind, now and then (Bulkhead)

[Timer]
OnBootSec=5min
OnUnitActiveSec=1h
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
`,
    ],
  ]);
}

/** A word of a unit file that systemd reads as it is: no specifier, no variable, no second word. */
function unitWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@+=:,./%$-]+$/.test(escaped) ? escaped : JSON.stringify(escaped);
}

/** Hands the controllers that limits need to the systemd of every user; distributions do so by default since 2022. */
export const DELEGATION = `[Service]
Delegate=cpu memory pids
`;
