import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** The distribution, as its os-release file (man 5 os-release) says: `debian`, `12`, `bookworm`. */
export interface Release {
  readonly id: string;
  readonly version: string;
  readonly codename: string;
  readonly debianLike: boolean;
  /** Fedora, and what calls itself like it: RHEL, CentOS Stream, Alma, Rocky. */
  readonly fedoraLike: boolean;
}

export function release(osRelease: string = readFileSync('/etc/os-release', 'utf8')): Release {
  const entries = parseEnv(osRelease);
  const id = entries['ID'] ?? 'unknown';
  const family = [id, ...(entries['ID_LIKE'] ?? '').split(' ')];
  return {
    id,
    version: entries['VERSION_ID'] ?? '',
    codename: entries['VERSION_CODENAME'] ?? '',
    debianLike: family.includes('debian'),
    fedoraLike: family.includes('fedora') || family.includes('rhel'),
  };
}
