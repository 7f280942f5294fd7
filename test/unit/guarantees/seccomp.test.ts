import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { type ProbeReport, probeCalls } from '../../../src/guarantees/probe.ts';
import type { SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import { observeSeccomp } from '../../../src/guarantees/seccomp.ts';
import { deniedCalls, nativeArchitecture, rulesOfProfile } from '../../../src/guarantees/seccomp-rules.ts';
import type { SeccompProfile } from '../../../src/sandbox/seccomp-profile.ts';
import {
  blind,
  bundle,
  demand,
  facts,
  probe,
  profile,
  said,
  spec,
  withBundle,
  withoutBundle,
  withProbe,
  withStatus,
} from './sample-facts.ts';

const { seccomp } = bundle.linux;
assert.ok(seccomp);
type Filter = typeof seccomp;

const filtered = (change: Partial<Filter>): SandboxFacts =>
  withBundle({ linux: { ...bundle.linux, seccomp: { ...seccomp, ...change } } });
const rule = (names: string[], action = 'SCMP_ACT_ALLOW', rest = {}) => ({ names, action, ...rest });
const flags = (...words: string[]): SandboxFacts => ({
  ...facts,
  process: facts.process && { ...facts.process, commandLine: ['runsc-sandbox', ...words] },
});
const answering = (change: ProbeReport['systemCalls']): SandboxFacts =>
  withProbe({ systemCalls: { ...probe.systemCalls, ...change } });

suite('seccomp', () => {
  test('is proven when what exec starts is filtered', () => {
    assert.match(said(observeSeccomp(facts, demand)), /^proven: .*27 of 27 denied calls refused/);
  });
  test('takes the flag as a command line has it', () => {
    assert.match(said(observeSeccomp(flags('--oci-seccomp'), demand)), /^proven/);
  });

  for (const [what, changed, reason] of [
    ['runsc has no profile', withBundle({ linux: { devices: [] } }), /given no seccomp profile/],
    ['it does not cover this machine', filtered({ architectures: ['SCMP_ARCH_S390X'] }), /does not cover SCMP_ARCH_/],
    ['another default', filtered({ defaultAction: 'SCMP_ACT_ALLOW' }), /answers SCMP_ACT_ALLOW by default/],
    ['another errno', filtered({ defaultErrnoRet: 38 }), /answers SCMP_ACT_ERRNO=38 by default, not SCMP_ACT_ERRNO=1/],
    [
      'a call is allowed beside',
      filtered({ syscalls: [...seccomp.syscalls, rule(['mount'])] }),
      /a rule "mount SCMP_ACT_ALLOW/,
    ],
    [
      'an allowed call is missing',
      filtered({ syscalls: seccomp.syscalls.slice(0, 2) }),
      /no rule "read SCMP_ACT_ALLOW/,
    ],
    [
      'a condition is missing',
      filtered({ syscalls: [rule(['read', 'ptrace', 'clone'])] }),
      /a rule "clone SCMP_ACT_ALLOW \[\]"/,
    ],
    [
      'a condition is another',
      filtered({
        syscalls: [
          rule(['read', 'ptrace']),
          rule(['clone'], 'SCMP_ACT_ALLOW', { args: [{ index: 0, value: 1, op: 'SCMP_CMP_MASKED_EQ' }] }),
        ],
      }),
      /a rule "clone/,
    ],
    ['runsc lacks the flag', flags('boot'), /without --oci-seccomp/],
    ['the flag is off', flags('--oci-seccomp=false'), /without --oci-seccomp/],
    ['the flag is the argument of another', flags('--root', '--oci-seccomp-not'), /without --oci-seccomp/],
    ['there is no process', { ...facts, process: undefined }, /without --oci-seccomp/],
    ['a denied call is carried out', answering({ unshare: 0 }), /unshare is filtered by the profile, but/],
    ["a denied call has the kernel's answer", answering({ keyctl: 38 }), /keyctl is filtered/],
    ['a denied call was not made', withProbe({ systemCalls: {} }), /add_key is filtered/],
  ] as const) {
    test(`is violated: ${what}`, () => {
      const seen = said(observeSeccomp(changed, demand));
      assert.match(seen, /^violated: /);
      assert.match(seen, reason);
    });
  }

  test('names the flag that is missing', () => {
    const seen = observeSeccomp(flags('boot'), demand);
    assert.match(seen.state === 'violated' ? seen.remedy : '', /--oci-seccomp/);
  });

  for (const mode of ['0', '1'] as const) {
    test(`is unavailable when exec is not filtered (mode ${mode})`, () => {
      const seen = observeSeccomp(withStatus({ Seccomp: mode }), demand);
      assert.match(said(seen), /^unavailable: this runsc filters the first process/);
      assert.match(seen.state === 'unavailable' ? seen.remedy : '', /--runsc=latest/);
    });
  }
  test('is unavailable to the blind', () => {
    assert.equal(said(observeSeccomp(blind, demand)), 'unavailable: the probe is blind');
    assert.equal(said(observeSeccomp(withoutBundle, demand)), 'unavailable: no bundle in sight');
  });
});

suite('the rules of a profile', () => {
  const entry = (change: Partial<SeccompProfile['syscalls'][number]>): SeccompProfile => ({
    ...profile,
    syscalls: [{ names: ['setns'], action: 'SCMP_ACT_ALLOW', ...change }],
  });
  const allowed = (change: Partial<SeccompProfile['syscalls'][number]>, capabilities: string[] = []) =>
    rulesOfProfile(entry(change), capabilities).cases.size === 1;

  test('depend on capabilities and architecture', () => {
    const native = nativeArchitecture.go;
    assert.ok(allowed({}));
    assert.ok(!allowed({ includes: { caps: ['CAP_SYS_ADMIN'] } }));
    assert.ok(allowed({ includes: { caps: ['CAP_SYS_ADMIN'] } }, ['SYS_ADMIN']));
    assert.ok(!allowed({ includes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } }, ['SYS_ADMIN']));
    assert.ok(allowed({ excludes: { caps: ['CAP_SYS_ADMIN'] } }));
    assert.ok(!allowed({ excludes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } }, ['SYS_ADMIN']));
    assert.ok(allowed({ includes: { arches: [native] } }));
    assert.ok(!allowed({ includes: { arches: ['s390x'] } }));
    assert.ok(!allowed({ excludes: { arches: [native] } }));
  });

  test('know an errno by name and by number, EPERM if neither', () => {
    const rules = (change: object) => rulesOfProfile({ ...profile, ...change }, []).fallback;
    assert.equal(rules({ defaultErrnoRet: undefined }), 'SCMP_ACT_ERRNO=1');
    assert.equal(rules({ defaultErrnoRet: 38 }), 'SCMP_ACT_ERRNO=38');
    assert.equal(rules({ defaultErrnoRet: 38, defaultErrno: 'ENOSYS' }), 'SCMP_ACT_ERRNO=38');
    assert.equal(rules({ defaultErrnoRet: undefined, defaultErrno: 'ENOSYS' }), 'SCMP_ACT_ERRNO=38');
    assert.equal(rules({ defaultAction: 'SCMP_ACT_KILL' }), 'SCMP_ACT_KILL');
  });

  test('tell which calls of the probe must be refused', () => {
    assert.ok(!deniedCalls(profile, []).includes('ptrace'));
    assert.ok(deniedCalls(profile, []).includes('setns'));
    assert.ok(!deniedCalls(profile, ['SYS_ADMIN']).includes('setns'));
    const conditional = entry({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] });
    assert.ok(!deniedCalls(conditional, []).includes('setns'), 'refused with some arguments only');
    const mixed = {
      ...conditional,
      syscalls: [...conditional.syscalls, ...entry({ action: 'SCMP_ACT_ERRNO' }).syscalls],
    };
    assert.ok(!deniedCalls(mixed, []).includes('setns'), 'the other of two rules lets some through');
    const explicit = { ...entry({ action: 'SCMP_ACT_ERRNO', errnoRet: 1 }), defaultErrnoRet: 38 };
    assert.deepEqual(deniedCalls(explicit, []), ['setns'], 'another errno may be the answer of the kernel itself');
    assert.deepEqual(deniedCalls({ ...profile, defaultAction: 'SCMP_ACT_KILL' }, []), [], 'the probe must live');
  });
});

test('the probe knows the calls that it is asked for', () => {
  const source = readFileSync(new URL('../../../probe/probe.c', import.meta.url), 'utf8');
  const known = [...source.matchAll(/^ {4}\{"(\w+)", __NR_(\w+), /gm)];
  assert.deepEqual(
    known.map(([, name]) => name),
    [...probeCalls],
  );
  for (const [, name, number] of known) assert.equal(number, name);
  assert.equal(spec.seccompProfile, demand.spec.seccompProfile);
});
