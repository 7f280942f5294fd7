import { createHash, createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { withLock } from '../host/folder-lock.ts';
import { replaceFile, writeTemporary } from '../host/replace-file.ts';
import { readTrustedFile, requireTrustedFolder } from '../host/trusted-file.ts';
import {
  type Access,
  type AccessRecord,
  accessRecordSchema,
  anybody,
  guarded,
  judgeAccess,
  withAccepted,
  withRefused,
} from './access-record.ts';
import type { Credential } from './credentials.ts';

const keyFile = 'key';
/** No pull takes so long: GitLab Runner gives a stage an hour. */
const forgetAfterMs = 7 * 24 * 3600 * 1000;

/**
 * The records of all repositories that jobs pulled from: `images/<hash of the repository>.json` in the state folder. They hold no
 * credential, only fingerprints under a key of this host.
 */
export class AccessRecords {
  readonly #folder: string;
  readonly #key: Buffer;

  private constructor(folder: string, key: Buffer) {
    this.#folder = folder;
    this.#key = key;
  }

  /** @throws BulkheadError `image-records-unusable`; `file-unsafe` when others could change them. So do all methods. */
  static async open(stateFolder: string): Promise<AccessRecords> {
    return await usable(stateFolder, async () => {
      const state = requireTrustedFolder(stateFolder);
      if (state === undefined) throw new Error('the folder does not exist');
      const folder = join(state, 'images');
      await mkdir(folder, { mode: 0o700 }).catch(unless('EEXIST'));
      if (requireTrustedFolder(folder) === undefined) throw new Error('the folder does not exist');
      return new AccessRecords(folder, await hostKey(folder));
    });
  }

  /** What the records say of an image that is in the store under that repository's name. */
  async judge(repository: string, image: string, credential: Credential | undefined): Promise<Access> {
    return judgeAccess(await this.#read(repository), image, this.#who(repository, credential), Date.now());
  }

  /** Before every pull, so that one which is cut short leaves the image guarded and not open. */
  async guard(repository: string, present: readonly string[]): Promise<void> {
    await this.#change(repository, (record) => guarded(record, repository, present));
  }

  async accepted(repository: string, image: string, credential: Credential | undefined): Promise<void> {
    const who = this.#who(repository, credential);
    await this.#change(repository, (record = guarded(undefined, repository, [])) =>
      withAccepted(record, image, who, Date.now()),
    );
  }

  async refused(repository: string, credential: Credential | undefined): Promise<void> {
    const who = this.#who(repository, credential);
    await this.#change(repository, (record) => record && withRefused(record, who));
  }

  /**
   * Removes the records of repositories of which the store holds no image; returns how many.
   * @param inStore repositories of all images of the store, looked up after `asOf`, Unix time in milliseconds.
   */
  async forget(inStore: ReadonlySet<string>, asOf: number): Promise<number> {
    const kept = new Set([...inStore].map(fileOf));
    return await usable(this.#folder, () =>
      withLock(this.#folder, async () => {
        let removed = 0;
        for (const name of await readdir(this.#folder)) {
          // The second is what a process left that died while it wrote.
          if (!/^(?:[0-9a-f]{64}\.json|\.[0-9a-f]{16})$/.test(name) || kept.has(name)) continue;
          const path = join(this.#folder, name);
          if (asOf - (await stat(path)).mtimeMs < forgetAfterMs) continue;
          await unlink(path);
          if (name.endsWith('.json')) removed++;
        }
        return removed;
      }),
    );
  }

  /** Of a password that could be guessed, a mere hash would tell; and the same login looks different in each repository. */
  #who(repository: string, credential: Credential | undefined): string {
    if (credential === undefined) return anybody;
    const { username, password, identityToken } = credential.login.reveal();
    const what = JSON.stringify([repository, username, password, identityToken ?? null]);
    return createHmac('sha256', this.#key).update(what).digest('hex');
  }

  async #read(repository: string): Promise<AccessRecord | undefined> {
    return await usable(this.#folder, async () => {
      const text = await readTrustedFile(join(this.#folder, fileOf(repository)));
      return text === undefined ? undefined : parseRecord(text, repository);
    });
  }

  async #change(
    repository: string,
    change: (record: AccessRecord | undefined) => AccessRecord | undefined,
  ): Promise<void> {
    await usable(this.#folder, () =>
      withLock(this.#folder, async () => {
        const record = change(await this.#read(repository));
        if (record !== undefined) await replaceFile(this.#folder, fileOf(repository), JSON.stringify(record));
      }),
    );
  }
}

/** What cannot be read still is a record: it guards, and opens nothing. */
function parseRecord(text: string, repository: string): AccessRecord {
  try {
    const record = accessRecordSchema.parse(JSON.parse(text));
    if (record.repository === repository) return record;
  } catch {
    // As if it held no entry.
  }
  return guarded(undefined, repository, []);
}

function fileOf(repository: string): string {
  return `${createHash('sha256').update(repository).digest('hex')}.json`;
}

/** 32 random bytes, made once. Who loses them asks the registries again. */
async function hostKey(folder: string): Promise<Buffer> {
  const path = join(folder, keyFile);
  for (;;) {
    const text = await readTrustedFile(path);
    if (text !== undefined && /^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
    if (text !== undefined) await unlink(path).catch(unless('ENOENT'));
    const temporary = await writeTemporary(folder, randomBytes(32).toString('hex'));
    // Not rename: of two processes that make one, both have to use the first.
    await link(temporary, path).catch(unless('EEXIST'));
    await unlink(temporary);
  }
}

function unless(code: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== code) throw error;
  };
}

async function usable<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BulkheadError) throw cause;
    const user = process.geteuid?.();
    throw new BulkheadError(
      'image-records-unusable',
      `who may use which image cannot be kept in ${folder}: ${(cause as Error).message}`,
      `Let user ${user} write to the state folder (install -d -m 700 -o ${user} <folder>), and look for a full disk.`,
      { cause },
    );
  }
}
