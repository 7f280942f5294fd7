import { type ChildProcess, spawn } from 'node:child_process';
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

/** A real registry (Debian's docker-registry) on loopback, with TLS that the Podman service trusts. */
export interface RegistryServer extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  /** Pushes an image of the service's store; returns its name in the registry. */
  push(image: string, path: string): Promise<string>;
}

/** @param access `password` refuses everybody who shows no credentials. */
export async function startRegistry(access: 'open' | 'password' = 'open'): Promise<RegistryServer> {
  const program = await registryProgram();
  const folder = await mkdtemp(join(tmpdir(), 'bulkhead-registry-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=registry of the tests', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'ca.crt')],
  ]);
  const trust = join(user.env['HOME'] ?? '', '.config/containers/certs.d', address);
  await user.exec('mkdir', ['-p', trust]);
  await user.exec('tee', [join(trust, 'ca.crt')], { input: await readFile(join(folder, 'ca.crt')), stdout: 'ignore' });
  const passwords = join(folder, 'htpasswd');
  await writeFile(passwords, `somebody:$2y$05$abcdefghijklmnopqrstuu6rKXdS.zvCqzrr19715oq3meDtjs/ge\n`);
  await writeFile(
    join(folder, 'config.yml'),
    JSON.stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: address, tls: { certificate: join(folder, 'ca.crt'), key: join(folder, 'key.pem') } },
      ...(access === 'password' && { auth: { htpasswd: { realm: 'tests', path: passwords } } }),
    }),
  );
  const server = spawn(program, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  await listening(server, port);
  return {
    address,
    async push(image, path) {
      const name = `${address}/${path}`;
      await user.exec('podman', ['push', '--quiet', image, name]);
      return name;
    },
    async [Symbol.asyncDispose]() {
      server.kill();
      await once(server, 'exit');
      await user.exec('rm', ['-r', trust]);
      await rm(folder, { recursive: true });
    },
  };
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
