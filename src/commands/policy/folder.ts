import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Configuration, loadConfiguration } from '../../configuration.ts';
import { BulkheadError } from '../../errors.ts';
import { listTrustedFolder, readTrustedFile } from '../../host/trusted-file.ts';
import { type Document, parseDocument } from '../../policy/document.ts';
import type { ReadFile } from '../../policy/load.ts';
import type { CommandContext } from '../command.ts';

/** Options of every command that reads policies. */
export interface FolderOptions {
  readonly policies?: string;
  readonly ignoreOwners?: boolean;
  readonly json?: boolean;
}

/** The folder of policies that the command line, or else the configuration, names. */
export interface PolicyFolder {
  readonly path: string;
  /** Undefined when the command line says all: in a repository's CI there is no host to configure. */
  readonly configuration: Configuration | undefined;
  /** Of a path. */
  readonly read: ReadFile;
  /** Of a file in the folder. */
  readonly document: (name: string) => Promise<Document | undefined>;
  /** @throws BulkheadError `policy-not-found`, `file-unsafe`. */
  readonly names: () => Promise<string[]>;
}

export function addFolderOptions(command: Command): Command {
  return command
    .option('--policies <folder>', 'folder of the policies (default: policies of the configuration)')
    .option('--ignore-owners', 'take files that other users could change, as in the checkout of a CI job')
    .option('--json', 'the result as JSON');
}

/** @throws BulkheadError `configuration-…`, when the configuration has to be asked. */
export async function openFolder(options: FolderOptions, context: CommandContext): Promise<PolicyFolder> {
  const configuration =
    options.policies === undefined ? await loadConfiguration(context.env, context.configPath) : undefined;
  const path = options.policies ?? configuration?.policies ?? '';
  const read = options.ignoreOwners ? readAnyFile : (file: string) => readTrustedFile(file);
  return {
    path,
    configuration,
    read,
    document: async (name) => {
      const text = await read(join(path, name));
      return text === undefined ? undefined : parseDocument(name, text);
    },
    names: async () => {
      const names = options.ignoreOwners ? await listAnyFolder(path) : await listTrustedFolder(path);
      if (names !== undefined) return names;
      const hint = 'Name the folder with --policies, or as "policies" in the configuration.';
      throw new BulkheadError('policy-not-found', `there is no folder ${path}`, hint);
    },
  };
}

export async function readAnyFile(path: string): Promise<string | undefined> {
  return unlessMissing(path, readFile(path, 'utf8'));
}

async function listAnyFolder(path: string): Promise<string[] | undefined> {
  return (await unlessMissing(path, readdir(path)))?.sort();
}

async function unlessMissing<T>(path: string, found: Promise<T>): Promise<T | undefined> {
  return found.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    const hint = 'Put a regular file there that can be read.';
    throw new BulkheadError('file-unsafe', `cannot read ${path}: ${cause.message}`, hint, { cause });
  });
}
