import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { judgeRunnerConfiguration } from '../../../src/doctor/runner-configuration.ts';
import { customBlock } from '../../../src/runner/custom-block.ts';

const own = '/opt/bulkhead/bin/bulkhead';
const block = customBlock(own);
const file = '/etc/gitlab-runner/config.toml';
const runner = (custom: string, executor = 'custom') =>
  `[[runners]]\n  name = "ours"\n  executor = "${executor}"\n${custom}\n`;
const other = '[[runners]]\n  name = "other"\n  executor = "docker"\n  [runners.docker]\n    image = "x"\n';
const isSame = (path: string, one: string) => (path.startsWith('/gone') ? undefined : path === one);
const judge = (text: string, program: string | undefined = own) =>
  judgeRunnerConfiguration(file, text, program, isSame);

suite("GitLab Runner's config.toml", () => {
  test('is good with the block that --help prints, beside other runners', () => {
    assert.deepEqual(judge(`concurrent = 4\n${other}${runner(block)}`), { state: 'ok', text: `${file}: ours` });
  });

  for (const [what, text, says, fix] of [
    ['no TOML', 'runners = [', /cannot be read: it is not TOML at line 1$/, /Correct it/],
    [
      'no TOML where a token stands',
      'a = 1\ntoken = glrt-secret\n',
      /cannot be read: it is not TOML at line 2$/,
      /Correct it/,
    ],
    ['of another shape', 'runners = "many"', /cannot be read: .*runners/s, /Correct it/],
    ['without runners', 'concurrent = 1', /none of the 0 runners/, /gitlab-runner register --executor custom/],
    ['of another executor', other, /none of the 1 runners/, /bulkhead --help/],
    ['with our block for another executor', runner(block, 'docker'), /none of the 1 runners/, /bulkhead --help/],
    [
      'with another driver',
      runner('  [runners.custom]\n    run_exec = "/opt/not-bulkhead"'),
      /none of/,
      /bulkhead --help/,
    ],
    [
      'without cleanup',
      runner(block.replace(/cleanup_exec.*\n/, '\n')),
      /runner ours: it has no cleanup_exec/,
      /block/,
    ],
    [
      'with stages mixed up',
      runner(block.replace('["run"]', '["prepare"]')),
      /run_args begins with "prepare", not "run"/,
      /block/,
    ],
    ['without arguments', runner(block.replace(/run_args.*/, '')), /run_args begins with ""/, /block/],
    [
      'with a path to nothing',
      runner(customBlock('/gone/bin/bulkhead')),
      /config_exec names \/gone.*does not exist/,
      /block/,
    ],
    [
      'with the default timeouts',
      runner(block.replace(/.*_kill_timeout.*\n/g, '')),
      /\(600 s\).*\(10 s\) are not below 300 s/,
      /graceful_kill_timeout = 60/,
    ],
    ['with timeouts of 300 s', runner(block.replace('= 60', '= 290')), /\(290 s\)/, /graceful_kill_timeout = 60/],
  ] as const) {
    test(`fails when it is ${what}`, () => {
      const finding = judge(text);
      assert.equal(finding.state, 'fail', finding.text);
      assert.match(finding.text, says);
      assert.match('fix' in finding ? finding.fix : '', fix);
    });
  }

  test('just below 300 s is good', () => assert.equal(judge(runner(block.replace('= 60', '= 289'))).state, 'ok'));

  test('that calls another Bulkhead is worth a warning', () => {
    const finding = judge(runner(customBlock('/srv/bulkhead/bin/bulkhead')));
    assert.equal(finding.state, 'warn');
    assert.match(finding.text, /is not this Bulkhead \(\/opt\/bulkhead\/bin\/bulkhead\)/);
  });

  test('is taken as it is where nobody can tell which Bulkhead this is', () => {
    assert.equal(judgeRunnerConfiguration(file, runner(block), undefined, isSame).state, 'ok');
  });

  test('every runner that calls Bulkhead counts', () => {
    const second = runner(block.replace('= 60', '= 600')).replace('ours', 'second');
    assert.match(judge(runner(block) + second).text, /runner second: graceful_kill_timeout/);
  });
});
