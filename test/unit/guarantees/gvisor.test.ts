import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { findProblem } from '../../../src/guarantees/gvisor.ts';
import type { HostProcess } from '../../../src/host/process.ts';
import type { RuntimeFacts } from '../../../src/podman/containers.ts';

const id = 'ab'.repeat(32);
const facts: RuntimeFacts = { id, ociRuntime: 'runsc', pid: 4242 };
const process: HostProcess = {
  pid: 4242,
  uid: 1000,
  commandLine: ['runsc-sandbox', '--root=/run/user/1000/runsc', '--platform=systrap', 'boot', '--bundle=/b', id],
};

/** The observation as it is, with one thing changed. */
const observe = (
  changes: { facts?: Partial<RuntimeFacts>; process?: Partial<HostProcess> | 'gone' } = {},
): string | undefined =>
  findProblem(
    { ...facts, ...changes.facts },
    changes.process === 'gone' ? undefined : { ...process, ...changes.process },
  );

const commandLine = (replace: (words: string[]) => string[]) => ({
  process: { commandLine: replace([...process.commandLine]) },
});

suite('a gVisor sandbox', () => {
  test('has nothing that speaks against it', () => assert.equal(observe(), undefined));

  for (const [what, changes, problem] of [
    ['another runtime ran it', { facts: { ociRuntime: 'crun' } }, /OCI runtime "crun"/],
    ['the runtime is what the Docker-compatible API says of all', { facts: { ociRuntime: 'oci' } }, /"oci"/],
    ['the runtime only sounds like it', { facts: { ociRuntime: 'runsc-debug' } }, /"runsc-debug"/],
    ['the runtime has no name', { facts: { ociRuntime: '' } }, /OCI runtime ""/],
    ['there is no process', { process: 'gone', facts: { pid: 0 } }, /process 0 does not exist/],
    ['the process is gone', { process: 'gone' }, /process 4242 does not exist/],
    ["the process is the image's", commandLine(([, ...rest]) => ['/bin/sh', ...rest]), /is "\/bin\/sh"/],
    ['the process is the gofer', commandLine(([, ...rest]) => ['runsc-gofer', ...rest]), /"runsc-gofer"/],
    ['the process is the command', commandLine(([, ...rest]) => ['runsc', ...rest]), /"runsc"/],
    ['the process names gVisor only later', commandLine((words) => ['sh', ...words]), /"sh"/],
    ['the process has no command line, as a dying one', { process: { commandLine: [] } }, /not runsc-sandbox/],
    ['it was not booted', commandLine((words) => words.filter((word) => word !== 'boot')), /not a booted/],
    ['it belongs to another container', { facts: { id: 'cd'.repeat(32) } }, /another container/],
    ['it belongs to a container that begins alike', { facts: { id: id.slice(0, 12) } }, /another container/],
    ['the id is not its last word', commandLine((words) => [...words, 'x']), /another container/],
    ['it runs as root of the host', { process: { uid: 0 } }, /root of the host/],
  ] as const) {
    test(`is none when ${what}`, () => assert.match(observe(changes as Parameters<typeof observe>[0]) ?? '', problem));
  }
});
