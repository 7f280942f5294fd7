import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listObjects } from '../../../demo/objects.ts';
import type { Podman } from '../../../src/podman/client.ts';
import { listLabelled } from '../../../src/podman/labelled-objects.ts';
import { labelKeys } from '../../../src/sandbox/names.ts';

const labelled = (name: string) => ({
  Labels: { [labelKeys.job]: 'job', [labelKeys.role]: name, [labelKeys.runnerProcess]: '7:1' },
});

/** Podman's answers in this order; Podman itself has none: its volumes and networks come as Go's maps give them. */
function answering(names: readonly string[]): Podman {
  return {
    listContainers: async () =>
      names.map((name) => ({ Id: name, Names: [`/${name}`], State: 'running', Created: 0, ...labelled(name) })),
    listVolumes: async () => ({ Volumes: names.map((name) => ({ Name: name, ...labelled(name) })) }),
    listNetworks: async () => names.map((name) => ({ Name: name, ...labelled(name) })),
  } as unknown as Podman;
}

const ordered = ['container', 'volume', 'network'].flatMap((kind) => ['a', 'b', 'c'].map((name) => [kind, name]));

for (const names of ['abc', 'bca', 'cba']) {
  test(`objects that Podman lists as ${names} are told in one order`, async () => {
    const podman = answering([...names]);
    const told = async (objects: Promise<readonly { kind: string; name: string }[]>) =>
      (await objects).map(({ kind, name }) => [kind, name]);
    assert.deepEqual(await told(listLabelled(podman)), ordered);
    assert.deepEqual(await told(listObjects(podman, 7)), ordered);
  });
}
