import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { configurationPaths, loadConfiguration } from '../../src/configuration.ts';

process.umask(0o022);
const root = mkdtempSync(join(tmpdir(), 'bulkhead-configuration-'));
after(() => rmSync(root, { recursive: true }));
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
  file = join(folder, 'config.json');
});

const minimal = {
  socket: '/run/bulkhead/podman.sock',
  helperImage: 'localhost/bulkhead-helper',
  policies: '/etc/bulkhead/policies',
  seccompProfiles: '/etc/bulkhead/seccomp',
  stateFolder: '/var/lib/bulkhead/state',
};

function write(content: unknown, path = file, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

suite('is looked for', () => {
  for (const [what, env, flag, paths] of [
    ['where --config says', { BULKHEAD_CONFIG: '/b', XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/flag', ['/flag']],
    ['where BULKHEAD_CONFIG says', { BULKHEAD_CONFIG: '/b', XDG_CONFIG_HOME: '/x', HOME: '/h' }, undefined, ['/b']],
    [
      'in XDG_CONFIG_HOME, then in /etc',
      { XDG_CONFIG_HOME: '/x', HOME: '/h' },
      undefined,
      ['/x/bulkhead/config.json', '/etc/bulkhead/config.json'],
    ],
    [
      'in the home folder, then in /etc',
      { XDG_CONFIG_HOME: '', HOME: '/h' },
      undefined,
      ['/h/.config/bulkhead/config.json', '/etc/bulkhead/config.json'],
    ],
    ['in /etc, when there is no home', { HOME: '' }, undefined, ['/etc/bulkhead/config.json']],
    ['in /etc, when nothing is set at all', {}, undefined, ['/etc/bulkhead/config.json']],
    [
      'nowhere that the job says',
      {
        CUSTOM_ENV_BULKHEAD_CONFIG: '/evil',
        CUSTOM_ENV_XDG_CONFIG_HOME: '/evil',
        CUSTOM_ENV_HOME: '/evil',
        CUSTOM_ENV_CONFIG: '/evil',
      },
      undefined,
      ['/etc/bulkhead/config.json'],
    ],
  ] as const) {
    test(what, () => assert.deepEqual(configurationPaths(env, flag), paths));
  }

  test('and the first one that exists counts', async () => {
    const own = write({ ...minimal, defaultImage: 'own' }, join(folder, 'x/bulkhead/config.json'));
    const env = { XDG_CONFIG_HOME: join(folder, 'x'), HOME: folder };
    assert.equal((await loadConfiguration(env)).defaultImage, 'own');
    write({ ...minimal, defaultImage: 'named' });
    assert.equal((await loadConfiguration({ ...env, BULKHEAD_CONFIG: file })).defaultImage, 'named');
    assert.equal((await loadConfiguration({ ...env, BULKHEAD_CONFIG: file }, own)).defaultImage, 'own');
  });

  test('and a named one that is missing is an error, not a reason to look elsewhere', async () => {
    write(minimal, join(folder, '.config/bulkhead/config.json'));
    const missing = join(folder, 'missing.json');
    const notFound = { code: 'configuration-not-found', message: new RegExp(`looked at ${missing}$`) };
    await assert.rejects(loadConfiguration({ HOME: folder, BULKHEAD_CONFIG: missing }), notFound);
    await assert.rejects(loadConfiguration({ HOME: folder }, missing), notFound);
  });

  test('and a wrong one is an error, not a reason to look further', async () => {
    write('{', join(folder, '.config/bulkhead/config.json'));
    await assert.rejects(loadConfiguration({ HOME: folder }), { code: 'configuration-invalid' });
  });
});

suite('is refused when others could write it', () => {
  const unsafe = { code: 'file-unsafe' };

  for (const mode of [0o644, 0o600, 0o640, 0o444, 0o755]) {
    test(`mode ${mode.toString(8)} is fine`, async () => {
      assert.equal((await loadConfiguration({}, write(minimal, file, mode))).socket, minimal.socket);
    });
  }

  for (const mode of [0o666, 0o664, 0o646, 0o622, 0o602, 0o620]) {
    test(`mode ${mode.toString(8)} is not`, async () => {
      await assert.rejects(loadConfiguration({}, write(minimal, file, mode)), unsafe);
    });
  }

  test("and when it is another user's", {
    skip: process.getuid?.() === 0 ? false : 'only root can give a file away',
  }, async () => {
    write(minimal);
    chownSync(file, 12345, 0);
    await assert.rejects(loadConfiguration({}, file), { ...unsafe, message: /owner 12345/ });
  });

  test('by a link, too: the file counts, not the link', async () => {
    const link = join(folder, 'link');
    symlinkSync(write(minimal), link);
    assert.equal((await loadConfiguration({}, link)).socket, minimal.socket);
    chmodSync(file, 0o666);
    await assert.rejects(loadConfiguration({}, link), unsafe);
  });

  test('and when it is a folder or a device', async () => {
    await assert.rejects(loadConfiguration({}, folder), unsafe);
    await assert.rejects(loadConfiguration({}, '/dev/null'), unsafe);
  });

  test('and when it is a pipe, without waiting for its writer', async () => {
    execFileSync('mkfifo', ['-m', '600', file]);
    const loading = loadConfiguration({}, file).then(
      () => 'loaded',
      (error: { code?: string }) => error.code,
    );
    const outcome = await Promise.race([loading, sleep(2000, 'it waits', { ref: false })]);
    // Lets an open() that waits go on: this one never does.
    closeSync(openSync(file, 'r+'));
    await loading;
    assert.equal(outcome, 'file-unsafe');
  });

  test('and when a folder above it is open to others', async () => {
    const open = join(folder, 'open');
    const path = write(minimal, join(open, 'config.json'));
    chmodSync(open, 0o777);
    await assert.rejects(loadConfiguration({}, path), {
      ...unsafe,
      message: new RegExp(`the folder ${open} could be`),
    });
  });

  test('and when it cannot be reached', async () => {
    symlinkSync('loop', join(folder, 'loop'));
    await assert.rejects(loadConfiguration({}, join(folder, 'loop')), unsafe);
    await assert.rejects(loadConfiguration({}, join(write(minimal), 'below')), { code: 'configuration-not-found' });
  });
});

suite('says', () => {
  test('what is left out has its default', async () => {
    assert.deepEqual(await loadConfiguration({}, write(minimal)), {
      ...minimal,
      init: '/usr/bin/catatonit',
      terminationGraceSeconds: 10,
      servicesTimeoutSeconds: 30,
    });
  });

  test('all there is to say', async () => {
    const all = {
      ...minimal,
      defaultImage: 'debian:12',
      registryAuth: '/etc/bulkhead/registries.json',
      runner: 'shared-1',
      init: '/opt/init',
      gitlabRunner: '/usr/bin/gitlab-runner',
      terminationGraceSeconds: 0,
      servicesTimeoutSeconds: 0,
    };
    assert.deepEqual(await loadConfiguration({}, write(all)), all);
  });

  for (const [what, content, problem] of [
    ['an unknown key', { ...minimal, privileged: true }, /"privileged"/],
    ['a key that is nearly right', { ...minimal, helperimage: 'x' }, /"helperimage"/],
    ['no socket', { ...minimal, socket: undefined }, /socket/],
    ['a relative socket', { ...minimal, socket: 'podman.sock' }, /socket: must be an absolute path/],
    ['a socket that is a URL', { ...minimal, socket: 'tcp://127.0.0.1:2375' }, /socket: must be an absolute path/],
    ['an empty helper image', { ...minimal, helperImage: '' }, /helperImage/],
    ['no policies', { ...minimal, policies: undefined }, /policies/],
    ['relative policies', { ...minimal, policies: 'policies' }, /policies: must be an absolute path/],
    ['no profiles', { ...minimal, seccompProfiles: undefined }, /seccompProfiles/],
    ['relative profiles', { ...minimal, seccompProfiles: 'unconfined' }, /seccompProfiles: must be an absolute path/],
    ['the key of before', { ...minimal, seccompProfile: '/etc/bulkhead/seccomp.json' }, /"seccompProfile"/],
    ['no state folder', { ...minimal, stateFolder: undefined }, /stateFolder/],
    ['a relative state folder', { ...minimal, stateFolder: 'state' }, /stateFolder: must be an absolute path/],
    ['a relative file of logins', { ...minimal, registryAuth: 'auth.json' }, /registryAuth: must be an absolute path/],
    ['a runner without a name', { ...minimal, runner: '' }, /runner/],
    ['a runner with a story for a name', { ...minimal, runner: 'x'.repeat(101) }, /runner/],
    ['a relative init', { ...minimal, init: 'tini' }, /init: must be an absolute path/],
    ['a relative runner', { ...minimal, gitlabRunner: './gitlab-runner' }, /gitlabRunner: must be an absolute path/],
    ['a number as text', { ...minimal, terminationGraceSeconds: '10' }, /terminationGraceSeconds/],
    ['less than no time', { ...minimal, terminationGraceSeconds: -1 }, /terminationGraceSeconds/],
    ["more time than GitLab Runner's", { ...minimal, terminationGraceSeconds: 241 }, /terminationGraceSeconds/],
    ['part of a second', { ...minimal, terminationGraceSeconds: 0.5 }, /terminationGraceSeconds/],
    ['less than no time for services', { ...minimal, servicesTimeoutSeconds: -1 }, /servicesTimeoutSeconds/],
    ['two problems', { ...minimal, socket: 1, init: 2 }, /socket.*init/],
    ['a list', [], /top level/],
    ['null', null, /top level/],
    ['nothing', '', /not JSON/],
    ['a comment', '{ // socket\n}', /not JSON/],
    ['another format', 'socket: /x', /not JSON/],
  ] as const) {
    test(`${what} is refused, by name`, async () => {
      await assert.rejects(loadConfiguration({}, write(content)), {
        name: 'BulkheadError',
        code: 'configuration-invalid',
        message: problem,
      });
    });
  }
});
