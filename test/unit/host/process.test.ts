import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { networkNamespace, processesInNetworkNamespace, readProcess } from '../../../src/host/process.ts';
import { children, gone, sleeper } from './children.ts';

suite('a process of the host', () => {
  test('is ourselves', async () => {
    const own = await readProcess(process.pid);
    assert.equal(own?.pid, process.pid);
    assert.equal(own?.uid, process.getuid?.());
    assert.equal(own?.commandLine[0], process.argv0);
    assert.ok(own?.commandLine.some((word) => word.includes('process.test.ts')));
  });

  test('keeps its arguments apart, empty ones too', async () => {
    const words = ['-c', 'read -r line', '', 'two words', ''];
    // Waits for a line that never comes.
    const child = spawn('/bin/sh', words, { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(child);
    await once(child, 'spawn');
    assert.deepEqual((await readProcess(child.pid ?? 0))?.commandLine, ['/bin/sh', ...words]);
  });

  test('that is gone is none', async () => assert.equal(await readProcess(await gone()), undefined));

  test('that cannot exist is none', async () => {
    assert.equal(await readProcess(0), undefined);
    assert.equal(await readProcess(2 ** 30), undefined);
  });
});

suite('a network namespace', () => {
  test('is shared with a child', async () => {
    const own = networkNamespace(process.pid);
    assert.match(own ?? '', /^net:\[\d+\]$/);
    assert.equal(networkNamespace('self'), own);
    const pid = await sleeper('in-the-same');
    assert.equal(networkNamespace(pid), own);
    const members = processesInNetworkNamespace(own ?? '');
    assert.ok(members.includes(process.pid) && members.includes(pid));
  });

  test('of a process that left it is another', async () => {
    const child = spawn('unshare', ['--user', '--net', 'sleep', '60'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const deadline = Date.now() + 5000;
    while (networkNamespace(pid) === networkNamespace('self') && Date.now() < deadline) await sleep(10);
    const other = networkNamespace(pid) ?? '';
    assert.notEqual(other, networkNamespace('self'));
    assert.deepEqual(processesInNetworkNamespace(other), [pid]);
    assert.ok(!processesInNetworkNamespace(networkNamespace('self') ?? '').includes(pid));
  });

  test('of one that is gone is not known, and is in none', async () => {
    assert.equal(networkNamespace(await gone()), undefined);
    assert.deepEqual(processesInNetworkNamespace('net:[0]'), []);
  });
});
