import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { allowedSyscalls, loadSeccompProfile, parseSeccompProfile } from '../../../src/sandbox/seccomp-profile.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-profiles-'));
after(() => rmSync(folder, { recursive: true }));

const allow = (names: string[], more: Record<string, unknown> = {}) => ({ names, action: 'SCMP_ACT_ALLOW', ...more });
const profile = (...syscalls: unknown[]) => ({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, syscalls });
const small = profile(allow(['read', 'write']));
const parse = (content: unknown) =>
  parseSeccompProfile('/p.json', typeof content === 'string' ? content : JSON.stringify(content));

function write(name: string, content: unknown, mode = 0o644): void {
  writeFileSync(join(folder, name), JSON.stringify(content));
  chmodSync(join(folder, name), mode);
}

suite('a profile is loaded', () => {
  test('with its path and its hash', async () => {
    write('small.json', small);
    const path = join(folder, 'small.json');
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    assert.deepEqual(await loadSeccompProfile(folder, 'small'), { path, sha256, profile: small });
  });

  const shipped = join(import.meta.dirname, '../../../seccomp');
  for (const file of readdirSync(shipped).filter((name) => name.endsWith('.json'))) {
    test(`as shipped: ${file}`, () => {
      const allowed = allowedSyscalls(parse(readFileSync(join(shipped, file), 'utf8')));
      assert.ok(allowed.has('read') && !allowed.has('bpf'));
    });
  }

  const podmans = '/usr/share/containers/seccomp.json';
  test("as Podman's own is written", { skip: existsSync(podmans) ? false : 'no Podman here' }, () => {
    assert.ok(allowedSyscalls(parse(readFileSync(podmans, 'utf8'))).has('socket'));
  });

  test('with conditions and comments', () => {
    parse({
      ...small,
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: null }],
      syscalls: [
        allow(['personality'], { args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }], comment: 'the usual' }),
        allow(['personality'], { args: [{ index: 0, value: 4294967295, valueTwo: 0, op: 'SCMP_CMP_EQ' }] }),
        allow(['ptrace'], { includes: { minKernel: '4.8' }, excludes: {}, args: null }),
        {
          names: ['socket'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 22,
          errno: 'EINVAL',
          excludes: { caps: ['CAP_KILL'] },
        },
      ],
    });
  });
});

test('allowed is what is allowed in some case', () => {
  const denied = { names: ['bpf', 'clone'], action: 'SCMP_ACT_ERRNO' };
  const some = allow(['clone'], { args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] });
  assert.deepEqual([...allowedSyscalls(parse(profile(allow(['read']), denied, some)))], ['read', 'clone']);
});

suite('a profile is refused', () => {
  for (const name of ['', '.', '..', '../secret', 'a/b', 'A', 'a.json', 'a\0', 'ä', 'a b', 'a\n']) {
    test(`by its name: ${JSON.stringify(name)}`, async () => {
      write('secret.json', small);
      await assert.rejects(loadSeccompProfile(folder, name), {
        code: 'seccomp-profile-invalid',
        message: /is no name of a seccomp profile/,
      });
    });
  }

  test('when it does not exist', async () => {
    const message = new RegExp(`${join(folder, 'none.json')}: it does not exist`);
    await assert.rejects(loadSeccompProfile(folder, 'none'), { code: 'seccomp-profile-invalid', message });
  });

  test('when others could write it', async () => {
    write('open.json', small, 0o666);
    await assert.rejects(loadSeccompProfile(folder, 'open'), { code: 'file-unsafe' });
  });

  for (const [what, content, problem] of [
    ['no JSON', '{', /is not JSON/],
    ['a list', [], /\(top level\)/],
    ['an unknown key', { ...small, flags: [] }, /\(top level\): .*"flags"/],
    ['a default that allows', { ...small, defaultAction: 'SCMP_ACT_ALLOW' }, /defaultAction: must deny/],
    ['a default that only logs', { ...small, defaultAction: 'SCMP_ACT_LOG' }, /defaultAction: must deny/],
    ['no default', { syscalls: small.syscalls }, /defaultAction/],
    ['no syscalls', { defaultAction: 'SCMP_ACT_ERRNO' }, /syscalls/],
    ['no syscall', profile(), /syscalls: allows nothing/],
    ['an entry for no syscall', profile(allow([])), /syscalls\.0\.names: names no syscall/],
    ['an empty name', profile(allow(['read', ''])), /syscalls\.0\.names\.1: is no name/],
    ['a name with a blank', profile(allow(['read '])), /syscalls\.0\.names\.0: is no name/],
    ['a name in upper case', profile(allow(['READ'])), /syscalls\.0\.names\.0: is no name/],
    ['an unknown action', profile({ names: ['read'], action: 'SCMP_ACT_PERMIT' }), /syscalls\.0\.action/],
    ['an action that runsc refuses', profile({ names: ['read'], action: 'SCMP_ACT_LOG' }), /syscalls\.0\.action/],
    ['an action that a tracer decides', profile({ names: ['read'], action: 'SCMP_ACT_TRACE' }), /syscalls\.0\.action/],
    ['an old key', profile({ name: 'read', action: 'SCMP_ACT_ALLOW' }), /syscalls\.0: .*"name"/],
    ['a key that is nearly right', profile(allow(['read'], { arg: [] })), /syscalls\.0: .*"arg"/],
    ['no operator', profile(allow(['clone'], { args: [{ index: 0, value: 1 }] })), /syscalls\.0\.args\.0\.op/],
    [
      'an unknown operator',
      profile(allow(['clone'], { args: [{ index: 0, value: 1, op: 'SCMP_CMP_IS' }] })),
      /syscalls\.0\.args\.0\.op/,
    ],
    [
      'a seventh argument',
      profile(allow(['clone'], { args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] })),
      /syscalls\.0\.args\.0\.index/,
    ],
    ['an unknown condition', profile(allow(['clone'], { includes: { uid: 0 } })), /syscalls\.0\.includes: .*"uid"/],
    ['a capability without CAP_', profile(allow(['bpf'], { includes: { caps: ['BPF'] } })), /includes\.caps\.0/],
    ['a name twice in one entry', profile(allow(['read', 'read'])), /syscalls\.0\.names\.1: "read" is named before/],
    [
      'a name twice in one entry with conditions',
      profile(allow(['read', 'read'], { includes: { minKernel: '4.8' } })),
      /syscalls\.0\.names\.1: "read" is named before/,
    ],
    [
      'a name in two entries',
      profile(allow(['read']), allow(['write', 'read'])),
      /syscalls\.1\.names\.1: "read" is named before, in syscalls\.0/,
    ],
    [
      'a name both allowed and denied',
      profile(allow(['bpf']), { names: ['bpf'], action: 'SCMP_ACT_ERRNO', args: null, includes: {} }),
      /syscalls\.1\.names\.0: "bpf" is named before, in syscalls\.0/,
    ],
    [
      'a name both allowed and denied in the same case',
      profile(allow(['bpf'], { includes: { caps: ['CAP_BPF'] } }), {
        names: ['bpf'],
        action: 'SCMP_ACT_ERRNO',
        includes: { caps: ['CAP_BPF'] },
      }),
      /syscalls\.1\.names\.0: "bpf" is named before, in syscalls\.0/,
    ],
  ] as const) {
    test(`for ${what}`, () => {
      assert.throws(() => parse(content), { name: 'BulkheadError', code: 'seccomp-profile-invalid', message: problem });
    });
  }
});
