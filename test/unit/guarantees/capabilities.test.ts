import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeCapabilities } from '../../../src/guarantees/capabilities.ts';
import { observeNoNewPrivileges } from '../../../src/guarantees/no-new-privileges.ts';
import type { SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import {
  blind,
  bundle,
  demand,
  facts,
  said,
  spec,
  withBundle,
  withoutBundle,
  withProbe,
  withStatus,
} from './sample-facts.ts';

const { process } = bundle;
const given = (set: string, names: string[]): SandboxFacts =>
  withBundle({ process: { ...process, capabilities: { ...process.capabilities, [set]: names } } });
const none = '0000000000000000';
const withoutAny = { CapInh: none, CapPrm: none, CapEff: none, CapBnd: none };
/** A sandbox of user 1000. */
const ordinary = (facts: SandboxFacts): SandboxFacts => ({
  ...facts,
  bundle: { seen: { ...bundle, process: { ...process, user: { uid: 1000, gid: 1000 } } } },
});

suite('capabilities', () => {
  test('of root are exactly those demanded', () => {
    assert.equal(said(observeCapabilities(facts, demand)), 'proven: uid 0: CHOWN, SETUID');
  });

  for (const [what, changed, reason] of [
    ...['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map(
      (set) =>
        [`one more is given (${set})`, given(set, ['CAP_CHOWN', 'CAP_NET_RAW']), /given NET_RAW beyond/] as const,
    ),
    ['an unknown one is given', given('bounding', ['CAP_OF_TOMORROW']), /OF_TOMORROW/],
    ...(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const).map(
      (set) => [`one more is had (${set})`, withStatus({ [set]: '0000000000002081' }), /has NET_RAW beyond/] as const,
    ),
    ['a bit without a name is had', withStatus({ CapBnd: '8000000000000081' }), /has 63 beyond/],
    ...(['CapPrm', 'CapEff', 'CapBnd'] as const).map(
      (set) => [`root lacks one (${set})`, withStatus({ [set]: '0000000000000080' }), /lacks CHOWN/] as const,
    ),
    [
      'another user was given',
      withBundle({ process: { ...process, user: { uid: 1000, gid: 0 } } }),
      /the user 1000:0, not 0:0/,
    ],
    ['another group was given', withBundle({ process: { ...process, user: { uid: 0, gid: 5 } } }), /the user 0:5/],
    ['a process is another user', withProbe({ uid: 7 }), /runs as 7:0, not 0:0/],
    ['a process is in another group', withProbe({ gid: 7 }), /runs as 0:7, not 0:0/],
  ] as const) {
    test(`are violated when ${what}`, () => {
      const seen = said(observeCapabilities(changed, demand));
      assert.match(seen, /^violated: /);
      assert.match(seen, reason);
    });
  }

  test('a user by name, or without a group, is what the image makes of it', () => {
    const as = (user: string) => said(observeCapabilities(facts, { spec: { ...spec, user } }));
    for (const user of ['0', 'root', 'root:root', 'nobody:0']) assert.match(as(user), /^proven/, user);
    for (const user of ['1000', 'root:5', '5:root'])
      assert.match(as(user), /^violated: runsc was given the user/, user);
  });

  test("the image's user is anybody, but the same for all", () => {
    const image = { spec: { ...spec, user: undefined } };
    const seen = ordinary(withStatus({ ...withoutAny, CapInh: '0000000000000081' }, { uid: 1000, gid: 1000 }));
    assert.equal(said(observeCapabilities(seen, image)), 'proven: uid 1000: none');
    assert.match(said(observeCapabilities(ordinary(facts), image)), /^violated: .*runs as 0:0, not 1000:1000/);
  });

  test('of another user may be fewer, never more', () => {
    const user = { spec: { ...spec, user: '1000:1000' } };
    const as = (status: Parameters<typeof withStatus>[0]) => ordinary(withStatus(status, { uid: 1000, gid: 1000 }));
    assert.match(said(observeCapabilities(as(withoutAny), user)), /^proven/);
    assert.match(said(observeCapabilities(as({ CapEff: '00000000000000ff' }), user)), /^violated/);
  });

  test('none are demanded, none are had', () => {
    const bare = withBundle({ process: { ...process, capabilities: {} } });
    const nothing = { spec: { ...spec, capabilities: [] } };
    const seen = { ...bare, probe: withStatus(withoutAny).probe };
    assert.equal(said(observeCapabilities(seen, nothing)), 'proven: uid 0: none');
    assert.match(said(observeCapabilities(bare, nothing)), /^violated: .*CHOWN, SETUID beyond/);
  });

  test('are not proven by half of the evidence', () => {
    assert.equal(said(observeCapabilities(blind, demand)), 'unavailable: the probe is blind');
    assert.equal(said(observeCapabilities(withoutBundle, demand)), 'unavailable: no bundle in sight');
  });
});

suite('no-new-privileges', () => {
  for (const [what, changed, outcome] of [
    ['is proven', facts, /^proven/],
    [
      'is violated when runsc was not told',
      withBundle({ process: { ...process, noNewPrivileges: false } }),
      /^violated: runsc/,
    ],
    ['is violated when runsc did not do it', withProbe({ noNewPrivileges: 0 }), /^violated: a process/],
    ['is violated when the kernel knows no such thing', withProbe({ noNewPrivileges: -22 }), /^violated: a process/],
    ['is unavailable to the blind', blind, /^unavailable: the probe is blind/],
    ['is unavailable without a bundle', withoutBundle, /^unavailable: no bundle/],
  ] as const) {
    test(what, () => assert.match(said(observeNoNewPrivileges(changed)), outcome));
  }
});
