import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs, {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { listTrustedFolder, readTrustedFile } from '../../../src/host/trusted-file.ts';

process.umask(0o022);
const root = mkdtempSync(join(realpathSync(tmpdir()), 'bulkhead-trusted-'));
after(() => rmSync(root, { recursive: true }));
/** Other people. */
const [stranger, friend] = [12345, 54321];
const asRoot = { skip: process.getuid?.() === 0 ? false : 'only root can give files away' };

// A new one for each test: folders that were looked at once are not looked at again.
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
});

function put(path: string, text = 'text', mode = 0o644): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

function link(path: string, target: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  symlinkSync(target, join(folder, path));
  return join(folder, path);
}

/** The refusal, and what it has to say. */
const refused = (message: RegExp, hint = /./) => ({ name: 'BulkheadError', code: 'file-unsafe', message, hint });

suite('a file is read', () => {
  for (const mode of [0o644, 0o600, 0o640, 0o444, 0o755]) {
    test(`with mode ${mode.toString(8)}`, async () => {
      assert.equal(await readTrustedFile(put('a/file', 'tëxt', mode)), 'tëxt');
    });
  }

  test('by a relative path', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      assert.equal(await readTrustedFile(relative(folder, put('file'))), 'text');
    } finally {
      process.chdir(before);
    }
  });

  test('below a sticky folder that everybody can write, as long as what is in it is ours', async () => {
    const file = put('tmp/ours/file');
    chmodSync(join(folder, 'tmp'), 0o1777);
    assert.equal(await readTrustedFile(file), 'text');
  });

  test('through links', async () => {
    put('there/deep/file');
    link('here/absolute', join(folder, 'there/deep/file'));
    link('here/relative', '../there/./deep/file');
    link('here/folder', '../there/deep');
    link('here/twice', 'folder');
    for (const path of ['absolute', 'relative', 'folder/file', 'twice/file', 'twice/../deep/file']) {
      assert.equal(await readTrustedFile(`${join(folder, 'here')}/${path}`), 'text', path);
    }
  });

  test('where the kernel finds it: .. leads out of what a link points to, not out of the folder that holds the link', async () => {
    put('a/b/folder/x');
    put('a/b/file', 'the right one');
    put('file', 'the wrong one');
    link('link', 'a/b/folder');
    assert.equal(await readTrustedFile(`${folder}/link/../file`), 'the right one');
  });

  test('through as many links as the kernel follows, and no more', async () => {
    put('file-0');
    for (let n = 1; n <= 41; n++) link(`file-${n}`, `file-${n - 1}`);
    assert.equal(await readTrustedFile(join(folder, 'file-40')), 'text');
    await assert.rejects(readTrustedFile(join(folder, 'file-41')), refused(/more than 40 links/));
  });
});

suite('what is not there', () => {
  test('is not there', async () => {
    put('file');
    link('broken', 'nowhere');
    for (const path of ['missing', 'no/folder', 'file/below', 'file/../file', 'broken']) {
      assert.equal(await readTrustedFile(`${folder}/${path}`), undefined, path);
      assert.equal(await listTrustedFolder(`${folder}/${path}`), undefined, path);
    }
  });

  test('in a folder of others, too: they could only put something there that is refused', async () => {
    mkdirSync(join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o777);
    assert.equal(await readTrustedFile(join(folder, 'open/file')), undefined);
    put('open/file');
    await assert.rejects(readTrustedFile(join(folder, 'open/file')), refused(/open could be changed/));
  });
});

suite('a file is refused', () => {
  for (const mode of [0o666, 0o664, 0o646, 0o622, 0o602, 0o620]) {
    test(`with mode ${mode.toString(8)}`, async () => {
      const file = put('file', 'text', mode);
      const message = new RegExp(`^${file} is not trusted: it could be .* mode 0${mode.toString(8)}\\)$`);
      await assert.rejects(readTrustedFile(file), refused(message, new RegExp(`^chmod go-w ${file}$`)));
    });
  }

  for (const mode of [0o775, 0o777, 0o757, 0o2775]) {
    test(`below a folder with mode ${mode.toString(8)}, however far above`, async () => {
      const file = put('open/a/b/file');
      const open = join(folder, 'open');
      chmodSync(open, mode);
      const hint = new RegExp(`^chmod go-w ${open}; or keep it below`);
      await assert.rejects(readTrustedFile(file), refused(new RegExp(`the folder ${open} could be`), hint));
    });
  }

  test('when the folder that holds a link to it is open', async () => {
    const path = link('open/link', put('safe/file'));
    chmodSync(dirname(path), 0o777);
    await assert.rejects(readTrustedFile(path), refused(/the folder \S+\/open could be changed/));
    assert.equal(await readTrustedFile(join(folder, 'safe/file')), 'text');
  });

  test('when a folder above what a link points to is open', async () => {
    const path = link('safe/link', put('open/a/file'));
    chmodSync(join(folder, 'open'), 0o777);
    await assert.rejects(readTrustedFile(path), refused(/the folder \S+\/open could be changed/));
  });

  test('when a link in the middle leads through an open folder and out again', async () => {
    put('safe/a/file');
    link('open/out', '../safe/a');
    link('in', 'open/out');
    chmodSync(join(folder, 'open'), 0o777);
    await assert.rejects(readTrustedFile(join(folder, 'in/file')), refused(/the folder \S+\/open could be changed/));
  });

  test('when an ACL lets somebody write, since that shows in the bits of the group', async (t) => {
    const file = put('file');
    if (!giveAccess(file, stranger)) return t.skip('no python3, or no ACLs on this file system');
    await assert.rejects(readTrustedFile(file), refused(/mode 0664/));
    chmodSync(file, 0o644);
    assert.equal(await readTrustedFile(file), 'text');
  });

  test('when it is no file', async () => {
    for (const path of [folder, '/dev/null', '/']) {
      await assert.rejects(readTrustedFile(path), refused(/is not a regular file/));
    }
  });

  test('when it is a pipe, at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    // In a process of its own: an open() that waits would stop ours.
    const { status, stdout } = read(pipe, { timeout: 5000 });
    assert.deepEqual([status, stdout], [0, `file-unsafe ${pipe} is not trusted: it is not a regular file`]);
  });

  test('in one line that can be copied into a shell, whatever the name', async () => {
    const file = put("it's a $(file)", 'text', 0o666);
    const hint = `chmod go-w '${file.replace("'", "'\\''")}'`;
    const error = await readTrustedFile(file).catch((thrown: { message: string; hint: string }) => thrown);
    assert.ok(typeof error === 'object');
    assert.equal(error.hint, hint);
    execFileSync('sh', ['-c', error.hint]);
    assert.equal(await readTrustedFile(file), 'text');
  });
});

suite('of other users', asRoot, () => {
  const given = (path: string, uid: number): string => {
    chownSync(path, uid, uid);
    return path;
  };

  test('no file is read', async () => {
    const file = given(put('file'), stranger);
    const message = new RegExp(`it could be changed by another user \\(owner ${stranger}, mode 0644\\)`);
    await assert.rejects(readTrustedFile(file), refused(message, new RegExp(`^chown root ${file}$`)));
    await assert.rejects(readTrustedFile(file, { also: [friend] }), refused(message));
    assert.equal(await readTrustedFile(file, { also: [friend, stranger] }), 'text');
  });

  test('nor one in their folders', async () => {
    const file = put('theirs/a/file');
    const theirs = given(join(folder, 'theirs'), stranger);
    const hint = new RegExp(`^chown root ${theirs}; or keep`);
    await assert.rejects(readTrustedFile(file), refused(new RegExp(`the folder ${theirs} could`), hint));
    assert.equal(await readTrustedFile(file, { also: [stranger] }), 'text');
  });

  test('nor one that their links lead to', async () => {
    const path = link('link', put('file'));
    lchownSync(path, stranger, stranger);
    const seen = link('to-theirs', path);
    const hint = new RegExp(`^chown -h root ${path}$`);
    await assert.rejects(readTrustedFile(seen), refused(new RegExp(`the link ${path} could`), hint));
    assert.equal(await readTrustedFile(seen, { also: [stranger] }), 'text');
  });

  test('nor what they put into a sticky folder, which the same folder of ours allows', async () => {
    const [ours, theirs, theirFolder] = [put('tmp/ours'), put('tmp/theirs'), put('tmp/their-folder/file')];
    chmodSync(join(folder, 'tmp'), 0o1777);
    given(theirs, stranger);
    given(dirname(theirFolder), stranger);
    assert.equal(await readTrustedFile(ours), 'text');
    await assert.rejects(readTrustedFile(theirs), refused(/it could be changed/));
    await assert.rejects(readTrustedFile(theirFolder), refused(/the folder \S+\/their-folder could be changed/));
  });

  test('nor anything in a sticky folder of theirs: its owner may replace all of it', async () => {
    const file = put('tmp/ours/file');
    chmodSync(given(join(folder, 'tmp'), stranger), 0o1777);
    await assert.rejects(readTrustedFile(file), refused(/the folder \S+\/tmp could be changed/));
  });

  test('nor what cannot be read; each user trusts root, itself, and nobody else', () => {
    const [roots, own, other] = [put('roots'), given(put('own'), stranger), given(put('other'), friend)];
    const secret = given(put('secret', 'text', 0o600), friend);
    const text = (file: string) => read(file, { uid: stranger }).stdout;
    // Above the folder, all is root's; mkdtemp's 0700 would keep the user out.
    for (const path of [root, folder]) chmodSync(path, 0o755);
    assert.deepEqual([text(roots), text(own)], ['text', 'text']);
    assert.match(text(other), new RegExp(`^file-unsafe .*owner ${friend}`));
    assert.match(text(secret), /^file-unsafe .*cannot be read or looked at \(EACCES/);
    chmodSync(folder, 0o700);
    assert.match(text(own), /^file-unsafe .*cannot be read or looked at \(EACCES/);
  });

  test('and the commands that are named put it right', async () => {
    const file = put('a/b/file', 'text', 0o666);
    for (const path of [file, join(folder, 'a')]) given(path, stranger);
    chmodSync(join(folder, 'a'), 0o777);
    let output = read(file).stdout;
    for (let rounds = 0; output !== 'text' && rounds < 5; rounds++) {
      const commands = /hint: ([^;]*)/.exec(read(file, { hint: true }).stdout)?.[1] ?? '';
      // Run as root, so nothing but what this test made.
      for (const [path] of commands.matchAll(/\/\S+/g)) assert.ok(path.startsWith(`${folder}/`), commands);
      execFileSync('sh', ['-c', commands]);
      output = read(file).stdout;
    }
    assert.equal(output, 'text');
  });
});

suite('a folder', () => {
  test('is listed, sorted, through links', async () => {
    for (const name of ['b', 'a', 'c/d']) put(`list/${name}`);
    assert.deepEqual(await listTrustedFolder(join(folder, 'list')), ['a', 'b', 'c']);
    assert.deepEqual(await listTrustedFolder(link('link', 'list')), ['a', 'b', 'c']);
  });

  test('that others can write is not, sticky or not: a name more is a policy more', async () => {
    for (const [name, mode] of [
      ['open', 0o777],
      ['group', 0o770],
      ['sticky', 0o1777],
    ] as const) {
      put(`${name}/file`);
      chmodSync(join(folder, name), mode);
      await assert.rejects(listTrustedFolder(join(folder, name)), refused(/could be changed by another user/));
    }
  });

  test('is no file', async () => {
    await assert.rejects(listTrustedFolder(put('file')), refused(/is not a folder/));
  });
});

test('each folder and link is looked at once in the life of the process', async (t) => {
  put('a/b/one');
  put('a/b/two');
  link('link', 'a/b');
  const looks: string[] = [];
  const { lstatSync } = fs;
  t.mock.method(fs, 'lstatSync', ((path: string, options) => {
    looks.push(path);
    return lstatSync(path, options as fs.StatSyncOptions);
  }) as typeof lstatSync);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  for (const path of ['a/b/one', 'a/b/two', 'link/one', 'a/../a/b/two']) await readTrustedFile(join(folder, path));
  const counts = Map.groupBy(looks, (path) => path);
  for (const path of ['a', 'a/b', 'link']) assert.equal(counts.get(join(folder, path))?.length, 1, path);
  assert.equal(counts.get(join(folder, 'a/b/one'))?.length, 2);
});

/** Reads in another process: what another user is told, or one that has not looked at the folders before. */
function read(path: string, { uid, hint = false, timeout }: { uid?: number; hint?: boolean; timeout?: number } = {}) {
  const module = new URL('../../../src/host/trusted-file.ts', import.meta.url);
  const code = `
    const { readTrustedFile } = await import(${JSON.stringify(module)});
    process.stdout.write(await readTrustedFile(${JSON.stringify(path)}).catch(
      (error) => ${hint ? "'hint: ' + error.hint" : "error.code + ' ' + error.message"}));`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    cwd: '/',
    ...(uid !== undefined && { uid, gid: uid }),
    ...(timeout !== undefined && { timeout, killSignal: 'SIGKILL' as const }),
  });
}

/** As `setfacl -m u:<uid>:rw` does, which few machines have. */
function giveAccess(file: string, uid: number): boolean {
  const code = `
import os, struct, sys
nobody = 0xffffffff
entries = [(1, 6, nobody), (2, 6, int(sys.argv[2])), (4, 4, nobody), (16, 6, nobody), (32, 4, nobody)]
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
os.setxattr(sys.argv[1], 'system.posix_acl_access', acl)`;
  return spawnSync('python3', ['-c', code, file, `${uid}`]).status === 0;
}
