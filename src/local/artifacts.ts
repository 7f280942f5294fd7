import { PassThrough } from 'node:stream';
import type { Job as JobResponse } from '../player/job-response.ts';
import { sendEntries } from '../podman/archive.ts';
import type { Podman } from '../podman/client.ts';
import { execute } from '../podman/exec.ts';
import { sandboxPaths } from '../sandbox/layout.ts';
import { type ArtifactRules, matchArtifacts } from './artifacts-match.ts';
import { type Extracted, extractInto } from './extract.ts';
import { courierOf, helperOf } from './local-job.ts';

const listName = 'artifacts.list';
const longestList = 64 * 1024 * 1024;

/**
 * Takes a job's artifacts out of its helper sandbox, which must still run, into an empty folder.
 * @param sent the files that came with the sources.
 * @throws BulkheadError of the sandbox; Error when what it sends is broken or too much.
 */
export async function fetchArtifacts(
  podman: Podman,
  job: JobResponse,
  projectDir: string,
  rules: ArtifactRules,
  sent: ReadonlySet<string>,
  folder: string,
): Promise<Extracted> {
  const find = ['find', projectDir, '-mindepth', '1', '(', '-type', 'f', '-o', '-type', 'l', ')', '-printf', '%P\\0'];
  const files = (await outputOf(podman, helperOf(job), find)).split('\0').filter((name) => name !== '');
  const matching = matchArtifacts(files, rules, sent);
  // It cannot be asked for: its bytes are not what was read here.
  const isOdd = (name: string) => name.includes('\ufffd');
  const unnamed = matching.filter(isOdd).map((name) => ({ name, why: 'its name is no UTF-8' }));
  const wanted = matching.filter((name) => !isOdd(name));
  if (wanted.length === 0) return { written: [], refused: unnamed, bytes: 0 };
  const content = Buffer.from(wanted.map((name) => `${name}\0`).join(''));
  await sendEntries(podman, courierOf(job), sandboxPaths.driver, [{ name: listName, mode: 0o644, content }]);
  const archive = archiveCommand(projectDir, `${sandboxPaths.driver}/${listName}`);
  const extracted = await unpack(podman, helperOf(job), archive, folder);
  return { ...extracted, refused: [...unnamed, ...extracted.refused] };
}

/**
 * Writes a tar stream to stdout; by GNU tar.
 * @param list a file with the names, each ended by a NUL. Those that are one file (hard links) are as many there.
 */
export function archiveCommand(projectDir: string, list: string): string[] {
  const names = ['--null', '--verbatim-files-from', '--no-recursion', `--files-from=${list}`];
  return ['tar', '--create', '--file=-', '--hard-dereference', `--directory=${projectDir}`, ...names];
}

async function outputOf(podman: Podman, sandbox: string, command: readonly string[]): Promise<string> {
  const pieces: Uint8Array[] = [];
  let [length, complaint] = [0, ''];
  const exitCode = await execute(podman, sandbox, command, async ({ stream, data }) => {
    if (stream === 'stderr') complaint = `${complaint}${Buffer.from(data)}`.slice(0, 1000);
    else pieces.push(Buffer.from(data));
    length += data.length;
    if (length > longestList) throw new Error('the job has too many files to look for artifacts among them');
  });
  if (exitCode !== 0) throw new Error(`${command[0]} failed in the helper sandbox: ${complaint}`);
  return Buffer.concat(pieces).toString();
}

async function unpack(podman: Podman, sandbox: string, command: readonly string[], folder: string): Promise<Extracted> {
  const archive = new PassThrough();
  const extracting = extractInto(archive, folder);
  // Whoever fails first ends the other.
  extracting.catch((error: Error) => archive.destroy(error));
  try {
    const exitCode = await execute(podman, sandbox, command, async ({ stream, data }) => {
      if (stream === 'stderr') return;
      if (archive.write(Buffer.from(data))) return;
      await Promise.race([new Promise((drained) => archive.once('drain', drained)), extracting]);
    });
    if (exitCode !== 0) throw new Error(`${command[0]} failed in the helper sandbox (exit code ${exitCode})`);
    archive.end();
  } catch (error) {
    archive.destroy(error as Error);
    await extracting;
    throw error;
  }
  return await extracting;
}
