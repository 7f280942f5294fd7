import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { imagePatternProblem, matchesImage } from '../../../src/policy/image-pattern.ts';
import { formatImageReference, parseImageReference } from '../../../src/sandbox/image-reference.ts';
import { anyText } from '../samples.ts';
import { hosts, imageNames, paths } from './image-names.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const other = `sha256:${'f'.repeat(64)}`;

const table: Record<string, { yes: string[]; no: string[] }> = {
  'docker.io/**': {
    yes: ['debian', 'Docker.IO/a/b/c', 'index.docker.io/debian:12', `debian@${digest}`],
    no: [
      'docker.io.evil.org/a/b',
      'evil.org/docker.io/a',
      'docker.io:443/a/b',
      'mydocker.io/a/b',
      'evil.docker.io/a/b',
    ],
  },
  'docker.io/library/*': {
    yes: ['debian', 'debian:12'],
    no: ['evil/debian', 'library/debian/x', 'library-evil/debian'],
  },
  'docker.io/library/debian': { yes: ['debian:12', 'debian'], no: ['debian-evil', 'xdebian', 'user/debian'] },
  'docker.io/library/debian:12': {
    yes: ['debian:12'],
    no: ['debian', 'debian:12.1', 'debian:1', `debian:12@${digest}`],
  },
  'docker.io/library/debian:1*': { yes: ['debian:1', 'debian:12'], no: ['debian:21', `debian@${digest}`] },
  'docker.io/library/debian@*': { yes: [`debian@${digest}`, `debian:12@${other}`], no: ['debian:12', 'debian'] },
  [`docker.io/library/debian@${digest}`]: {
    yes: [`debian@${digest}`, `debian:evil@${digest}`],
    no: [`debian@${other}`, 'debian', `evil/debian@${digest}`],
  },
  'localhost/**': {
    yes: ['localhost/a', 'LOCALHOST/a/b'],
    no: ['localhost:5000/a', 'localhost.evil.org/a', '127.0.0.1/a'],
  },
  'registry.example.com:5000/group/**': {
    yes: ['registry.example.com:5000/group/a', 'Registry.Example.Com:5000/group/a/b'],
    no: [
      'registry.example.com/group/a',
      'registry.example.com:50000/group/a',
      'registry.example.com:5000/group-evil/a',
    ],
  },
  'registry.example.com:*/**': { yes: ['registry.example.com:1/a'], no: ['registry.example.com/a'] },
  '*.example.com/**': {
    yes: ['a.example.com/x', 'a.b.example.com/x'],
    no: ['example.com/x', 'evilexample.com/x', 'a.example.com.evil.org/x', 'a.example.com:5000/x'],
  },
  '*/**': { yes: ['debian', 'evil.org:1/a/b/c', `localhost/a@${digest}`], no: [] },
};

suite('an image pattern', () => {
  for (const [pattern, { yes, no }] of Object.entries(table)) {
    test(`${pattern} is fine`, () => assert.equal(imagePatternProblem(pattern), undefined));
    for (const name of yes) {
      test(`${pattern} allows ${name}`, () => assert.equal(matchesImage(pattern, parseImageReference(name)), true));
    }
    for (const name of no) {
      test(`${pattern} does not allow ${name}`, () =>
        assert.equal(matchesImage(pattern, parseImageReference(name)), false));
    }
  }

  for (const [pattern, problem] of Object.entries({
    '': /names no registry/,
    '**': /names no registry/,
    debian: /names no registry/,
    'debian:12': /names no registry/,
    'library/debian': /full name .* docker\.io\/library\/debian/,
    'docker.io/debian': /full name of docker\.io\/debian is docker\.io\/library\/debian/,
    'docker.io/*': /matches nothing/,
    'index.docker.io/library/*': /matches nothing/,
    'docker.io./library/*': /matches nothing/,
    '-registry.example.com/x': /matches nothing/,
    'registry.example.com/-x': /matches nothing/,
    'registry.example.com/x_': /matches nothing/,
    'registry.example.com/x:-1': /matches nothing/,
    'Docker.io/library/*': /lower case/,
    'docker.io/Library/*': /capital letters/,
    'docker.io/library/d**': /\*\* beside other/,
    'docker.io//debian': /empty part/,
    'docker.io/library/debian:': /for a tag/,
    'docker.io/library/debian:12@*': /both a tag and a digest/,
    'docker.io/library/debian@sha256:12': /digest/,
    'docker.io/library/debian@*@*': /more than one @/,
    'docker.io:port/x/y': /registry/,
    'docker://docker.io/library/debian': /registry/,
    'registry.example.com/{a,b}': /letters, digits/,
    'r\u0435gistry.example.com/x': /registry/,
  })) {
    test(`${JSON.stringify(pattern)} is a mistake`, () => assert.match(imagePatternProblem(pattern) ?? '', problem));
  }

  test('is fine or has a problem, whatever the text', () => {
    fc.assert(
      fc.property(anyText(), imageNames, (pattern, name) => {
        if (imagePatternProblem(pattern) === undefined) matchesImage(pattern, parseImageReference(name));
      }),
    );
  });
});

suite('a pattern for a registry', () => {
  test('never matches an image of another one', () => {
    fc.assert(
      fc.property(hosts, imageNames, (host, name) => {
        const registry = parseImageReference(`${host}/a/b`).registry;
        const reference = parseImageReference(name);
        for (const pattern of [`${registry}/**`, `${registry}/**@*`, `${registry}/**:*`]) {
          assert.equal(imagePatternProblem(pattern), undefined);
          if (matchesImage(pattern, reference)) assert.equal(reference.registry, registry);
        }
        assert.equal(matchesImage(`${registry}/**`, reference), reference.registry === registry);
      }),
      { numRuns: 3000 },
    );
  });

  test('never matches an evil twin of it', () => {
    fc.assert(
      fc.property(hosts, paths, (host, path) => {
        const { registry } = parseImageReference(`${host}/a/b`);
        const [bare = '', port] = registry.split(':');
        const twins = [
          `${bare}.evil.org/${path}`,
          `evil.org/${registry.replace(':', '-').toLowerCase()}/${path}`,
          `evil-${registry}/${path}`,
          `evil.${registry}/${path}`,
          port === undefined ? `${registry}:443/${path}` : `${bare}.org/${path}`,
          `${bare}-evil.org/${path}`,
        ];
        for (const twin of twins) {
          const reference = parseImageReference(twin);
          // A twin that is the registry after all is none: `localhost` beside `localhost:443`, never the same.
          assert.notEqual(reference.registry, registry, twin);
          assert.equal(matchesImage(`${registry}/**`, reference), false, twin);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('matches what its own full name says, and the digest pattern nothing else', () => {
    fc.assert(
      fc.property(imageNames, imageNames, (one, two) => {
        const [a, b] = [parseImageReference(one), parseImageReference(two)];
        const name = formatImageReference(a);
        assert.equal(imagePatternProblem(name), undefined);
        assert.equal(matchesImage(name, a), true);
        assert.equal(matchesImage(name, b), formatImageReference(b) === name);
      }),
      { numRuns: 2000 },
    );
  });
});
