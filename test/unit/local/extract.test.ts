import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { archiveCommand } from '../../../src/local/artifacts.ts';
import {
  chooseArtifactsFolder,
  emptyArtifactsFolder,
  makeArtifactsFolder,
} from '../../../src/local/artifacts-folder.ts';
import { matchArtifacts } from '../../../src/local/artifacts-match.ts';
import { extractInto, extractLimits } from '../../../src/local/extract.ts';

type Entry = Partial<Header> & { name: string; content?: string };
const place = async () => {
  const parent = await mkdtemp(join(tmpdir(), 'bulkhead-extract-'));
  const folder = join(parent, 'artifacts');
  await mkdir(folder);
  return { parent, folder, [Symbol.asyncDispose]: () => rm(parent, { recursive: true }) };
};

async function archiveOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header as Header, content);
  archive.finalize();
  return buffer(archive);
}

suite('artifacts of a job', () => {
  test('are written as they are', async () => {
    await using at = await place();
    const archive = await archiveOf([
      { name: 'out/', type: 'directory' },
      { name: 'out/file', content: 'text', mode: 0o600 },
      { name: 'deep/er/run', content: '#!', mode: 0o4755 },
      { name: 'out/link', type: 'symlink', linkname: '../deep/er/run' },
      { name: '..fine', content: 'dots' },
    ]);
    const { written, refused, bytes } = await extractInto(Readable.from([archive]), at.folder);
    assert.deepEqual(written, ['out/file', 'deep/er/run', 'out/link', '..fine']);
    assert.deepEqual([refused, bytes], [[], 10]);
    assert.equal(readFileSync(join(at.folder, 'out/link'), 'utf8'), '#!');
    assert.equal(statSync(join(at.folder, 'deep/er/run')).mode & 0o7777 & ~process.umask(), 0o755 & ~process.umask());
  });

  for (const [what, ...entries] of [
    ['an absolute path', { name: '/tmp/bulkhead-absolute', content: 'x' }],
    ['a path with ..', { name: '../outside', content: 'x' }],
    ['a path with .. in the middle', { name: 'a/../../outside', content: 'x' }],
    ['a link to an absolute path', { name: 'l', type: 'symlink', linkname: '/etc' }],
    ['a link that leads out', { name: 'a/l', type: 'symlink', linkname: '../../outside' }],
    ['a hard link', { name: 'l', type: 'link', linkname: '/etc/passwd' }],
    ['a device', { name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }],
    ['a pipe', { name: 'p', type: 'fifo' }],
    ['too many folders in each other', { name: `${'d/'.repeat(256)}f`, content: 'x' }],
    ['a name that is too long for a file', { name: 'n'.repeat(300), content: 'x' }],
  ] as [string, ...Entry[]][]) {
    test(`with ${what} are written without it`, async () => {
      await using at = await place();
      const archive = await archiveOf([...entries, { name: 'good', content: 'x' }]);
      const { written, refused } = await extractInto(Readable.from([archive]), at.folder);
      assert.deepEqual([written, refused.length], [['good'], 1], JSON.stringify(refused));
      assert.deepEqual(await readdir(at.parent), ['artifacts']);
      assert.equal(existsSync('/tmp/bulkhead-absolute'), false);
    });
  }

  test('never go through a link, not even one that stays inside', async () => {
    await using at = await place();
    const archive = await archiveOf([
      { name: 'real/', type: 'directory' },
      { name: 'link', type: 'symlink', linkname: 'real' },
      { name: 'link/file', content: 'x' },
      { name: 'real/file', content: 'first' },
      { name: 'real/file', content: 'second' },
      { name: 'link', content: 'over the link' },
    ]);
    const { written, refused } = await extractInto(Readable.from([archive]), at.folder);
    assert.deepEqual(written, ['link', 'real/file']);
    assert.deepEqual(
      refused.map(({ name }) => name),
      ['link/file', 'real/file', 'link'],
    );
    assert.equal(readFileSync(join(at.folder, 'real/file'), 'utf8'), 'first');
    assert.equal(readlinkSync(join(at.folder, 'link')), 'real');
  });

  test('have no chain of links that leads out, though each of them seems to stay', async () => {
    await using at = await place();
    // `here/..` is the folder above, and reads like the folder itself.
    const archive = await archiveOf([
      { name: 'here', type: 'symlink', linkname: '.' },
      { name: 'out', type: 'symlink', linkname: 'here/..' },
      { name: 'out2', type: 'symlink', linkname: './here/../x' },
      { name: 'a/up', type: 'symlink', linkname: '../here' },
    ]);
    const { written, refused } = await extractInto(Readable.from([archive]), at.folder);
    assert.deepEqual(written, ['here', 'a/up']);
    assert.deepEqual(
      refused.map(({ name }) => name),
      ['out', 'out2'],
    );
  });

  test('are all there when they are one file in the sandbox', async () => {
    await using at = await place();
    const project = join(at.parent, 'project');
    await mkdir(project);
    await writeFile(join(project, '-first'), 'text');
    await link(join(project, '-first'), join(project, 'second'));
    await writeFile(join(at.parent, 'list'), '-first\0second\0');
    const [tar = '', ...args] = archiveCommand(project, join(at.parent, 'list'));
    const { stdout, stderr } = spawnSync(tar, args);
    const { written, refused } = await extractInto(Readable.from([stdout]), at.folder);
    assert.deepEqual([written, refused], [['-first', 'second'], []], stderr.toString());
    assert.equal(readFileSync(join(at.folder, 'second'), 'utf8'), 'text');
  });

  test('are bounded in size and number', async () => {
    await using at = await place();
    const archive = await archiveOf([
      { name: 'a', content: '12345' },
      { name: 'b', content: '12345' },
    ]);
    const within = (bytes: number, entries: number) =>
      extractInto(Readable.from([archive]), at.folder, { ...extractLimits, bytes, entries });
    await assert.rejects(within(9, 10), /larger than 9 bytes/);
    await assert.rejects(within(100, 1), /more than 1 files/);
    await rm(join(at.folder, 'a'));
    assert.equal((await within(10, 2)).written.length, 2);
  });

  test('that end in the middle are an error', async () => {
    await using at = await place();
    const archive = (await archiveOf([{ name: 'a', content: 'x'.repeat(5000) }])).subarray(0, 2000);
    await assert.rejects(extractInto(Readable.from([archive]), at.folder));
    assert.deepEqual(await readdir(at.folder), []);
  });

  test('that cannot be written are an error, and none is left half-written', async () => {
    await using at = await place();
    const archive = join(at.parent, 'archive');
    await writeFile(
      archive,
      await archiveOf([
        { name: 'good', content: 'x' },
        { name: 'large', content: 'x'.repeat(100_000) },
      ]),
    );
    const program = `
      import { createReadStream } from 'node:fs';
      import { extractInto } from ${JSON.stringify(join(import.meta.dirname, '../../../src/local/extract.ts'))};
      await extractInto(createReadStream(process.argv[1]), process.argv[2]).catch(({ message }) => console.log(message));`;
    // No file may be larger than this.
    const limited = ['-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync('sh', [...limited, archive, at.folder], { encoding: 'utf8' });
    assert.match(stdout, /^large: EFBIG: /, stderr);
    assert.deepEqual(await readdir(at.folder), ['good']);
  });

  test('are an error, not left out one by one, when their folder is not there', async () => {
    await using at = await place();
    await rm(at.folder, { recursive: true });
    const archive = await archiveOf([{ name: 'a', content: 'x' }]);
    await assert.rejects(extractInto(Readable.from([archive]), at.folder), /^Error: a: ENOENT: /);
  });
});

suite('artifacts: paths', () => {
  const files = ['build/app', 'build/app.o', 'src/a.c', 'deep/build/x', 'report.xml', '.hidden/x', 'new'];
  const match = (paths: string[], exclude: string[] = [], untracked = false) =>
    matchArtifacts(files, { paths, exclude, untracked }, new Set(['src/a.c']));
  for (const [what, found, expected] of [
    ['a folder', match(['build/']), ['build/app', 'build/app.o']],
    ['a folder, less a glob', match(['build'], ['build/*.o']), ['build/app']],
    ['a glob', match(['*.xml']), ['report.xml']],
    ['any depth', match(['**/build']), ['build/app', 'build/app.o', 'deep/build/x']],
    ['everything below', match(['**/*.c']), ['src/a.c']],
    ['a path that begins with ./', match(['./new']), ['new']],
    ['the project', match(['.'], ['build/**', 'deep/**']), ['src/a.c', 'report.xml', '.hidden/x', 'new']],
    ['what was not sent', match([], ['build/**', 'deep/**', '.hidden/*'], true), ['report.xml', 'new']],
    ['what is elsewhere', match(['../x', '/etc/passwd', '/']), []],
    ['names that begin with a dot', match(['*/*'], ['**/*.o', 'src/**']), ['build/app', 'deep/build/x', '.hidden/x']],
    ['names that begin with a dot, at any depth', match(['**/.*']), ['.hidden/x']],
    ['alternatives', match(['{src,.hidden}', 'build/*.{o,a}']), ['build/app.o', 'src/a.c', '.hidden/x']],
  ] as const) {
    test(`name ${what}`, () => assert.deepEqual(found, expected));
  }

  test('are refused when they are no globs, or too many to compare', () => {
    assert.throws(() => match([], ['{a']), /the glob "\{a"/);
    assert.throws(() => match(Array(257).fill('a')), /more than 256 paths and excludes/);
    const rules = { paths: ['*a*'], exclude: ['*b'], untracked: false };
    const within = (comparisons: number) => matchArtifacts(['xa', 'xb'], rules, new Set(), comparisons);
    assert.deepEqual(within(100), ['xa']);
    assert.throws(() => within(5), /too many files and globs/);
  });
});

suite('the folder for artifacts', () => {
  test('is emptied when it is our own, and only then', async () => {
    await using at = await place();
    const ours = await chooseArtifactsFolder(at.folder, undefined);
    await mkdir(ours, { recursive: true });
    await writeFile(join(ours, 'old'), '');
    await makeArtifactsFolder(at.folder, await chooseArtifactsFolder(at.folder, undefined));
    assert.deepEqual(await readdir(ours), []);
    await writeFile(join(at.folder, 'precious'), '');
    await assert.rejects(chooseArtifactsFolder(at.folder, '.'), { code: 'artifacts-unusable', message: /not empty/ });
    assert.ok(existsSync(join(at.folder, 'precious')));
  });

  test('is emptied before a run that may leave nothing, unless it is a named one', async () => {
    await using at = await place();
    const ours = await chooseArtifactsFolder(at.folder, undefined);
    await mkdir(ours, { recursive: true });
    await writeFile(join(ours, 'old'), '');
    await writeFile(join(at.parent, 'artifacts', 'precious'), '');
    await emptyArtifactsFolder(at.parent, at.folder);
    await emptyArtifactsFolder(at.folder, ours);
    assert.equal(existsSync(ours), false);
    assert.ok(existsSync(join(at.folder, 'precious')));
    await writeFile(join(at.parent, 'file'), '');
    const broken = emptyArtifactsFolder(join(at.parent, 'file'), join(at.parent, 'file/.bulkhead/artifacts'));
    await assert.rejects(broken, { code: 'artifacts-unusable', message: /cannot be kept: ENOTDIR/ });
  });

  test('may be one that does not exist, or is empty', async () => {
    await using at = await place();
    assert.equal(await chooseArtifactsFolder(at.parent, 'artifacts'), at.folder);
    assert.equal(await chooseArtifactsFolder(at.parent, 'new/one'), join(at.parent, 'new/one'));
  });

  test('is not looked for through a link that the project brought', async () => {
    await using at = await place();
    await mkdir(join(at.parent, 'elsewhere/artifacts'), { recursive: true });
    await symlink(join(at.parent, 'elsewhere'), join(at.folder, '.bulkhead'));
    await assert.rejects(chooseArtifactsFolder(at.folder, undefined), { code: 'artifacts-unusable' });
  });
});
