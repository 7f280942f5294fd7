import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseDocument } from '../../../src/policy/document.ts';
import { formatPath } from '../../../src/policy/json-path.ts';
import { nearest } from '../../../src/policy/nearest.ts';
import { assignmentsSchema, policyFileSchema } from '../../../src/policy/schema.ts';
import { validate } from '../../../src/policy/validate.ts';

const invalid = (message: RegExp | string) => ({ name: 'BulkheadError', code: 'policy-invalid', message });

suite('a document', () => {
  const document = parseDocument(
    'site.json',
    [
      '{',
      '  "limits": {',
      '    "memory":',
      '      "4GiB", "cpus": 2',
      '  },',
      '  "require": [',
      '    "gvisor",',
      '    "rootless"',
      '  ]',
      '}',
    ].join('\n'),
  );

  test('knows the line of every key and entry', () => {
    for (const [path, line] of [
      [[], 1],
      [['limits'], 2],
      [['limits', 'memory'], 3],
      [['limits', 'cpus'], 4],
      [['require'], 6],
      [['require', 0], 7],
      [['require', 1], 8],
    ] as const) {
      assert.equal(document.line(path), line, formatPath(path));
    }
  });

  test('gives the line of what is around something that is not there', () => {
    assert.equal(document.line(['limits', 'pids']), 2);
    assert.equal(document.line(['require', 7]), 6);
    assert.equal(document.line(['nothing', 'at', 'all']), 1);
  });

  test('counts lines as editors do, whatever ends them', () => {
    assert.equal(parseDocument('x', '{\r\n"a":\r\n1,\r\n"b": 2}').line(['b']), 4);
  });

  for (const [what, text, message] of [
    ['nothing', '', /^x\.json:1: not JSON/],
    ['blanks', ' \n ', /^x\.json:\d: not JSON/],
    ['half an object', '{\n"a": 1', /^x\.json:2: not JSON/],
    ['a comment', '{ // why\n}', /^x\.json:1: not JSON/],
    ['a comma too many', '{\n"a": 1,\n}', /^x\.json:3: not JSON/],
    ['a second value', '{}\n{}', /^x\.json:2: not JSON/],
    ['single quotes', "{'a': 1}", /^x\.json:1: not JSON/],
    ['NaN', '{"a": NaN}', /^x\.json:1: not JSON/],
    ['Infinity', '{"a": -Infinity}', /^x\.json:1: not JSON/],
    ['an octal number', '{"a": 010}', /^x\.json:1: not JSON/],
    ['a byte order mark', '\ufeff{}', /^x\.json:1: not JSON/],
    ['a tab in a text', '{"a": "\t"}', /^x\.json:1: not JSON/],
    ['a NUL', '{}\0', /^x\.json:1: not JSON/],
    ['a bad escape', '{"a": "\\x"}', /^x\.json:1: not JSON/],
    ['a key that is there twice', '{\n"a": 1,\n"b": {},\n"a": 2}', 'x.json:4: a: is there twice'],
    [
      'one that is there twice deeper down',
      '{"l": [{}, {"a": {"b": 1,\n"b": 1}}]}',
      'x.json:2: l[1].a.b: is there twice',
    ],
    ['one that is there twice in two spellings', '{"a": 1, "\\u0061": 2}', 'x.json:1: a: is there twice'],
    ["JavaScript's own key", '{"limits":\n{"__proto__": {}}}', 'x.json:2: limits.__proto__: unknown key'],
    ['more lists than anybody needs', '['.repeat(100_000), /^x\.json:1: more than 32/],
    ['more objects than anybody needs', `${'{"a":\n'.repeat(40)}1${'}'.repeat(40)}`, /^x\.json:33: more than 32/],
  ] as const) {
    test(`refuses ${what}`, () => assert.throws(() => parseDocument('x.json', text), invalid(message as RegExp)));
  }

  test('takes what JSON.parse takes', () => {
    for (const text of [
      '{}',
      '[]',
      '"x"',
      '1e999',
      '-0',
      'null',
      '{"constructor": 1, "toString": 2}',
      '{"\\u0000": 1}',
    ]) {
      assert.deepEqual(parseDocument('x', text).value, JSON.parse(text));
    }
  });
});

suite('a mistake is told with line, path, and what was meant', () => {
  const tell = (text: string) => {
    try {
      validate(parseDocument('site.json', text), policyFileSchema, ['limits', 'memory', 'images', 'network']);
      return 'nothing';
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const [text, expected] of [
    ['{}', 'nothing'],
    ['{\n"limit": {}}', 'site.json:2: limit: unknown key; did you mean "limits"?'],
    ['{"limits": {\n"memroy": "4GiB"}}', 'site.json:2: limits.memroy: unknown key; did you mean "memory"?'],
    ['{"zzz": 1}', 'site.json:1: zzz: unknown key'],
    [`{"${'limits'.repeat(100)}": 1}`, `site.json:1: ${'limits'.repeat(100)}: unknown key`],
    ['null', 'site.json:1: (top level): Invalid input: expected object, received null'],
    ['{"limits": {"memory": 4}}', 'site.json:1: limits.memory: must be a size in quotes, such as "4GiB"'],
    ['{"limits": {"cpus": "4"}}', 'site.json:1: limits.cpus: Invalid input: expected number, received string'],
    ['{"limits": {"cpus": 1e999}}', 'site.json:1: limits.cpus: Invalid input: expected number, received Infinity'],
    [
      '{"capabilities": ["CAP_CHOWN"]}',
      'site.json:1: capabilities[0]: "CAP_CHOWN" is not known here; did you mean "CHOWN"?',
    ],
    ['{"capabilities": ["CHOWN",\n"CHOWN"]}', 'site.json:2: capabilities[1]: is there twice'],
    [
      '{"network": {"build": "on"}}',
      'site.json:1: network.build: "on" is not known here; write one of none, job, listed, egress',
    ],
    ['{"user": {"run": "root"}}', 'site.json:1: user.run: must be "image" or uid:gid in numbers'],
    ['{"tmpfs": {"tmp": "1GiB"}}', 'site.json:1: tmpfs.tmp: must be an absolute path without . and ..'],
    ['{"tmpfs": {"/a/../b": "1GiB"}}', 'site.json:1: tmpfs["/a/../b"]: must be an absolute path without . and ..'],
    ['{"ulimits": {"cpu": {"soft": "9s", "hard": "1s"}}}', 'site.json:1: ulimits.cpu.soft: is above the hard limit'],
    ['{"seccomp": "../x"}', 'site.json:1: seccomp: must be a name such as baseline'],
    ['{"extends": "Baseline"}', 'site.json:1: extends: must be a name such as baseline'],
  ] as const) {
    test(text.slice(0, 60), () => assert.equal(tell(text), expected));
  }

  test('a unit that is wrong', () => {
    for (const value of ['4G', '4 GiB', '4gib', '0B', '']) {
      assert.match(
        tell(JSON.stringify({ limits: { memory: value } })),
        /^site\.json:1: limits\.memory: ".*" is not a size; write a number and one of B, kB,/,
      );
    }
    for (const value of ['0', '1', '1G']) {
      assert.match(
        tell(JSON.stringify({ ulimits: { core: value } })),
        /^site\.json:1: ulimits\.core: ".*" is not a size/,
      );
    }
  });

  test('a pattern that is wrong', () => {
    assert.equal(
      tell('{"images": {"allow": [\n"debian"]}}'),
      'site.json:2: images.allow[0]: "debian" names no registry; the full name of a short one is as in docker.io/library/debian',
    );
  });

  test('several at once, each with its line', () => {
    assert.equal(tell('{"a": 1,\n"limits": {"b": 1},\n"cache": true}').split('; ').length, 3);
  });

  test('in assignments', () => {
    const document = parseDocument(
      'assignments.json',
      '{"assignments": [\n{"match": {"project": ["a/**",\n"b//c"]}, "policy": "x"}]}',
    );
    assert.throws(
      () => validate(document, assignmentsSchema, []),
      invalid('assignments.json:3: assignments[0].match.project[1]: "b//c" has an empty part (a slash too many)'),
    );
  });
});

test('the nearest word is one that may have been meant', () => {
  assert.equal(nearest('memroy', ['memory', 'cpus']), 'memory');
  assert.equal(nearest('IMAGES', ['images']), 'images');
  assert.equal(nearest('x', ['memory']), undefined);
  assert.equal(nearest('', ['memory']), undefined);
  assert.equal(nearest('memory', []), undefined);
});

test('paths are written as in programs', () => {
  assert.equal(formatPath(['limits', 'memory']), 'limits.memory');
  assert.equal(formatPath(['images', 'allow', 2]), 'images.allow[2]');
  assert.equal(formatPath(['tmpfs', '/tmp']), 'tmpfs["/tmp"]');
  assert.equal(formatPath([]), '');
});
