import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checks } from '../../../src/doctor/all.ts';
import { type Check, ok } from '../../../src/doctor/check.ts';
import { examine } from '../../../src/doctor/host/examine.ts';
import { Fact } from '../../../src/doctor/host/fact.ts';
import type { Host } from '../../../src/doctor/host/host.ts';
import { compareVersions } from '../../../src/doctor/host/versions.ts';
import { within } from '../../../src/doctor/host/within.ts';
import { BulkheadError } from '../../../src/errors.ts';
import { guaranteeNames } from '../../../src/guarantees/guarantee.ts';

const error = new BulkheadError('podman-unreachable', 'what', 'how');
const host = { stop: new AbortController().signal } as Host;
const check = (look: Check['look']): Check => ({ id: 'x', title: 'X', about: '', look });

suite('a fact', () => {
  test('is looked at once', async () => {
    let looks = 0;
    const fact = new Fact('lack', async () => ++looks);
    assert.deepEqual([await fact.look(), await fact.need(), looks], [1, 1, 1]);
  });

  test('that cannot be had fails the check that reports on it, and no other', async () => {
    const first = new Fact('there is no first', () => Promise.reject(error));
    const second = new Fact('there is no second', () => first.need());
    const third = check(async () => ok(String(await second.need())));
    assert.deepEqual(
      await examine(
        check(async () => ok(String(await first.look()))),
        host,
      ),
      {
        state: 'fail',
        text: 'what',
        fix: 'how',
      },
    );
    assert.deepEqual(await examine(third, host), { state: 'skipped', text: 'there is no first' });
    assert.deepEqual(
      await examine(
        check(async () => ok(String(await second.look()))),
        host,
      ),
      {
        state: 'skipped',
        text: 'there is no first',
      },
    );
  });
});

suite('a check', () => {
  test('that breaks is a failure, and no crash', async () => {
    const finding = await examine(
      check(() => Promise.reject(new Error('EACCES'))),
      host,
    );
    assert.deepEqual([finding.state, finding.text], ['fail', 'it cannot be looked at: EACCES']);
  });

  test('that was interrupted says nothing of the host', async () => {
    const stop = AbortSignal.abort(new BulkheadError('terminated', 'stop', ''));
    await assert.rejects(
      examine(
        check(() => Promise.reject(new Error('half done'))),
        { ...host, stop },
      ),
      /stop/,
    );
  });

  test('has an id of its own', () => {
    const ids = checks.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[a-z][a-z-]+$/);
    for (const name of guaranteeNames) assert.ok(ids.includes(`guarantee-${name.replace('.', '-')}`), name);
  });
});

test('a service that never answers does not keep the doctor', async () => {
  await assert.rejects(
    within(1, 'ping', new Promise(() => {})),
    /took the connection, but gave no answer in 0\.001 s \(ping\)/,
  );
  assert.equal(await within(10_000, 'ping', Promise.resolve(1)), 1);
  await assert.rejects(within(10_000, 'ping', Promise.reject(error)), error);
});

test('versions are compared by their numbers', () => {
  assert.ok(compareVersions('4.10.0', '4.9.9') > 0);
  assert.ok(compareVersions('5.8.0-rc1', '5.8.1') < 0);
  assert.equal(compareVersions('5.8', '5.8.0'), 0);
});
