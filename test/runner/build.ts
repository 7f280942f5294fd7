import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { type HostLayout, hostLayout } from '../../setup/layout.ts';
import { withLock } from '../../setup/lock.ts';
import { say } from '../../setup/say.ts';

const MODULE = join(import.meta.dirname, 'gitlab-runner');
const RUNNER = 'gitlab.com/gitlab-org/gitlab-runner';

/** The whole environment of Go beside the caller's: the toolchain that is here, and exactly the modules of go.sum. */
const env = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' };

/** Why no GitLab Runner can be built here; undefined when one can. */
export async function whyNoRunner(): Promise<string | undefined> {
  const wanted = required(/^go (\S+)$/m, readFileSync(join(MODULE, 'go.mod'), 'utf8'));
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION'], { reject: false, env });
  const found = failed ? undefined : stdout.replace(/^go/, '');
  if (found !== undefined && found.localeCompare(wanted, 'en', { numeric: true }) >= 0) return undefined;
  return `building gitlab-runner needs Go ${wanted} or newer on the PATH; found ${found ?? 'none'}`;
}

/**
 * The GitLab Runner of gitlab-runner/go.mod, built once by Go modules and kept with the host's data, where Podman's user
 * can read it: it also serves in the helper sandbox. Returns its path.
 */
export async function gitlabRunner(layout: HostLayout = hostLayout()): Promise<string> {
  const commit = required(/^\t\S+\/gitlab-runner v\S+-([0-9a-f]{12})$/m, readFileSync(join(MODULE, 'go.mod'), 'utf8'));
  const folder = join(layout.dataDir, 'gitlab-runner', `${commit}-${hashOfSources()}`);
  const binary = join(folder, 'gitlab-runner');
  if (existsSync(binary)) return binary;
  const reason = await whyNoRunner();
  if (reason !== undefined) throw new Error(reason);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  await withLock(join(folder, 'lock'), async () => {
    if (!existsSync(binary)) await build(binary, commit);
  });
  return binary;
}

async function build(binary: string, commit: string): Promise<void> {
  say('gitlab-runner', `building ${commit} by Go modules (minutes)`);
  const go = async (...args: string[]) => (await execa('go', args, { cwd: MODULE, env })).stdout;
  await go('mod', 'download', RUNNER);
  const version = readFileSync(join(await go('list', '-m', '-f', '{{.Dir}}', RUNNER), 'VERSION'), 'utf8').trim();
  const named = `-X ${RUNNER}/common.VERSION=${version} -X ${RUNNER}/common.REVISION=${commit.slice(0, 8)}`;
  const draft = `${binary}.${process.pid}.new`;
  await go('build', '-trimpath', '-ldflags', `-s -w ${named}`, '-o', draft, '.');
  renameSync(draft, binary);
}

/** A change of what we build must not find the binary of before. */
function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const name of globSync('**/{go.mod,go.sum,*.go}', { cwd: MODULE }).sort()) {
    hash.update(`${name}\0`).update(readFileSync(join(MODULE, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

function required(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`test/runner/gitlab-runner/go.mod has nothing like ${pattern}`);
  return found;
}
