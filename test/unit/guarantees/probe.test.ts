import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseBundle } from '../../../src/guarantees/bundle.ts';
import { parseProbe, probeCommand } from '../../../src/guarantees/probe.ts';
import { bundle, probe } from './sample-facts.ts';

const problemOf = (result: object): string => ('problem' in result ? String(result.problem) : 'none');

suite("the probe's report", () => {
  test('is read', () => assert.deepEqual(parseProbe(`${JSON.stringify(probe)}\n`), { report: probe }));
  test('is asked for by path, without a shell', () => {
    assert.deepEqual(probeCommand(['unshare', 'setns']), ['/bulkhead/probe', 'unshare', 'setns']);
    const destinations = ['192.0.2.1:40000', '10.0.2.2:40000'];
    assert.deepEqual(probeCommand(['setns'], destinations), ['/bulkhead/probe', 'setns', ...destinations]);
  });

  for (const [what, text, problem] of [
    ['nothing', '', /not JSON/],
    ['cut off', JSON.stringify(probe).slice(0, -2), /not JSON/],
    ["a shell's words", 'sh: not found', /not JSON/],
    ['not an object', '[]', /expected object/],
    ['of another version', JSON.stringify({ ...probe, version: 1 }), /version/],
    ['without connections, as older probes are', JSON.stringify({ ...probe, connections: undefined }), /connections/],
    [
      'with a connection that is none',
      JSON.stringify({ ...probe, connections: { '192.0.2.1:80': -1 } }),
      /connections/,
    ],
    ['without a part', JSON.stringify({ ...probe, mounts: undefined }), /mounts/],
    ['with a part that no probe has', JSON.stringify({ ...probe, root: true }), /root/],
    ['of a kernel without status', JSON.stringify({ ...probe, status: null }), /status/],
    [
      'with a set that is none',
      JSON.stringify({ ...probe, status: { ...probe.status, CapEff: 'all' } }),
      /status\.CapEff/,
    ],
    ['without a set', JSON.stringify({ ...probe, status: { ...probe.status, CapBnd: null } }), /status\.CapBnd/],
    [
      'with a mode that is none',
      JSON.stringify({ ...probe, status: { ...probe.status, Seccomp: '3' } }),
      /status\.Seccomp/,
    ],
    ['with half a mount', JSON.stringify({ ...probe, mounts: [['/', 'rw']] }), /mounts\.0/],
  ] as const) {
    test(`is refused when it is ${what}`, () => assert.match(problemOf(parseProbe(text)), problem));
  }
});

suite('an OCI bundle', () => {
  test('is read, whatever else is in it', () => {
    assert.deepEqual(parseBundle(JSON.stringify({ ...bundle, ociVersion: '1.0.2', hostname: 'job' })), { bundle });
  });
  test('may leave out what is empty', () => {
    const least = { process: { user: { uid: 0, gid: 0 } }, root: { path: '/x' }, linux: {} };
    assert.deepEqual(parseBundle(JSON.stringify(least)), {
      bundle: { ...least, mounts: [], annotations: {}, hooks: {}, linux: { devices: [] } },
    });
  });
  for (const [what, text] of [
    ['nothing', ''],
    ['no object', 'null'],
    ['without a process', JSON.stringify({ ...bundle, process: undefined })],
    ['without a root', JSON.stringify({ ...bundle, root: undefined })],
    ['with mounts that are none', JSON.stringify({ ...bundle, mounts: ['/'] })],
  ] as const) {
    test(`is refused when it is ${what}`, () => assert.notEqual(problemOf(parseBundle(text)), 'none'));
  }
});
