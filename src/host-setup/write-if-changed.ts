import { chmodSync, chownSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface FileAttributes {
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Puts `content` into `file`, atomically, and says whether that changed anything. Nobody ever reads half a file, and an
 * unchanged file keeps its inode. What fails leaves nothing.
 */
export function writeIfChanged(file: string, content: string | Buffer, { mode, owner }: FileAttributes): boolean {
  const wanted = Buffer.from(content);
  const changed = !readIfThere(file)?.equals(wanted);
  if (changed) {
    const draft = `${file}.${process.pid}.new`;
    rmSync(draft, { force: true });
    try {
      writeFileSync(draft, wanted, { mode });
      renameSync(draft, file);
    } finally {
      rmSync(draft, { force: true });
    }
  }
  chmodSync(file, mode);
  if (owner) chownSync(file, owner.uid, owner.gid);
  return changed;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
