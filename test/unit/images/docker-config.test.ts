import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseDockerConfig } from '../../../src/images/docker-config.ts';
import { anyText } from '../samples.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const parse = (auths: unknown, more = {}) => parseDockerConfig(JSON.stringify({ auths, ...more }));
const login = (username: string, password: string, identityToken?: string) => ({
  address: 'a.example.com',
  username,
  password,
  identityToken,
});

suite('a Docker config.json', () => {
  for (const [what, entry, logins] of [
    ['user and password in base64', { auth: base64('user:pass') }, [login('user', 'pass')]],
    ['a password with colons', { auth: base64('user:a:b:') }, [login('user', 'a:b:')]],
    ['a password with a padding of NULs', { auth: base64('user:pass\0\0') }, [login('user', 'pass')]],
    ['base64 without its padding', { auth: base64('user:pass1').replace(/=+$/, '') }, [login('user', 'pass1')]],
    ['base64 with the line feed that echo adds', { auth: `${base64('user:pass')}\n` }, [login('user', 'pass')]],
    ['no password', { auth: base64('user:') }, [login('user', '')]],
    ['both in the clear', { username: 'user', password: 'pass' }, [login('user', 'pass')]],
    ['base64, which counts more', { auth: base64('a:b'), username: 'user', password: 'pass' }, [login('a', 'b')]],
    ['a token', { auth: base64('user:'), identitytoken: 'token' }, [login('user', '', 'token')]],
    ['a token alone', { identitytoken: 'token' }, [login('', '', 'token')]],
    ['nothing: the login is with a helper', {}, []],
    ['nulls', { auth: null, username: null }, []],
  ] as const) {
    test(`has ${what}`, () => assert.deepEqual(parse({ 'a.example.com': entry }).logins, logins));
  }

  test('has no logins at all', () => {
    for (const content of ['{}', '{"auths":null}', '{"auths":{}}', '{"HttpHeaders":{"x":"y"}}']) {
      assert.deepEqual(parseDockerConfig(content), { logins: [], helpers: [] });
    }
  });

  test('names helpers, which are told by their keys alone', () => {
    assert.deepEqual(parse({}, { credsStore: '../../evil', credHelpers: { 'a.example.com': 'evil' } }).helpers, [
      'credsStore',
      'credHelpers',
    ]);
    assert.deepEqual(parse({}, { credsStore: '', credHelpers: {} }).helpers, []);
  });
});

suite('what is none is refused, and not quoted', () => {
  const secret = 'TopSecretPassword';
  for (const [what, content, problem] of [
    ['no JSON', `{"auths": ${secret}}`, /^it is not JSON$/],
    ['cut JSON', `{"auths": {"a": {"auth": "${secret}`, /^it is not JSON$/],
    ['text', JSON.stringify(secret), /^its top level is not/],
    ['a list', '[]', /^its top level is not/],
    ['a list of logins', `{"auths": ["${secret}"]}`, /^"auths" is not/],
    ['text for a login', `{"auths": {"a.example.com": "${secret}"}}`, /^"auths" is not/],
    ['the login for the registry', `{"auths": {"${secret}": 1}}`, /^"auths" is not/],
    ['a number for a password', '{"auths": {"a": {"username": "u", "password": 1}}}', /^"auths" is not/],
    ['a store that is no name', `{"credsStore": {"a": "${secret}"}}`, /^"credsStore" is not/],
    [
      'no base64',
      `{"auths": {"b": {}, "a": {"auth": "user:${secret}"}}}`,
      /^"auth" of entry 2 of "auths" is not the base64/,
    ],
    ['no colon', `{"auths": {"a": {"auth": "${base64(secret)}"}}}`, /^"auth" of entry 1/],
    ['no user', `{"auths": {"a": {"auth": "${base64(`:${secret}`)}"}}}`, /^"auth" of entry 1/],
    ['nothing', '', /^it is not JSON$/],
  ] as const) {
    test(what, () => {
      assert.throws(
        () => parseDockerConfig(content),
        ({ message, cause }: Error) => {
          assert.match(message, problem);
          assert.ok(!message.includes(secret) && !message.includes(base64(secret)) && cause === undefined, message);
          return true;
        },
      );
    });
  }

  test('whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.json()), (content) => {
        try {
          parseDockerConfig(content);
        } catch (error) {
          assert.ok((error as Error).constructor === Error, String(error));
        }
      }),
    );
  });
});
