import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { processIdentity, readProcess } from '../../../src/host/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-process-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process that sleeps under a name of our choice. */
async function sleeper(name: string): Promise<number> {
  const program = join(folder, name);
  symlinkSync('/usr/bin/sleep', program);
  const child = spawn(program, ['60'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  assert.ok(child.pid);
  return child.pid;
}

async function gone(): Promise<number> {
  const child = spawn('true');
  await once(child, 'close');
  assert.ok(child.pid);
  return child.pid;
}

const ticksSinceBoot = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100;

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

suite('the identity of a process', () => {
  test('is the same whenever one asks', async () => {
    assert.equal(await processIdentity(process.pid), await processIdentity(process.pid));
    assert.match(await processIdentity(process.pid), new RegExp(`^${process.pid}:[0-9]+$`));
  });

  // The name stands in parentheses before the fields, and may itself look like fields.
  for (const name of ['plain', 'two words', 'par(en)theses', ') R 1 1 1', '((', '))', 'a) S (b']) {
    test(`tells when it started, though its name is "${name}"`, async () => {
      const before = ticksSinceBoot();
      const pid = await sleeper(name);
      const after = ticksSinceBoot();
      const [first, start] = (await processIdentity(pid)).split(':').map(Number);
      assert.equal(first, pid);
      assert.ok(start !== undefined && start >= before - 10 && start <= after + 10, `${before} ≤ ${start} ≤ ${after}`);
    });
  }

  test('of one that is gone is not known', async () => {
    await assert.rejects(processIdentity(await gone()), { code: 'ENOENT' });
  });
});
