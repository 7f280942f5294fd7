import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { findAccount, lingerFile } from '../host-setup/accounts.ts';
import type { HostLayout } from '../host-setup/layout.ts';
import { asPodmanUser, type PodmanUser } from '../host-setup/podman-user.ts';
import { unmergeCustom } from '../runner/config-toml.ts';
import type { Surroundings } from './apply.ts';
import { readConfigToml, replaceConfigToml } from './config-toml-file.ts';
import { impossible, lastLines, withPrograms } from './impossible.ts';
import { isEmpty, type Manifest, removeManifest, sha256 } from './manifest.ts';
import { forgetUnits, stopAll } from './podman-service.ts';
import { removeEmptyFolders, removeFile } from './written-files.ts';

const SESSION_END_MS = 60_000;

/** What is left, each with the reason. */
export interface Left {
  /** Somebody changed it since init wrote it. */
  readonly changed: readonly string[];
  /** Data, and what holds it. */
  readonly kept: readonly string[];
}

/**
 * Takes back what init did, the last thing first. What somebody changed since is left. Data, and the user that owns it, go
 * with `purge` only: files without an owner would belong to whoever gets the same ids next.
 * @throws BulkheadError `init-impossible` or `file-unsafe`; what is undone by then is known, so it may be tried again.
 */
export async function uninstall(here: Surroundings, purge: boolean): Promise<Left> {
  return await withPrograms('undoing what init did', () => undo(here, purge));
}

async function undo(here: Surroundings, purge: boolean): Promise<Left> {
  const { manifest, save, layout, on, staging, say } = here;
  const changed: string[] = [];
  const kept: string[] = [];
  const account = staging ? undefined : await findAccount(layout.user);
  const user = account && asPodmanUser(account, layout, true);
  if (user) await requireIdle(user, here);
  else if (!staging) {
    // Somebody removed it, its ids with it: whoever has its name next is not ours to remove.
    delete manifest.user;
    delete manifest.subordinateIds;
    save();
  }

  for (const merge of [...manifest.merges].reverse()) {
    const why = takeBack(on(merge.path), merge);
    if (why !== undefined) changed.push(`${merge.path}: ${why}`);
    else {
      say('config.toml', `as it was before: ${merge.path}`);
      manifest.merges = manifest.merges.filter((each) => each !== merge);
      save();
    }
  }
  if (!staging) await stopAll(user);
  if (user) await endPause(user);
  for (const path of Object.keys(manifest.files)) {
    if (removeFile(manifest, path, on(path))) say('file', `removed ${path}`);
    else changed.push(`${path}: it was changed since init wrote it`);
    save();
  }
  if (!staging) {
    await forgetUnits(user);
    if (manifest.linger !== undefined) {
      // loginctl knows nobody who is not there, though systemd has a file for whoever gets the name.
      if (user) await execa('loginctl', ['disable-linger', manifest.linger]);
      else rmSync(lingerFile(manifest.linger), { force: true });
      say('user', `${manifest.linger} lingers no more`);
      delete manifest.linger;
      save();
    }
  }
  if (purge) await purgeData(here, user);
  removeEmptyFolders(manifest, on);
  const ours = [...Object.keys(manifest.files), layout.manifest];
  const holds = (path: string, any: readonly string[]) => any.some((other) => other.startsWith(`${path}/`));
  // Not those that are there for something that is named already.
  const inUse = manifest.folders.filter((path) => !holds(path, [...ours, ...manifest.folders]));
  // Without our data, what is in there is others': nothing is left to undo.
  if (purge) manifest.folders = manifest.folders.filter((path) => holds(path, ours));
  if (isEmpty(manifest) || onlyDataFolder(here)) {
    removeManifest(on(layout.manifest));
    removeEmptyFolders(manifest, on);
    inUse.push(...manifest.folders);
  } else save();
  kept.push(...inUse.map((path) => `${path}: it is not empty`));
  if (manifest.user !== undefined) kept.push(`the user ${manifest.user}: it owns data (--purge removes both)`);
  return { changed, kept };
}

/** When nothing else is left, the manifest itself keeps its folder from being empty. */
function onlyDataFolder({ manifest, layout }: Surroundings): boolean {
  const rest = { ...manifest, folders: manifest.folders.filter((path) => !layout.manifest.startsWith(`${path}/`)) };
  return isEmpty(rest);
}

/** A sandbox would outlive the service that can end it. */
async function requireIdle(user: PodmanUser, { layout }: Surroundings): Promise<void> {
  // Without all of these Podman cannot answer: init did not get to where containers run, or an uninstall got past here.
  const needed = ['containers.conf', 'storage.conf', 'bin/runsc'].map((name) => join(layout.dataDir, name));
  if (!needed.every((path) => existsSync(path))) return;
  const why = whyNotIdle(await user.exec('podman', ['ps', '--quiet'], { reject: false, timeout: 120_000 }), layout);
  if (why !== undefined) throw impossible(why);
}

/** Why what became of `podman ps --quiet` does not say that nothing runs; undefined when it does. Pure. */
export function whyNotIdle(
  { failed, stdout, stderr }: { readonly failed: boolean; readonly stdout?: unknown; readonly stderr?: unknown },
  { dataDir }: Pick<HostLayout, 'dataDir'>,
): string | undefined {
  if (failed)
    return `Podman does not say whether containers run (${lastLines(stderr) || 'no answer'}); where it is gone, and no sandbox runs, remove ${dataDir}/containers.conf`;
  const running = String(stdout).split('\n').filter(Boolean).length;
  if (running === 0) return undefined;
  return `${running} containers run: stop GitLab Runner, wait for its jobs, and run "bulkhead gc"`;
}

/** Returns why not, if not. */
function takeBack(path: string, merge: Manifest['merges'][number]): string | undefined {
  if (!existsSync(path)) return undefined;
  const text = readConfigToml(path);
  // Written down and then not done, or undone and not written down: somebody stopped it in between.
  if (sha256(text) === merge.before) return undefined;
  const before = unmergeCustom(text, merge.edits);
  if (before === undefined) return 'it was changed since: take [runners.custom] out of it by hand';
  replaceConfigToml(path, text, before);
  return undefined;
}

async function purgeData({ manifest, save, layout, on, staging, say }: Surroundings, user: PodmanUser | undefined) {
  const root = process.getuid?.() === 0;
  if (user && manifest.user !== undefined) await endSession(user);
  const own = ['storage', 'home', 'state', 'images', 'empty', 'bin'].map((name) => join(layout.dataDir, name));
  for (const path of own.filter((each) => manifest.folders.includes(each))) {
    if (user && !root && path.endsWith('/storage')) await removeStorage(user, path);
    rmSync(on(path), { recursive: true, force: true });
    manifest.folders = manifest.folders.filter((each) => each !== path);
    save();
    say('data', `removed ${path}`);
  }
  if (staging) return;
  rmSync(layout.runDir, { recursive: true, force: true });
  if (!root || !user) return;
  rmSync(`/dev/shm/libpod_rootless_lock_${user.uid}`, { force: true });
  if (manifest.subordinateIds !== undefined) {
    const { user: name, range } = manifest.subordinateIds;
    await execa('usermod', ['--del-subuids', range, '--del-subgids', range, name]);
    delete manifest.subordinateIds;
  }
  if (manifest.user !== undefined) {
    await execa('userdel', [manifest.user]);
    say('user', `removed ${manifest.user} and its subordinate ids`);
    delete manifest.user;
  }
  save();
}

/** Ends the process that keeps Podman's user namespace, which lives on without any container. */
async function endPause(user: PodmanUser, env = user.env): Promise<void> {
  await user.exec('podman', ['system', 'migrate'], { reject: false, env, timeout: 120_000 });
}

/**
 * Storage holds files of subordinate ids, which an ordinary user can remove only from within a user namespace. Podman's
 * configuration is gone by now, so it is not told to read it.
 */
async function removeStorage(user: PodmanUser, path: string): Promise<void> {
  const { HOME = '/', PATH = '', XDG_RUNTIME_DIR = '' } = user.env;
  const env = { HOME, PATH, XDG_RUNTIME_DIR };
  if (existsSync(path)) await user.exec('podman', ['unshare', 'rm', '-rf', path], { env });
  await endPause(user, env);
}

/** Ends everything of the user: what keeps Podman's network namespace, and the user's systemd. */
async function endSession(user: PodmanUser): Promise<void> {
  await execa('loginctl', ['terminate-user', user.name], { reject: false });
  const deadline = Date.now() + SESSION_END_MS;
  while ((await execa('pgrep', ['-u', String(user.uid)], { reject: false })).exitCode === 0) {
    if (Date.now() > deadline) throw impossible(`processes of ${user.name} do not end`);
    await execa('pkill', ['-KILL', '-u', String(user.uid)], { reject: false });
    await sleep(200);
  }
}
