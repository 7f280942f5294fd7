import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { mergeCustom, unmergeCustom } from '../../../src/runner/config-toml.ts';
import { customTable, runnerBlock } from '../../../src/runner/custom-block.ts';

const program = '/opt/bulkhead/bin/bulkhead';
type Value = Record<string, unknown>;
const read = (text: string) => getStaticTOMLValue(parseTOML(text)) as Value & { runners: Value[] };

/** As "gitlab-runner register --executor custom" leaves it. */
const registered = `concurrent = 1
check_interval = 0
shutdown_timeout = 0

[session_server]
  session_timeout = 1800

[[runners]]
  name = "shared"
  url = "https://gitlab.example.com"
  token = "glrt-x" # secret
  executor = "custom"
  [runners.custom]
    run_exec = ""
  [runners.cache]
    MaxUploadedArchiveSize = 0
`;

test('a runner as it was registered calls the driver, and nothing else changes', () => {
  const { text, edits, runner, notes } = mergeCustom(registered, { program });
  assert.equal(runner, 'shared');
  assert.deepEqual(notes, []);
  const [before, after] = [read(registered), read(text)];
  assert.deepEqual(after, {
    ...before,
    shutdown_timeout: 80,
    runners: [
      {
        ...before.runners[0],
        builds_dir: '/builds',
        cache_dir: '/cache',
        environment: ['CI_DISPOSABLE_ENVIRONMENT=true'],
        custom: customTable(program),
      },
    ],
  });
  assert.ok(text.includes('token = "glrt-x" # secret\n'));
  assert.equal(unmergeCustom(text, edits), registered);
});

test('a section with nothing but our run_exec, as registering writes it, is completed', () => {
  const told = registered.replace('run_exec = ""', `run_exec = "${program}"`);
  const { text, edits } = mergeCustom(told, { program });
  assert.deepEqual(read(text).runners[0]?.['custom'], customTable(program));
  assert.equal(unmergeCustom(text, edits), told);
});

test('what is printed is what is merged', () => {
  const merged = mergeCustom('[[runners]]\n  executor = "custom"\n', { program }).text;
  assert.deepEqual(read(runnerBlock(program)), read(merged));
});

test('together the last two timeouts are below the 300 s that GitLab Runner waits', () => {
  const { graceful_kill_timeout: graceful, force_kill_timeout: force } = customTable(program);
  assert.ok(Number(graceful) + Number(force) < 300);
});

const two = '[[runners]]\nname = "a"\nexecutor = "docker"\n[[runners]]\nname = "b"\nexecutor = "custom"\n';

test('of several runners the named one is changed', () => {
  const { text, edits } = mergeCustom(two, { program, runner: 'b' });
  const { runners } = read(text);
  assert.deepEqual(runners[0], { name: 'a', executor: 'docker' });
  assert.deepEqual(runners[1]?.['custom'], customTable(program));
  assert.equal(unmergeCustom(text, edits), two);
});

test('what the operator has decided stays', () => {
  const own = `shutdown_timeout = 20\n[[runners]]\nexecutor="custom"\nbuilds_dir='/b'\nenvironment=["A=b"]\n`;
  const { text, notes } = mergeCustom(own, { program });
  const after = read(text);
  assert.deepEqual([after['shutdown_timeout'], after.runners[0]?.['builds_dir']], [20, '/b']);
  assert.deepEqual(after.runners[0]?.['environment'], ['A=b']);
  assert.equal(notes.length, 2, notes.join('\n'));
});

test('timeouts that somebody tuned in our own section stay', () => {
  const { text } = mergeCustom(registered, { program });
  const tuned = text.replace('prepare_exec_timeout = 1800', 'prepare_exec_timeout = 7200');
  assert.deepEqual(mergeCustom(tuned, { program }).edits, []);
});

suite('is refused', () => {
  const other = '[[runners]]\nexecutor = "custom"\n[runners.custom]\nrun_exec = "/opt/other" # theirs\n';
  for (const [what, text, options, says] of [
    ['two runners and no name', two, {}, /2 runners in it: a, b/],
    ['a name that no runner has', two, { runner: 'c' }, /no runner of the name c in it; it has: a, b/],
    ['a name that two have', two.replace('"b"', '"a"'), { runner: 'a' }, /2 runners of the name a/],
    ['no runner', 'concurrent = 1\n', {}, /no runner in it/],
    ['another executor', two, { runner: 'a' }, /executor "docker"/],
    ['no executor', '[[runners]]\nname = "a"\n', {}, /no executor/],
    ['another driver', other, {}, /another driver in \[runners\.custom\]: "\/opt\/other"/],
    ['a list of inline tables', 'runners = [{executor = "custom"}]\n', {}, /not written as \[\[runners\]\]/],
    ['an inline section', '[[runners]]\nexecutor = "custom"\ncustom = {run_exec = ""}\n', {}, /not written as/],
    ['what is not TOML', 'a = 1\ntoken = glrt-secret\n', {}, /not TOML at line 2/],
    ['a key twice', '[[runners]]\nexecutor = "custom"\nexecutor = "custom"\n', {}, /not TOML/],
    ['a name that moves the cursor', '[[runners]]\nname = "\\u001b[2J"\nexecutor = "x"\n', {}, /\\x1b\[2J/],
  ] as const) {
    test(what, () => {
      assert.throws(() => mergeCustom(text, { program, ...options }), {
        name: 'BulkheadError',
        code: 'runner-config-refused',
        message: says,
      });
    });
  }

  test('but replaced when that is asked for, and comes back', () => {
    for (const [text, runner] of [
      [other, undefined],
      [two, 'a'],
    ] as const) {
      const { text: merged, edits } = mergeCustom(text, { program, runner, replace: true });
      const [first] = read(merged).runners;
      assert.deepEqual([first?.['executor'], first?.['custom']], ['custom', customTable(program)]);
      assert.equal(unmergeCustom(merged, edits), text);
    }
  });
});

suite('a file that changed since', () => {
  const { text, edits } = mergeCustom(registered, { program });

  test('loses what was merged, and keeps the rest', () => {
    const change = (old: string) => old.replace('concurrent = 1', '# more\nconcurrent = 10');
    assert.equal(unmergeCustom(change(text), edits), change(registered));
  });

  test('is left alone when what was merged is not there any more, or there twice', () => {
    assert.equal(unmergeCustom(text.replace('1800\n    cleanup', '7200\n    cleanup'), edits), undefined);
    assert.equal(
      unmergeCustom(text.replace('[session', '# moved\n[session') + text.slice(text.indexOf('\n[[runners')), edits),
      undefined,
    );
    assert.equal(unmergeCustom('', edits), undefined);
  });

  const plain = 'concurrent = 1\n[[runners]]\n  executor = "custom"\n';
  for (const [what, from, to] of [
    ['has more digits now', 'shutdown_timeout = 80', 'shutdown_timeout = 800'],
    ['has other digits behind a _', 'force_kill_timeout = 10', 'force_kill_timeout = 10_0'],
    ['ends another key', 'shutdown_timeout = 80', 'x_shutdown_timeout = 80'],
    ['is a comment', 'shutdown_timeout = 80', '# shutdown_timeout = 80'],
  ] as const) {
    test(`is left alone where a line that was merged ${what}`, () => {
      for (const original of [plain, plain.replace('concurrent = 1\n', ''), registered]) {
        const { text, edits } = mergeCustom(original, { program });
        const changed = text.replace(from, to);
        assert.notEqual(changed, text);
        assert.equal(unmergeCustom(changed, edits), undefined);
      }
    });
  }

  test('loses what was merged also where a comment stands behind it', () => {
    const { text, edits } = mergeCustom(plain, { program });
    const noted = text.replace('shutdown_timeout = 80', '$& # s');
    assert.equal(unmergeCustom(noted, edits), plain.replace('concurrent = 1', '$& # s'));
  });
});

/** Any config.toml that GitLab Runner might read: comments, blank lines, both line ends, with or without a last one. */
const files = fc
  .record({
    eol: fc.constantFrom('\n', '\r\n'),
    end: fc.boolean(),
    globals: fc.subarray(['concurrent = 4', 'log_level = "info"', 'shutdown_timeout = 0', "x = '''\n[[runners]]\n'''"]),
    comment: fc.stringMatching(/^[ -~äß]{0,20}$/),
    runners: fc.array(
      fc.record({
        keys: fc.subarray([
          'url = "https://x/" # [[runners]]',
          'limit = 3',
          "builds_dir = '/b'",
          'environment = [\n"A=#",\n]',
        ]),
        executorLast: fc.boolean(),
        indent: fc.constantFrom('', '  ', '\t'),
        after: fc.subarray([
          '[runners.cache]\nShared = true',
          '[runners.custom]\n  run_exec = "" # none',
          '[runners.x.y]\nz = 1',
        ]),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ eol, end, globals, comment, runners }) => {
    const sections = runners.map(({ keys, executorLast, indent, after }, index) => {
      const executor = `executor = "custom" #${comment}`;
      const body = [`name = "r${index}"`, ...(executorLast ? [...keys, executor] : [executor, ...keys])];
      return [
        '',
        `#${comment}`,
        '[[runners]]',
        ...body.map((line) => `${indent}${line}`),
        `#${comment}`,
        ...after,
      ].join('\n');
    });
    const text = [`#${comment}`, ...globals, ...sections].join('\n') + (end ? '\n' : '');
    return { text: text.replaceAll('\n', eol), names: runners.map((_, index) => `r${index}`) };
  });

test('any file: merged, everything else means what it meant; merged twice is merged once; taken back, it has the same bytes', () => {
  fc.assert(
    fc.property(files, fc.nat(), ({ text, names }, pick) => {
      const runner = names[pick % names.length];
      const once = mergeCustom(text, { program, runner });
      assert.ok(once.edits.length > 0);
      const rest = (value: ReturnType<typeof read>) => value.runners.filter(({ name }) => name !== runner);
      assert.deepEqual(rest(read(once.text)), rest(read(text)));
      const twice = mergeCustom(once.text, { program, runner });
      assert.deepEqual([twice.text, twice.edits], [once.text, []]);
      assert.equal(unmergeCustom(once.text, once.edits), text);
    }),
    { numRuns: 300 },
  );
});

test('any file: where something is written right behind what was merged, it is not taken back', () => {
  const more = fc.tuple(fc.stringMatching(/^[0-9a-z_.,"'\]}=-]$/), fc.stringMatching(/^[ -~]{0,3}$/));
  fc.assert(
    fc.property(files, fc.nat(), more, ({ text, names }, pick, [first, rest]) => {
      const { text: merged, edits } = mergeCustom(text, { program, runner: names[pick % names.length] });
      const chosen = pick % edits.length;
      const ends = edits.slice(0, chosen + 1);
      const moved = ends.reduce((sum, { removed, inserted }) => sum + inserted.length - removed.length, 0);
      const { at, removed, inserted } = ends[chosen] ?? assert.fail();
      const end = at + removed.length + moved - (/\r?\n$/.exec(inserted)?.[0].length ?? 0);
      assert.equal(unmergeCustom(merged.slice(0, end) + first + rest + merged.slice(end), edits), undefined);
    }),
    { numRuns: 300 },
  );
});
