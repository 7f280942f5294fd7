import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeIfChanged } from '../host-setup/write-if-changed.ts';
import { isWritten, type Manifest, sha256 } from './manifest.ts';

/**
 * `new`: nothing is there. `there`: it is as it should be. `outdated`: init wrote it, and would write something else now.
 * `foreign`: somebody else wrote or changed it, so it stays.
 */
export type FileState = 'new' | 'there' | 'outdated' | 'foreign';

export interface WrittenFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  /** The steps that have it read again. */
  readonly pending?: Manifest['pending'];
}

/** What is at a path, as far as init is concerned. `on` is where the host's path is found, below a staging folder. */
export function fileState(manifest: Manifest, path: string, content: string, on: string): FileState {
  const status = lstatSync(on, { throwIfNoEntry: false });
  if (status === undefined) return 'new';
  if (!status.isFile()) return 'foreign';
  const found = readFileSync(on);
  if (found.equals(Buffer.from(content))) return 'there';
  return isWritten(manifest, path, found) ? 'outdated' : 'foreign';
}

/**
 * Writes a file and its folders, and notes in the manifest what it makes. `save` is called before anything changes, and once
 * a file is replaced: until then what was there is as much init's own.
 */
export function writeFile(
  manifest: Manifest,
  { path, content, mode, pending = [] }: WrittenFile,
  on: string,
  save: () => void,
): FileState {
  const state = fileState(manifest, path, content, on);
  if (state === 'there' || state === 'foreign') return state;
  manifest.pending = [...new Set([...manifest.pending, ...pending])];
  makeFolders(manifest, dirname(path), dirname(on), 0o755, save);
  if (state === 'outdated') manifest.replaced[path] = sha256(readFileSync(on));
  manifest.files[path] = sha256(content);
  save();
  writeIfChanged(on, content, { mode });
  if (path in manifest.replaced) {
    delete manifest.replaced[path];
    save();
  }
  return state;
}

/** Makes a folder and those above it that are missing, each noted as made. Says whether it was made. */
export function makeFolders(
  manifest: Manifest,
  path: string,
  on: string,
  mode: number,
  save: () => void,
  owner?: { uid: number; gid: number },
): boolean {
  if (lstatSync(on, { throwIfNoEntry: false }) !== undefined) return false;
  if (dirname(path) !== path) makeFolders(manifest, dirname(path), dirname(on), 0o755, save);
  manifest.folders.push(path);
  save();
  mkdirSync(on, { recursive: true, mode });
  chmodSync(on, mode);
  if (owner) chownSync(on, owner.uid, owner.gid);
  return true;
}

/** Gives a folder that init made below --root, where there was no such user yet, its owner. Says whether it had another. */
export function ownFolder(
  manifest: Manifest,
  path: string,
  on: string,
  mode: number,
  owner: { uid: number; gid: number },
): boolean {
  const status = lstatSync(on, { throwIfNoEntry: false });
  if (!manifest.folders.includes(path) || !status?.isDirectory()) return false;
  if (status.uid === owner.uid && status.gid === owner.gid && (status.mode & 0o7777) === mode) return false;
  lchownSync(on, owner.uid, owner.gid);
  chmodSync(on, mode);
  return true;
}

/** Removes a file that is as init wrote it. Says whether it is gone. */
export function removeFile(manifest: Manifest, path: string, on: string): boolean {
  const status = lstatSync(on, { throwIfNoEntry: false });
  if (status !== undefined) {
    if (!status.isFile() || !isWritten(manifest, path, readFileSync(on))) return false;
    rmSync(on);
  }
  delete manifest.files[path];
  delete manifest.replaced[path];
  return true;
}

/** Removes the folders that init made and that are empty now, the inner ones first. */
export function removeEmptyFolders(manifest: Manifest, on: (path: string) => string): void {
  const inner = [...manifest.folders].reverse();
  for (const path of inner) {
    try {
      rmdirSync(on(path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') continue;
    }
    manifest.folders = manifest.folders.filter((each) => each !== path);
  }
}
