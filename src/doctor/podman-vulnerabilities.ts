import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type Check, type Finding, ok, warn } from './check.ts';
import { compareVersions } from './host/versions.ts';

/** A hole that upstream's release notes name, and the first release of each line that closes it. */
interface Vulnerability {
  readonly cve: string;
  readonly what: string;
  readonly fixed: readonly string[];
}

/** Of those, what images, registries and jobs can make use of; oldest first. Source: the release notes of Podman. */
const known: readonly Vulnerability[] = [
  { cve: 'CVE-2026-55686', what: "an image's WORKDIR that is a link makes folders on the host", fixed: ['5.7.1'] },
  {
    cve: 'CVE-2026-57231',
    what: "an image's environment takes variables of the host",
    fixed: ['5.8.4', '6.0.0'],
  },
  { cve: 'CVE-2026-17106', what: 'links in an archive lead out of the folder it is unpacked to', fixed: ['6.1.1'] },
  { cve: 'CVE-2026-94603', what: 'a checkpoint image turns sandboxing off', fixed: ['5.8.8', '6.1.3'] },
  { cve: 'CVE-2026-111361', what: 'an image gets past its digest or signature', fixed: ['6.2.0'] },
];

export const podmanVulnerabilities: Check = {
  id: 'podman-vulnerabilities',
  title: 'known flaws of Podman',
  about:
    "Flaws that images and registries could use, where upstream closed them in a later release than this one. A warning, never a verdict: distributions close flaws without changing the version. What the changelog of Debian's package names as closed is taken off the list; for others, ask `rpm -q --changelog podman`. Not listed: flaws of `podman build`, `kube play`, `machine` and Quadlet, which the driver does not use, and those that are newer than this version of Bulkhead.",
  async look(host) {
    const { version, distribution } = await host.info.need();
    return judgeVulnerabilities(version, distribution, await changelog());
  },
};

/** Of the package; empty where there is none, as on distributions that keep none on disk. */
async function changelog(): Promise<string> {
  const packed = await readFile('/usr/share/doc/podman/changelog.Debian.gz').catch(() => undefined);
  try {
    return packed === undefined ? '' : gunzipSync(packed, { maxOutputLength: 16 * 1024 * 1024 }).toString();
  } catch {
    return '';
  }
}

export function judgeVulnerabilities(version: string, distribution: string, changelog: string): Finding {
  const open = known.filter((one) => isOlder(version, one) && !new RegExp(`\\b${one.cve}\\b`).test(changelog));
  if (open.length === 0) return ok(`none known of Podman ${version} to this version of Bulkhead`);
  const list = open.map(({ cve, what, fixed }) => `${cve} (${what}; upstream: ${fixed.join(', ')})`);
  const where = /^(debian|ubuntu)$/.test(distribution)
    ? 'zgrep CVE- /usr/share/doc/podman/changelog.Debian.gz, and the security tracker of your distribution'
    : 'rpm -q --changelog podman | grep CVE-, and the security tracker of your distribution';
  return warn(
    `Podman ${version} is older than the releases in which upstream closed ${list.join('; ')}`,
    `Distributions close flaws without a new version, so see whether yours did: ${where}. If not, upgrade Podman.`,
  );
}

function isOlder(version: string, { fixed }: Vulnerability): boolean {
  const major = (text: string) => Number(/^\d+/.exec(text)?.[0]);
  const sameLine = fixed.find((one) => major(one) === major(version));
  return compareVersions(version, sameLine ?? fixed.at(-1) ?? version) < 0;
}
