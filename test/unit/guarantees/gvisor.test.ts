import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { observeGvisor } from '../../../src/guarantees/gvisor.ts';
import { observeRootless } from '../../../src/guarantees/rootless.ts';
import type { HostProcess } from '../../../src/host/process.ts';
import type { RuntimeFacts } from '../../../src/podman/containers.ts';
import { facts, id, said } from './sample-facts.ts';

interface Changes {
  readonly container?: Partial<RuntimeFacts>;
  readonly process?: Partial<HostProcess> | 'gone';
}

/** The sandbox as it is, with one thing changed. */
function sandbox({ container, process }: Changes) {
  const changed = facts.process && process !== 'gone' ? { ...facts.process, ...process } : undefined;
  return { container: { ...facts.container, ...container }, process: changed };
}

const commandLine = (replace: (words: string[]) => string[]): Changes => ({
  process: { commandLine: replace([...(facts.process?.commandLine ?? [])]) },
});

suite('a gVisor sandbox', () => {
  test('is proven', () => assert.equal(said(observeGvisor(facts)), 'proven: runsc, sandbox process 4242'));

  for (const [what, changes, problem] of [
    ['another runtime ran it', { container: { ociRuntime: 'crun' } }, /OCI runtime "crun"/],
    ['the runtime is what the Docker-compatible API says of all', { container: { ociRuntime: 'oci' } }, /"oci"/],
    ['the runtime only sounds like it', { container: { ociRuntime: 'runsc-debug' } }, /"runsc-debug"/],
    ['the runtime has no name', { container: { ociRuntime: '' } }, /OCI runtime ""/],
    ['there is no process', { process: 'gone', container: { pid: 0 } }, /process 0 does not exist/],
    ['the process is gone', { process: 'gone' }, /process 4242 does not exist/],
    ["the process is the image's", commandLine(([, ...rest]) => ['/bin/sh', ...rest]), /is "\/bin\/sh"/],
    ['the process is the gofer', commandLine(([, ...rest]) => ['runsc-gofer', ...rest]), /"runsc-gofer"/],
    ['the process is the command', commandLine(([, ...rest]) => ['runsc', ...rest]), /"runsc"/],
    ['the process names gVisor only later', commandLine((words) => ['sh', ...words]), /"sh"/],
    ['the process has no command line, as a dying one', { process: { commandLine: [] } }, /not runsc-sandbox/],
    ['it was not booted', commandLine((words) => words.filter((word) => word !== 'boot')), /not a booted/],
    ['it belongs to another container', { container: { id: 'cd'.repeat(32) } }, /another container/],
    ['it belongs to a container that begins alike', { container: { id: id.slice(0, 12) } }, /another container/],
    ['the id is not its last word', commandLine((words) => [...words, 'x']), /another container/],
  ] as const satisfies [string, Changes, RegExp][]) {
    test(`is none when ${what}`, () => {
      const seen = said(observeGvisor(sandbox(changes)));
      assert.match(seen, /^violated: /);
      assert.match(seen, problem);
    });
  }
});

suite('a rootless sandbox', () => {
  test('is proven', () => assert.equal(said(observeRootless(facts)), 'proven: uid 1000'));
  test('is none when its process is root of the host', () => {
    assert.match(said(observeRootless(sandbox({ process: { uid: 0 } }))), /^violated: .*root of the host/);
  });
  test('is none when its process is gone', () => {
    assert.match(said(observeRootless(sandbox({ process: 'gone' }))), /^violated: its process 4242 does not exist/);
  });
});
