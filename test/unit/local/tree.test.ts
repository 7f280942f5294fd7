import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { extract } from 'tar-stream';
import { listTree } from '../../../src/local/tree.ts';
import { writeTreeArchive } from '../../../src/local/tree-archive.ts';

class Folder implements AsyncDisposable {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }
  static async make(files: Record<string, string> = {}, { git = true } = {}): Promise<Folder> {
    const folder = new Folder(await mkdtemp(join(tmpdir(), 'bulkhead-tree-')));
    if (git) folder.git('init', '--quiet', '--initial-branch=topic');
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder.path, name, '..'), { recursive: true });
      await writeFile(join(folder.path, name), content);
    }
    return folder;
  }
  git(...args: string[]): string {
    const identity = ['-c', 'user.name=Sample', '-c', 'user.email=sample@example.com'];
    return execFileSync('git', [...identity, ...args], { cwd: this.path, encoding: 'utf8' }).trim();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

const namesOf = async (folder: string) => (await listTree(folder)).entries.map(({ path }) => path).sort();

suite('the working tree', () => {
  test('is what Git tracks, and what it neither knows nor ignores', async () => {
    await using folder = await Folder.make({
      tracked: '',
      gone: '',
      '.gitignore': 'ignored\nsecrets/\n',
      'sub/new': '',
    });
    folder.git('add', 'tracked', 'gone');
    await rm(join(folder.path, 'gone'));
    for (const name of ['ignored', '.bulkhead/artifacts/x', 'secrets/key']) {
      await mkdir(join(folder.path, name, '..'), { recursive: true });
      await writeFile(join(folder.path, name), '');
    }
    assert.deepEqual(await namesOf(folder.path), ['.gitignore', 'sub/new', 'tracked']);
  });

  test('has a branch and a commit, from the first commit on', async () => {
    await using folder = await Folder.make({ file: '' });
    assert.deepEqual([(await listTree(folder.path)).branch, (await listTree(folder.path)).sha], ['topic', undefined]);
    folder.git('add', '.');
    folder.git('commit', '--quiet', '--message', 'first');
    assert.equal((await listTree(folder.path)).sha, folder.git('rev-parse', 'HEAD'));
  });

  test('is everything where there is no Git repository', async () => {
    await using folder = await Folder.make({ 'a/b/c': '', '.bulkhead/x': '', d: '' }, { git: false });
    await symlink('/etc', join(folder.path, 'link'));
    const tree = await listTree(folder.path);
    assert.deepEqual(tree.entries.map(({ path }) => path).sort(), ['a/b/c', 'd', 'link']);
    assert.equal(tree.fromGit, false);
  });

  test("does not run what the repository's configuration names", async () => {
    await using folder = await Folder.make({ file: '' });
    const program = join(folder.path, '.git/evil');
    await writeFile(program, `#!/bin/sh\ntouch '${folder.path}/.git/ran'\n`);
    await chmod(program, 0o755);
    folder.git('config', 'core.fsmonitor', program);
    const evilWorks = () => existsSync(join(folder.path, '.git/ran'));
    await listTree(folder.path);
    assert.equal(evilWorks(), false);
    folder.git('ls-files', '--others', '--exclude-standard');
    assert.equal(evilWorks(), true, 'the attack works on plain Git');
  });

  test('does not fetch what the repository says is elsewhere', async () => {
    await using folder = await Folder.make({ 'in/file': '', 'out/file': 'absent' });
    folder.git('add', '.');
    folder.git('commit', '--quiet', '--message', 'first');
    folder.git('sparse-checkout', 'set', '--cone', '--sparse-index', 'in');
    const tree = folder.git('rev-parse', 'HEAD:out');
    await rm(join(folder.path, '.git/objects', tree.slice(0, 2), tree.slice(2)));
    const evil = `ext::touch ${folder.path}/.git/ran`;
    for (const [key, value] of [
      ['extensions.partialClone', 'origin'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', evil],
      ['protocol.ext.allow', 'always'],
    ] as const)
      folder.git('config', key, value);
    const evilWorks = () => existsSync(join(folder.path, '.git/ran'));
    assert.deepEqual(await namesOf(folder.path), ['in/file']);
    assert.equal(evilWorks(), false);
    folder.git('ls-files');
    assert.equal(evilWorks(), true, 'the attack works on plain Git');
  });

  test('is refused when Git cannot tell what is ignored', async () => {
    await using folder = await Folder.make({ '.gitignore': '.env\n', '.env': 'secret' });
    await writeFile(join(folder.path, '.git/index'), 'broken');
    await assert.rejects(listTree(folder.path), {
      code: 'working-tree-unusable',
      message: /Git cannot tell what belongs to it: .*index/s,
    });
  });

  test('has nothing of other repositories, without Git, either', async () => {
    await using folder = await Folder.make({ file: '' }, { git: false });
    folder.git('init', '--quiet', 'vendor/lib');
    const { entries, leftOut } = await listTree(folder.path);
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['file'],
    );
    assert.deepEqual(leftOut, [{ path: 'vendor/lib', why: 'a Git repository of its own' }]);
  });

  for (const [what, ignored] of [
    ['ignored', 'config\n'],
    ['listed', ''],
  ] as const) {
    test(`has nothing that is behind a link, when the link is ${what}`, async () => {
      await using secret = await Folder.make({ 'deep/app.yml': 'password' }, { git: false });
      await using folder = await Folder.make({ 'config/deep/app.yml': '', '.gitignore': ignored });
      folder.git('add', '--force', 'config', '.gitignore');
      await rm(join(folder.path, 'config'), { recursive: true });
      await symlink(secret.path, join(folder.path, 'config'));
      const { entries, leftOut } = await listTree(folder.path);
      const names = ['.gitignore', ...(ignored === '' ? ['config'] : [])];
      assert.deepEqual(entries.map(({ path }) => path).sort(), names);
      assert.deepEqual(leftOut, [{ path: 'config/deep/app.yml', why: 'a link leads to it' }]);
    });
  }

  test('leaves out, with a reason, what a job cannot have', async () => {
    await using folder = await Folder.make({ file: '' });
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    folder.git('init', '--quiet', 'inner');
    await writeFile(join(folder.path, 'inner/file'), '');
    await writeFile(Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from([0xff, 0xfe])]), '');
    const { entries, leftOut } = await listTree(folder.path);
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['file'],
    );
    const reasons = leftOut.map(({ why }) => why).sort();
    // Git does not list pipes.
    assert.deepEqual(reasons, ['a Git repository of its own', 'its name is no UTF-8']);
  });
});

suite('its archive', () => {
  const hostileNames = ['line\nbreak', '-rf', 'ü/ß', `${'long/'.repeat(40)}name`, '\x1b[2J'];

  async function entriesOf(folder: string, limit?: number) {
    const archive = join(folder, '.git/sources.tar');
    await writeTreeArchive(await listTree(folder), archive, limit);
    const found = new Map<string, { type: string; mode: number; linkname: string; text: string }>();
    const entries = extract();
    createReadStream(archive).pipe(entries);
    for await (const entry of entries) {
      let text = '';
      for await (const piece of entry) text += Buffer.from(piece as Uint8Array);
      const { name, type, mode = 0, linkname } = entry.header;
      found.set(name, { type: String(type), mode, linkname: linkname ?? '', text });
    }
    return found;
  }

  test('has every name as it is, and modes as Git leaves them to the helper', async () => {
    await using folder = await Folder.make({
      ...Object.fromEntries(hostileNames.map((name) => [name, name])),
      run: '#!',
    });
    await chmod(join(folder.path, 'run'), 0o700);
    const found = await entriesOf(folder.path);
    for (const name of hostileNames) assert.equal(found.get(name)?.text, name, JSON.stringify(name));
    assert.deepEqual([found.get('run')?.mode, found.get('-rf')?.mode], [0o777, 0o666]);
  });

  test('has links as links, and nothing of what they lead to', async () => {
    await using secret = await Folder.make({ key: 'top secret' }, { git: false });
    await using folder = await Folder.make({ empty: '' });
    await symlink(secret.path, join(folder.path, 'folder'));
    await symlink(join(secret.path, 'key'), join(folder.path, 'file'));
    const found = await entriesOf(folder.path);
    assert.deepEqual([...found.keys()].sort(), ['empty', 'file', 'folder']);
    assert.deepEqual(
      [found.get('file')?.type, found.get('file')?.linkname, found.get('file')?.text],
      ['symlink', join(secret.path, 'key'), ''],
    );
  });

  test('is refused when it is too large', async () => {
    await using folder = await Folder.make({ a: '12345', b: '12345' });
    await assert.rejects(entriesOf(folder.path, 9), { code: 'working-tree-unusable' });
    await rm(join(folder.path, '.git/sources.tar'));
    assert.equal((await entriesOf(folder.path, 10)).size, 2);
  });

  test('never has a file through a link that came in its place since it was listed', async () => {
    await using folder = await Folder.make({ file: 'mine' });
    const tree = await listTree(folder.path);
    await rm(join(folder.path, 'file'));
    await symlink('/etc/passwd', join(folder.path, 'file'));
    await assert.rejects(writeTreeArchive(tree, join(folder.path, '.git/sources.tar')), {
      code: 'working-tree-unusable',
      message: /file cannot be read: ELOOP/,
    });
  });

  test('names what went since it was listed', async () => {
    await using folder = await Folder.make({ file: 'mine' });
    await symlink('file', join(folder.path, 'link'));
    const tree = await listTree(folder.path);
    await rm(join(folder.path, 'link'));
    await assert.rejects(writeTreeArchive(tree, join(folder.path, '.git/sources.tar')), {
      code: 'working-tree-unusable',
      message: /link cannot be read: ENOENT/,
    });
  });
});
