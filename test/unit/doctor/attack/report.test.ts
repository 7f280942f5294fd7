import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { attackJson, describeControls, describeRow } from '../../../../src/commands/doctor/attack.ts';
import { attackPage } from '../../../../src/commands/doctor/attack-page.ts';
import { type Attack, type Circumstances, judgeAttack, type Row } from '../../../../src/doctor/attack/attack.ts';
import { allControls } from '../../../../src/doctor/attack/controls.ts';
import { observedRows } from '../../../../src/doctor/attack/observed.ts';
import { reportOf, type Subject } from '../../../../src/doctor/attack/report.ts';
import { attacks } from '../../../../src/doctor/attack/run.ts';
import { settingsOf } from '../../samples.ts';

const circumstances: Circumstances = { settings: settingsOf(), guarantees: {} };
const attack: Attack = { id: 'x', title: 'do x', script: '', stopped: /not permitted/, controls: ['cis:5.4'] };
const subject: Subject = {
  time: '2026-11-28T00:00:00.000Z',
  bulkhead: '1',
  host: 'h',
  kernel: '6',
  podman: '5',
  runtime: 'runsc',
  policy: { name: 'baseline', hash: 'ab' },
};
const row = (outcome: Row['outcome'], ...controls: Row['controls']): Row => ({
  id: `is-${outcome}`,
  title: `what ${outcome}`,
  outcome,
  evidence: 'seen',
  controls,
});

suite('an attack', () => {
  for (const [what, exitCode, said, change, outcome, evidence] of [
    ['that was stopped held', 1, 'x: not permitted\n  see the manual\n', {}, 'held', 'x: not permitted'],
    ['that worked is broken', 0, 'root\n', {}, 'broken', 'it worked: root'],
    ['that worked, as the policy says, is open', 0, '', { open: () => 'the policy' }, 'open', 'the policy'],
    [
      'that the policy allows, but something stopped, held',
      1,
      'not permitted',
      { open: () => 'why' },
      'held',
      'not permitted',
    ],
    [
      'that failed otherwise proves nothing',
      127,
      'x: not found',
      {},
      'untried',
      'it failed in a way that proves nothing (exit code 127): x: not found',
    ],
    [
      'that fails in silence proves nothing',
      1,
      '',
      {},
      'untried',
      'it failed in a way that proves nothing (exit code 1): ',
    ],
  ] as const) {
    test(what, () => {
      const judged = judgeAttack({ ...attack, ...change }, exitCode, said, circumstances);
      assert.deepEqual([judged.outcome, judged.evidence], [outcome, evidence]);
    });
  }
});

suite('what is observed', () => {
  const unavailable = { state: 'unavailable', reason: 'why', remedy: '' } as const;
  const outcome = (guarantees: Circumstances['guarantees'], id: string, settings = circumstances.settings) =>
    observedRows({ guarantees, settings }).find((one) => one.id === id)?.outcome;

  test('holds, or is open, broken or not seen, as the guarantee is', () => {
    const id = 'guarantee-seccomp';
    assert.equal(outcome({ seccomp: { state: 'proven', evidence: '' } }, id), 'held');
    assert.equal(outcome({ seccomp: unavailable }, id), 'open');
    assert.equal(outcome({ seccomp: { ...unavailable, state: 'violated' } }, id), 'broken');
    assert.equal(outcome({}, id), 'untried');
  });

  test('of capabilities is what the policy gives, too', () => {
    const capabilities = { capabilities: { state: 'proven', evidence: '' } } as const;
    assert.equal(outcome(capabilities, 'few-capabilities'), 'open');
    assert.equal(outcome(capabilities, 'few-capabilities', settingsOf({ capabilities: ['NET_BIND_SERVICE'] })), 'held');
    assert.equal(outcome({ capabilities: unavailable }, 'few-capabilities', settingsOf({ capabilities: [] })), 'open');
  });

  test('of a limit is what the policy sets, too', () => {
    const unlimited = { ...circumstances.settings, limits: { ...circumstances.settings.limits, memory: undefined } };
    const memory = { 'limits.memory': { state: 'proven', evidence: '' } } as const;
    assert.equal(outcome(memory, 'guarantee-limits-memory'), 'held');
    assert.equal(outcome(memory, 'guarantee-limits-memory', unlimited), 'open');
  });

  test('of the root file system is what the policy gives, too', () => {
    const rootfs = { rootfs: { state: 'proven', evidence: '' } } as const;
    assert.equal(outcome(rootfs, 'read-only-root'), 'open');
    assert.equal(outcome(rootfs, 'read-only-root', settingsOf({ rootFilesystem: 'read-only' })), 'held');
  });
});

suite('controls', () => {
  const control = (id: string, ...rows: Row[]) => reportOf(subject, rows).controls.find((one) => one.id === id);

  test('of section 5 of the CIS benchmark are all there, once, in order', () => {
    const ids = allControls().flatMap(({ standard, id }) => (standard === 'cis' ? [id] : []));
    assert.deepEqual(
      ids,
      Array.from({ length: 32 }, (_, index) => `5.${index + 1}`),
    );
  });

  test('that nothing tries say why; every other one is tried by something', () => {
    const rows = [...attacks, ...observedRows(circumstances)];
    for (const { key, untried } of allControls()) {
      assert.equal(
        untried === undefined,
        rows.some(({ controls }) => controls.some((one) => one === key)),
        key,
      );
    }
  });

  test('are judged by the worst', () => {
    const of = (...outcomes: Row['outcome'][]) =>
      control('5.4', ...outcomes.map((one) => row(one, 'cis:5.4')))?.outcome;
    assert.equal(of('held', 'open', 'broken', 'untried'), 'broken');
    assert.equal(of('held', 'untried', 'open'), 'open');
    assert.equal(of('held', 'untried'), 'untried');
    assert.equal(of('held'), 'held');
  });

  test('name what they were judged by', () => {
    const judged = control('5.4', row('held', 'cis:5.4'), row('broken', 'cis:5.4', 'cis:5.5'), row('held', 'cis:5.6'));
    assert.deepEqual([judged?.by, judged?.why], [['is-held', 'is-broken'], 'what broken: seen']);
    assert.equal(control('5.1')?.why, 'Podman has none');
  });
});

suite('the report', () => {
  const evil = '<script>alert(1)</script> & "\u001b[2J\n\' \u202e';
  const report = reportOf({ ...subject, host: evil }, [{ ...row('broken', 'cis:5.4'), title: evil, evidence: evil }]);

  test('as text holds no control character', () => {
    assert.equal(describeRow({ ...row('broken'), evidence: 'a\u001b[2J\nb' }), 'BROKEN  what broken: a\\x1b[2J\\x0ab');
    for (const text of describeControls(report.controls)) assert.doesNotMatch(text, /[\p{Cc}\u202e]/u);
  });

  test('as a page holds no markup but its own, and loads nothing', () => {
    const page = attackPage(report);
    assert.doesNotMatch(page, /<script|https?:|src=|href=|url\(/);
    assert.doesNotMatch(page.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
    assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;\\x1b[2J\\x0a&#39; \\u202e'));
    for (const { id } of report.controls) assert.ok(page.includes(`<td>${id}</td>`), id);
  });

  test('as JSON has the shape that docs/doctor.md describes', () => {
    const json = JSON.parse(JSON.stringify(attackJson(reportOf(subject, [row('broken', 'cis:5.4')]))));
    assert.deepEqual(Object.keys(json), ['schemaVersion', 'passed', 'subject', 'attacks', 'controls']);
    assert.deepEqual([json.schemaVersion, json.passed, json.subject], [1, false, subject]);
    assert.deepEqual(json.attacks, [
      { id: 'is-broken', title: 'what broken', outcome: 'broken', evidence: 'seen', controls: ['cis:5.4'] },
    ]);
    assert.deepEqual(
      json.controls.find((one: { id: string }) => one.id === '5.4'),
      {
        standard: 'cis',
        id: '5.4',
        about: 'kernel capabilities are restricted',
        outcome: 'broken',
        by: ['is-broken'],
        why: 'what broken: seen',
      },
    );
  });
});
