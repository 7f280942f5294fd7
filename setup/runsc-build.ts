import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { HostLayout } from './layout.ts';
import { SetupError, say } from './say.ts';

const MODULE = join(import.meta.dirname, 'runsc');

/** The runsc of setup/runsc/go.mod, built once by Go modules. Returns its path. */
export async function latestRunsc(layout: HostLayout): Promise<string> {
  const goMod = readFileSync(join(MODULE, 'go.mod'), 'utf8');
  const version = required(/^\s*gvisor\.dev\/gvisor (\S+)/m, goMod);
  const folder = join(layout.dataDir, 'runsc', version);
  const binary = join(folder, 'runsc');
  if (existsSync(binary)) return binary;
  await requireGo(required(/^go (\S+)$/m, goMod));
  say('runsc', `building ${version} by Go modules (minutes)`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const draft = join(folder, `runsc.${process.pid}.new`);
  const flags = ['-trimpath', '-ldflags', `-s -w -X gvisor.dev/gvisor/runsc/version.version=${version}`];
  await execa('go', ['build', ...flags, '-o', draft, 'gvisor.dev/gvisor/runsc'], {
    cwd: MODULE,
    env: { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  });
  renameSync(draft, binary);
  return binary;
}

async function requireGo(wanted: string): Promise<void> {
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION'], { reject: false, env: { GOTOOLCHAIN: 'local' } });
  const found = failed ? undefined : stdout.replace(/^go/, '');
  if (found !== undefined && found.localeCompare(wanted, 'en', { numeric: true }) >= 0) return;
  throw new SetupError(`--runsc=latest needs Go ${wanted} or newer on the PATH; found ${found ?? 'none'}`);
}

function required(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`setup/runsc/go.mod has nothing like ${pattern}`);
  return found;
}
