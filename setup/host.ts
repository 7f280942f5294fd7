import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** The distribution, as its os-release file (man 5 os-release) says: `debian`, `12`, `bookworm`. */
export interface Release {
  readonly id: string;
  readonly version: string;
  readonly codename: string;
  readonly debianLike: boolean;
}

export function release(osRelease: string = readFileSync('/etc/os-release', 'utf8')): Release {
  const entries = parseEnv(osRelease);
  const id = entries['ID'] ?? 'unknown';
  return {
    id,
    version: entries['VERSION_ID'] ?? '',
    codename: entries['VERSION_CODENAME'] ?? '',
    debianLike: [id, ...(entries['ID_LIKE'] ?? '').split(' ')].includes('debian'),
  };
}

export const isRoot: boolean = process.getuid?.() === 0;

/** Whether systemd is PID 1 (what sd_booted(3) checks) and keeps user sessions. */
export const systemdRuns: boolean = existsSync('/run/systemd/system') && existsSync('/usr/bin/loginctl');
