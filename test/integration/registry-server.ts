import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { podmanUser } from '../../setup/podman-user.ts';
import { layout } from './host.ts';

const user = podmanUser(layout);

/** Who may use a registry. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/** A real registry (Debian's docker-registry) on loopback, with TLS that the Podman service trusts. */
export interface RegistryServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** PEM. Good for any port of 127.0.0.1. */
  readonly certificate: string;
  readonly key: string;
  /** Pushes an image of the service's store, as the first account; returns its name in the registry. */
  push(image: string, path: string): Promise<string>;
  /** `sha256:…` of the manifest that a tag stands for. */
  digest(path: string, tag: string): Promise<string>;
}

/** @param accounts without any, everybody may do everything. Nobody gets anything by wrong credentials, or by none. */
export async function startRegistry(accounts: readonly Account[] = []): Promise<RegistryServer> {
  const program = await registryProgram();
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-registry-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=registry of the tests', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'ca.crt')],
  ]);
  const certificate = await readFile(join(folder, 'ca.crt'), 'utf8');
  const trust = await trustCertificate(address, certificate);
  const passwords = join(folder, 'htpasswd');
  await writeFile(passwords, (await Promise.all(accounts.map(htpasswdLine))).join(''));
  await writeFile(
    join(folder, 'config.yml'),
    JSON.stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: address, tls: { certificate: join(folder, 'ca.crt'), key: join(folder, 'key.pem') } },
      ...(accounts.length > 0 && { auth: { htpasswd: { realm: 'tests', path: passwords } } }),
    }),
  );
  const server = spawn(program, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  await listening(server, port);
  return {
    address,
    certificate,
    key: await readFile(join(folder, 'key.pem'), 'utf8'),
    async push(image, path) {
      const name = `${address}/${path}`;
      const [account] = accounts;
      // Not on the command line: a test looks for passwords there.
      const login = account && { auths: { [address]: { auth: base64(`${account.username}:${account.password}`) } } };
      const authFile = join(layout.runDir, `push-${randomBytes(4).toString('hex')}.json`);
      await user.exec('tee', [authFile], { input: JSON.stringify(login ?? {}), stdout: 'ignore' });
      try {
        await user.exec('podman', ['push', '--quiet', '--authfile', authFile, image, name]);
      } finally {
        await user.exec('rm', [authFile]);
      }
      return name;
    },
    async digest(path, tag) {
      const tags = join(folder, 'data/docker/registry/v2/repositories', path, '_manifests/tags');
      return await readFile(join(tags, tag, 'current/link'), 'utf8');
    },
    async [Symbol.asyncDispose]() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill();
      await once(server, 'exit');
      await trust[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** Lets the Podman service trust the certificate for one address. */
export async function trustCertificate(address: string, certificate: string): Promise<AsyncDisposable> {
  const folder = join(user.env['HOME'] ?? '', '.config/containers/certs.d', address);
  await user.exec('mkdir', ['-p', folder]);
  await user.exec('tee', [join(folder, 'ca.crt')], { input: certificate, stdout: 'ignore' });
  return {
    async [Symbol.asyncDispose]() {
      await user.exec('rm', ['-r', folder]);
    },
  };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The registry knows bcrypt alone; perl has it from libcrypt, and gets the password by standard input. */
async function htpasswdLine({ username, password }: Account): Promise<string> {
  const salt = `$2b$05$${randomBytes(16).toString('hex').slice(0, 22)}`;
  const { stdout } = await execa('perl', ['-e', 'print crypt(<STDIN>, $ARGV[0])', salt], { input: password });
  return `${username}:${stdout.replace('$2b$', '$2y$')}\n`;
}

/** Unpacked beside the service's data and not installed: Debian's package would start a registry on every host. */
async function registryProgram(): Promise<string> {
  const folder = join(layout.dataDir, 'test-tools');
  const program = join(folder, 'usr/bin/docker-registry');
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  await execa('apt-get', ['-qq', 'download', 'docker-registry'], { cwd: folder });
  const [archive = ''] = globSync('docker-registry_*.deb', { cwd: folder });
  await execa('dpkg-deb', ['--extract', archive, '.'], { cwd: folder });
  await rm(join(folder, archive));
  return program;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function listening(server: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (server.exitCode !== null) throw new Error(`the registry ended with exit code ${server.exitCode}`);
    const probe = connect(port, '127.0.0.1');
    const open = await once(probe, 'connect').then(
      () => true,
      () => false,
    );
    probe.destroy();
    if (open) return;
    await sleep(100);
  }
  throw new Error('the registry does not listen');
}
