import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatPlatform, hostArchitecture, parsePlatform } from '../../../src/images/platform.ts';

suite('a platform', () => {
  for (const [text, host, platform] of [
    ['linux/amd64', 'amd64', 'linux/amd64'],
    ['Linux/AMD64', 'amd64', 'linux/amd64'],
    ['linux/x86_64', 'amd64', 'linux/amd64'],
    ['amd64', 'amd64', 'linux/amd64'],
    ['x86-64', 'amd64', 'linux/amd64'],
    ['linux', 'amd64', 'linux/amd64'],
    ['linux/amd64/v2', 'amd64', 'linux/amd64/v2'],
    ['linux/arm64/v8', 'arm64', 'linux/arm64/v8'],
    ['aarch64', 'arm64', 'linux/arm64'],
  ] as const) {
    test(`${text} is ${platform}`, () => assert.equal(formatPlatform(parsePlatform(text, host)), platform));
  }

  for (const [text, host] of [
    ['linux/arm64', 'amd64'],
    ['arm64', 'amd64'],
    ['linux/386', 'amd64'],
    ['linux/arm/v7', 'arm64'],
    ['windows/amd64', 'amd64'],
    ['darwin', 'amd64'],
    ['linux/amd64/v2/x', 'amd64'],
    ['linux//v2', 'amd64'],
    ['linux/amd64/', 'amd64'],
    ['/amd64', 'amd64'],
    ['linux/amd64/v2&fromImage=evil', 'amd64'],
    ['linux/amd64\n', 'amd64'],
    ['', 'amd64'],
  ] as const) {
    test(`${JSON.stringify(text)} is none that ${host} runs`, () => {
      assert.throws(() => parsePlatform(text, host), { code: 'image-platform-unavailable', blame: 'job' });
    });
  }

  test('of this host is in the words of Go', () => {
    assert.ok(hostArchitecture !== 'x64');
    assert.equal(parsePlatform('linux').architecture, hostArchitecture);
  });
});
