import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** What a stranger has on a bare Debian before the first command of the README; everything else is set-up's task. */
const PACKAGES = ['ca-certificates', 'git', 'nodejs', 'npm'];

/** On disk, and kept over a reboot: rootless overlay storage will be made below it. */
const FOLDER = '/var/tmp/bulkhead-pristine';
/** No Go, no Node but Debian's. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CLONE = '/root/bulkhead';

/** A Debian root folder that has never been used, and the way to run a command in it as on a machine of its own. */
export interface PristineMachine {
  readonly root: string;
  /** Runs a shell script in a clone of this repository. Every process it leaves behind ends with it. */
  run(script: string, timeoutMs: number): Promise<Outcome>;
  [Symbol.dispose](): void;
}

interface Outcome {
  readonly exitCode: number | undefined;
  /** Both streams, in order. */
  readonly output: string;
  readonly seconds: number;
}

/** Unpacks a Debian release and clones `repository`'s HEAD into it. The root is made once and kept as an archive. */
export async function pristineMachine(codename: string, repository: string): Promise<PristineMachine> {
  const archive = await pristineArchive(codename);
  const root = mkdtempSync(join(FOLDER, `${codename}-`));
  try {
    await execa('tar', ['--extract', '--numeric-owner', '--file', archive, '--directory', root]);
    await execa('git', ['clone', '--quiet', '--depth=1', `file://${repository}`, join(root, CLONE)]);
    const env = { ...(await clientSettings(root)), HOME: '/root', PATH };
    return {
      root,
      run: (script, timeoutMs) => enter(root, ['sh', '-c', `cd ${CLONE} && ${script}`], env, timeoutMs),
      [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}

async function pristineArchive(codename: string): Promise<string> {
  const archive = join(FOLDER, `${codename}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
  const draft = `${archive}.new`;
  await execa(
    'mmdebstrap',
    ['--quiet', '--variant=minbase', `--include=${PACKAGES.join(',')}`, '--format=tar', codename, draft],
    { stdin: 'ignore', timeout: 10 * 60_000 },
  );
  renameSync(draft, archive);
  return archive;
}

async function enter(root: string, command: string[], env: Record<string, string>, timeout: number): Promise<Outcome> {
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--ipc', '--uts'];
  const script = join(import.meta.dirname, 'enter.sh');
  const { exitCode, all, durationMs } = await execa('unshare', [...namespaces, 'sh', script, root, ...command], {
    env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout,
  });
  return { exitCode, output: all, seconds: Math.round(durationMs / 1000) };
}

/**
 * How this host reaches the world is a property of its network, not of a Debian release: the resolver, added certificate
 * authorities, and npm's settings come along. Returns the environment that names them.
 */
async function clientSettings(root: string): Promise<Record<string, string>> {
  const carry = (from: string, to = from): string => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { recursive: true, dereference: true });
    return to;
  };
  writeFileSync(join(root, 'etc/resolv.conf'), readFileSync('/etc/resolv.conf'));
  if (existsSync('/usr/local/share/ca-certificates')) carry('/usr/local/share/ca-certificates');
  await execa('chroot', [root, 'update-ca-certificates'], { env: { PATH } });
  const settings: Record<string, string> = {};
  for (const name of ['userconfig', 'globalconfig']) {
    const { stdout: file } = await execa('npm', ['config', 'get', name]);
    if (existsSync(file)) settings[`npm_config_${name}`] = carry(file, `/etc/host-npm/${name}`);
  }
  const authorities = process.env['NODE_EXTRA_CA_CERTS'];
  if (authorities && existsSync(authorities)) settings['NODE_EXTRA_CA_CERTS'] = carry(authorities);
  return settings;
}
