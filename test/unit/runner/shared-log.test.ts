import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SharedLog } from '../../../src/runner/shared-log.ts';

function sharedLog(delayMs = 0) {
  let text = '';
  let writing = false;
  const log = new SharedLog(async (_stream, data) => {
    assert.ok(!writing, 'one at a time');
    writing = true;
    await sleep(delayMs);
    text += Buffer.from(data).toString();
    writing = false;
  });
  return {
    stage: (data: string) => log.stage('stdout', Buffer.from(data)),
    others: (data: string, patienceMs = 0) => log.others(Buffer.from(data), patienceMs),
    get text() {
      return text;
    },
  };
}

suite('the log of a stage and of services', () => {
  test('has what each writes, one after the other', async () => {
    const log = sharedLog(5);
    await Promise.all([log.stage('a\n'), log.others('[x] 1\n'), log.stage('b\n'), log.others('[x] 2\n')]);
    assert.equal(log.text, 'a\n[x] 1\nb\n[x] 2\n');
  });

  test("has others' lines after the end of the stage's own", async () => {
    const log = sharedLog();
    await log.stage('mid');
    const others = log.others('[x] 1\n', 5000);
    await sleep(120);
    await log.stage('dle\n');
    await others;
    assert.equal(log.text, 'middle\n[x] 1\n');
  });

  test("does not wait for ever for the end of the stage's line", async () => {
    const log = sharedLog();
    await log.stage('prompt> ');
    await log.others('[x] 1\n', 100);
    await log.stage('answer\n');
    assert.equal(log.text, 'prompt> \n[x] 1\nanswer\n');
  });

  test('goes on after a write that failed, which is its writer’s affair', async () => {
    let broken = true;
    const log = new SharedLog(async () => {
      if (broken) throw new Error('closed');
    });
    await assert.rejects(log.stage('stdout', Buffer.from('a')), /closed/);
    broken = false;
    await log.stage('stdout', Buffer.from('b'));
  });
});
