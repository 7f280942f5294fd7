import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Credential } from '../../../src/images/credentials.ts';
import { maskSecrets } from '../../../src/images/mask.ts';
import { Secret } from '../../../src/secret.ts';
import { anyText } from '../samples.ts';

const credential = (username: string, password: string, identityToken?: string): Credential => ({
  source: 'test',
  login: new Secret({ username, password, identityToken }),
});

suite('a registry that echoes the password', () => {
  const password = 'pa:ss w"rd+$/é';
  for (const [what, spelling] of [
    ['as it is', password],
    ['in a URL', encodeURIComponent(password)],
    ['in a form', new URLSearchParams({ p: password }).toString().slice(2)],
    ['in JSON', JSON.stringify(password).slice(1, -1)],
    ['in base64', Buffer.from(password).toString('base64')],
    ['in base64 for URLs', Buffer.from(password).toString('base64url')],
    ['as the header has it', Buffer.from(`user:${password}`).toString('base64')],
    ['as the header has it, as its own words', `Basic ${Buffer.from(`user:${password}`).toString('base64')}`],
  ] as const) {
    test(what, () => {
      const masked = maskSecrets(`denied: <${spelling}> is wrong`, credential('user', password));
      assert.ok(!masked.includes(spelling.replace(/=+$/, '')), masked);
      assert.match(masked, /^denied: <.*\[masked\].*> is wrong$/);
    });
  }

  test('or the token', () => {
    assert.equal(maskSecrets('no TokenTokenToken', credential('', '', 'TokenTokenToken')), 'no [masked]');
  });

  test('not what is too short to be one', () => {
    assert.equal(maskSecrets('unauthorized: abc', credential('a', 'abc')), 'unauthorized: abc');
    assert.equal(maskSecrets('unauthorized: x', credential('', '')), 'unauthorized: x');
  });
});

test('what gives access without being ours', () => {
  for (const [text, masked] of [
    ['Bearer abcdefgh.1jk-l_m~n+/= expired', 'Bearer [masked] expired'],
    ['basic YWxpY2U6cGFzcw== is wrong', 'Basic [masked] is wrong'],
    ['Basic authentication required', 'Basic authentication required'],
    ['bearer authorization needed', 'bearer authorization needed'],
    ['token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl bad', 'token [masked] bad'],
    ['Get "https://user:word@s.example.com/x": EOF', 'Get "https://[masked]@s.example.com/x": EOF'],
    ['Get "https://s.example.com/blob?X-Sig=abc&b=c": EOF', 'Get "https://s.example.com/blob?[masked]": EOF'],
    ['Get "https://a.example.com/v2/": dial tcp', 'Get "https://a.example.com/v2/": dial tcp'],
    ['basic words stay', 'basic words stay'],
  ]) {
    assert.equal(maskSecrets(text ?? '', undefined), masked);
  }
});

test('no password shows, whatever it is', () => {
  const sendable = anyText({ minLength: 6 }).filter((text) => text.isWellFormed() && !'<[masked]>'.includes(text));
  fc.assert(
    fc.property(sendable, (password) => {
      const masked = maskSecrets(`<${password}> <${encodeURIComponent(password)}>`, credential('user', password));
      assert.ok(!masked.includes(password) && !masked.includes(encodeURIComponent(password)), masked);
    }),
  );
});
