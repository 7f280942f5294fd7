import { existsSync } from 'node:fs';

export { release } from '../src/host-setup/release.ts';

export const isRoot: boolean = process.getuid?.() === 0;

/** Whether systemd is PID 1 (what sd_booted(3) checks) and keeps user sessions. */
export const systemdRuns: boolean = existsSync('/run/systemd/system') && existsSync('/usr/bin/loginctl');
