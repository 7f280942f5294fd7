import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { processesOf } from '../../demo/processes.ts';
import { findProblem } from '../../demo/proof.ts';
import { table } from '../../demo/table.ts';

test('a table never gets wider than 100 columns', () => {
  const lines = table('Title', [['a', 'b'.repeat(200)]]).split('\n');
  assert(lines.every((line) => line.length <= 100));
  assert(lines[2]?.endsWith('…'));
});

test('what is no rootless gVisor sandbox is no proof', () => {
  const container = { kind: 'container', id: 'c0ffee', name: 'n', job: 'j', role: 'build', state: 'running' } as const;
  const good = { container, runtime: 'runsc', pid: 7, uid: 999, commandLine: ['runsc-sandbox', 'boot', 'c0ffee'] };
  assert.equal(findProblem(good), undefined);
  assert.equal(
    findProblem({ ...good, container: { ...container, state: 'created' }, pid: 0, commandLine: [] }),
    undefined,
  );
  assert.match(findProblem({ ...good, runtime: 'crun' }) ?? '', /crun/);
  assert.match(findProblem({ ...good, uid: 0 }) ?? '', /root/);
  assert.match(findProblem({ ...good, commandLine: [] }) ?? '', /gone/);
  assert.match(findProblem({ ...good, commandLine: ['sh', 'c0ffee'] }) ?? '', /sh/);
  assert.match(findProblem({ ...good, commandLine: ['runsc-sandbox', 'boot', 'other'] }) ?? '', /another/);
});

test('processes are found by the container that their command line names', async () => {
  const id = `c0ffee${process.pid}`;
  const command = (...args: string[]) => spawn('sh', ['-c', 'sleep 5; :', ...args], { argv0: args[0] });
  const children = [
    command('/usr/bin/conmon', '-c', id, '-u', id),
    command('/usr/bin/conmon', '-c', id, '-u', 'exec1'),
  ];
  try {
    await Promise.all(children.map((child) => once(child, 'spawn')));
    const found = (await processesOf([id])).map(({ pid, execMonitor }) => ({ pid, execMonitor }));
    assert.deepEqual(
      found.sort((a, b) => Number(a.execMonitor) - Number(b.execMonitor)),
      children.map(({ pid }, index) => ({ pid, execMonitor: index === 1 })),
    );
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});
