import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findAccount, lingers, missingSubordinateIds } from '../host-setup/accounts.ts';
import { findProgram, SERVICE_PATH } from '../host-setup/find-program.ts';
import { CNI_FOLDER, closedDevices, hasHelperProgram, hasUserBus } from '../host-setup/host-checks.ts';
import { type Release, release } from '../host-setup/release.ts';
import { shippedNames } from '../host-setup/shipped.ts';
import { type OperatorLayout, operatorLayout } from './operator-layout.ts';
import { whyProductUnsafe } from './product-safety.ts';

/** What init can find out by itself. */
export interface HostFacts {
  readonly root: boolean;
  readonly layout: OperatorLayout;
  readonly release: Release;
  readonly systemd: boolean;
  readonly cgroup2: boolean;
  /** Controllers that systemd hands to the services of a user; undefined when it does not say. */
  readonly delegated: readonly string[] | undefined;
  /** Absolute path by name, of those that are there. */
  readonly programs: Readonly<Partial<Record<Program, string>>>;
  readonly helperPrograms: readonly string[];
  readonly userBus: boolean;
  readonly podmanMajor: number | undefined;
  /** The first line of `runsc --version`. */
  readonly runscVersion: string | undefined;
  readonly closedDevices: readonly string[];
  readonly cniFolder: boolean;
  /** Primary group id of Podman's user; undefined when there is no such user yet. */
  readonly userGroup: number | undefined;
  /** A free range `first-last`, when the user lacks subordinate ids. */
  readonly subordinateIds: string | undefined;
  readonly lingers: boolean;
  /** Whether `npm run setup` has set up this Podman. */
  readonly developerSetUp: boolean;
  /** The product's folder, with bin, policies, seccomp, Containerfile. */
  readonly product: string;
  /** Why others than root and the caller could change the product or its Node.js; undefined when they cannot. */
  readonly productUnsafe: string | undefined;
  readonly node: string;
  /** The policies and profiles of the product: name → text. */
  readonly shipped: Readonly<Record<'policies' | 'seccomp', Readonly<Record<string, string>>>>;
}

const programs = [
  'podman',
  'newuidmap',
  'iptables',
  'nft',
  'catatonit',
  'fuse-overlayfs',
  'slirp4netns',
  'pasta',
  'runsc',
  'gitlab-runner',
  'apt-get',
  'dnf',
  'node',
] as const;
export type Program = (typeof programs)[number];

/** @param product the folder that holds bin/bulkhead. */
export async function hostFacts(env: NodeJS.ProcessEnv, product: string): Promise<HostFacts> {
  const caller = userInfo();
  const layout = operatorLayout(env, caller);
  const systemd = existsSync('/run/systemd/system');
  const found = Object.fromEntries(programs.map((name) => [name, findProgram(name)]).filter(([, path]) => path));
  const account = await findAccount(layout.user);
  return {
    root: caller.uid === 0,
    layout,
    release: release(),
    systemd,
    cgroup2: existsSync('/sys/fs/cgroup/cgroup.controllers'),
    delegated: systemd ? await delegatedControllers() : undefined,
    programs: found,
    helperPrograms: ['netavark', 'aardvark-dns'].filter(hasHelperProgram),
    userBus: hasUserBus(),
    podmanMajor: major(await firstLine(found['podman'])),
    runscVersion: await firstLine(found['runsc']),
    closedDevices: closedDevices(),
    cniFolder: existsSync(CNI_FOLDER),
    userGroup: account?.gid,
    subordinateIds: await missingSubordinateIds(layout.user),
    lingers: lingers(layout.user),
    developerSetUp: existsSync(join(layout.dataDir, 'service-started-with.json')),
    product,
    productUnsafe: whyProductUnsafe(product, process.execPath),
    node: process.execPath,
    shipped: { policies: shipped(join(product, 'policies')), seccomp: shipped(join(product, 'seccomp')) },
  };
}

function shipped(folder: string): Record<string, string> {
  return Object.fromEntries(shippedNames(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** In a home of its own, which goes again: Podman 5 makes folders in there before it says its version. */
async function firstLine(program: string | undefined): Promise<string | undefined> {
  if (program === undefined) return undefined;
  const home = mkdtempSync(join(tmpdir(), 'bulkhead-init-'));
  try {
    const options = { env: { HOME: home, PATH: SERVICE_PATH }, extendEnv: false, reject: false } as const;
    const { failed, stdout } = await execa(program, ['--version'], { ...options, stdin: 'ignore', timeout: 30_000 });
    return failed ? undefined : stdout.split('\n')[0];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function major(version: string | undefined): number | undefined {
  const digits = /(\d+)\./.exec(version ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What the unit of any user's systemd would get: this one need not run. */
async function delegatedControllers(): Promise<string[] | undefined> {
  const show = ['show', '--property=DelegateControllers', '--value', 'user@65534.service'];
  const { failed, stdout } = await execa('systemctl', show, { reject: false, stdin: 'ignore', timeout: 30_000 });
  return failed || stdout.trim() === '' ? undefined : stdout.trim().split(/\s+/);
}
