import assert from 'node:assert/strict';
import test from 'node:test';
import { Counter } from './counter.js';

test('counts from one, and on', async () => {
  const counter = await Counter.open(process.env.REDIS_HOST ?? 'localhost', 'visits');
  await counter.reset();
  assert.equal(await counter.increment(), 1);
  assert.equal(await counter.increment(), 2);
  counter.close();
});
