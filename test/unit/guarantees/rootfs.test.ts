import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ProbeReport } from '../../../src/guarantees/probe.ts';
import { observeRootfs } from '../../../src/guarantees/rootfs.ts';
import type { SandboxFacts } from '../../../src/guarantees/sandbox-facts.ts';
import { blind, bundle, demand, facts, said, spec, withBundle, withoutBundle, withProbe } from './sample-facts.ts';

const readOnly = { spec: { ...spec, readOnlyRoot: true } };
const readOnlyBundle = { ...bundle, root: { ...bundle.root, readonly: true } };
const sealed = (change: Partial<ProbeReport> = {}): SandboxFacts => ({
  ...withProbe({ rootCreation: 30, mounts: [['/', 'ro', '9p']], ...change }),
  bundle: { seen: readOnlyBundle },
});

suite('the root file system', () => {
  for (const [what, changed, asked, outcome] of [
    ['ephemeral', facts, demand, /^proven: writable, on gVisor's overlay/],
    ['ephemeral, as a user who may not write in /', withProbe({ rootCreation: 13 }), demand, /^proven/],
    ['read-only', sealed(), readOnly, /^proven: read-only/],
    ['read-only, and its user may not write in / anyway', sealed({ rootCreation: 13, uid: 1000 }), readOnly, /^proven/],
    ['writable, not read-only', facts, readOnly, /^violated: runsc was given a writable/],
    ['read-only, not writable', sealed(), demand, /^violated: runsc was given a read-only/],
    [
      'read-only for runsc, but a file could be made',
      sealed({ rootCreation: 0 }),
      readOnly,
      /^violated: a file could be made/,
    ],
    ['read-only for runsc, but root is refused for another reason', sealed({ rootCreation: 13 }), readOnly, /errno 13/],
    ['read-only for runsc, but the file was there', sealed({ rootCreation: 17, uid: 1000 }), readOnly, /errno 17/],
    [
      'read-only for runsc, but mounted writable',
      sealed({ mounts: [['/', 'rw', '9p']] }),
      readOnly,
      /^violated: its root is mounted writable/,
    ],
    [
      'read-only below a writable one',
      sealed({
        mounts: [
          ['/', 'ro', '9p'],
          ['/', 'rw', 'overlay'],
        ],
      }),
      readOnly,
      /^violated: its root is mounted writable/,
    ],
    ['nowhere', sealed({ mounts: [] }), readOnly, /^violated/],
    ['named like read-only', sealed({ mounts: [['/', 'rw,road', '9p']] }), readOnly, /^violated/],
    [
      'mounted read-only, not writable',
      withProbe({ mounts: [['/', 'ro', 'overlay']] }),
      demand,
      /^violated: its root is mounted read-only/,
    ],
    ["the host's", withProbe({ mounts: [['/', 'rw', '9p']] }), demand, /^unavailable: writes .* \(9p, no overlay/],
    ['unknown to the blind', blind, demand, /^unavailable: the probe is blind/],
    ['unknown without a bundle', withoutBundle, demand, /^unavailable: no bundle/],
    ['said to be writable outright', withBundle({ root: { ...bundle.root, readonly: false } }), demand, /^proven/],
  ] as const) {
    test(`is ${what}`, () => assert.match(said(observeRootfs(changed, asked)), outcome));
  }
});
