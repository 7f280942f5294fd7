import { execa } from 'execa';
import { type Check, type Finding, fail, ok, skipped, warn } from './check.ts';
import { compareVersions } from './host/versions.ts';

const oldest = '16.0.0';

export const gitlabRunner: Check = {
  id: 'gitlab-runner',
  title: 'GitLab Runner',
  about:
    'GitLab Runner 16.0 or newer calls the driver. The one on the PATH is asked, else the one that the configuration names as `gitlabRunner`; where it runs in a container, its version cannot be seen from here.',
  async look(host) {
    const configured = (await host.configuration.need().catch(() => undefined))?.gitlabRunner;
    for (const program of ['gitlab-runner', ...(configured ? [configured] : [])]) {
      const { stdout, failed, code } = await execa(program, ['--version'], { reject: false, timeout: 10_000 });
      if (!failed) return judgeGitlabRunner(program, stdout);
      if (code !== 'ENOENT') return fail(`${program} --version fails`, 'Install gitlab-runner again.');
    }
    return skipped('no gitlab-runner is on the PATH, nor named by the configuration');
  },
};

/** @param output of `--version`. */
export function judgeGitlabRunner(program: string, output: string): Finding {
  const version = /^Version:\s+v?(\d+\.\d+\.\d+)/m.exec(output)?.[1];
  if (version === undefined) {
    return warn(`${program} does not say its version`, 'Use a release of GitLab Runner, 16.0 or newer.');
  }
  if (compareVersions(version, oldest) < 0)
    return fail(`GitLab Runner ${version} is too old`, 'Install 16.0 or newer.');
  return ok(`GitLab Runner ${version} (${program})`);
}
