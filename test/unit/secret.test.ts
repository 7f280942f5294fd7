import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from '../../src/secret.ts';

test('a secret is seen where it is asked for by name, and nowhere else', () => {
  const secret = new Secret({ password: 'TopSecret' });
  assert.equal(secret.reveal().password, 'TopSecret');
  const holder = { secret };
  const shown = [
    JSON.stringify(holder),
    `${secret}`,
    inspect(holder, { depth: 9, showHidden: true }),
    format('%o %O %j %s', secret, secret, secret, secret),
    JSON.stringify({ ...secret }),
    Object.getOwnPropertyNames(secret).join(),
  ].join();
  assert.ok(!shown.includes('TopSecret'), shown);
});
