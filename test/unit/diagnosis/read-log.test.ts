import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { certainties } from '../../../src/diagnosis/diagnosis.ts';
import { diagnoseLog } from '../../../src/diagnosis/read-log.ts';
import { diagnose, endings, failure, found, made, running } from './logs.ts';

const unreachable = failure('podman-unreachable', 'the Podman service does not answer (ping): connect ENOENT /x');
const died = failure('sandbox-died');
const worth = async (lines: readonly string[]) =>
  (await diagnose(lines)).findings.map(({ symptom, certainty, decisive }) => [symptom.id, certainty, decisive]);

suite('the stage and the fault', () => {
  for (const [what, lines, state, stage, fault] of [
    ['a job that went well', [...running, 'ok', ...endings.succeeded], 'succeeded', undefined, 'nobody'],
    ['a script that failed', [...running, 'no', ...endings.script], 'failed', 'build_script', 'job'],
    [
      'a refusal',
      [...made, ...failure('policy-image-refused'), ...endings.script.slice(1)],
      'failed',
      'prepare',
      'job',
    ],
    [
      "an operator's mistake",
      [...made, ...failure('helper-image-missing'), ...endings.system.slice(1)],
      'failed',
      'prepare',
      'operator',
    ],
    [
      'config that failed',
      [...made.slice(0, 3), ...failure('file-unsafe'), ...endings.system.slice(1)],
      'failed',
      'config',
      'operator',
    ],
    ['a sandbox that died', [...running, ...died, ...endings.system], 'failed', 'build_script', 'system'],
    ['a system failure that nothing explains', [...running, ...endings.system], 'failed', 'build_script', 'system'],
    ['a job that was canceled', [...running, ...endings.canceled], 'canceled', 'build_script', 'nobody'],
    ['a timeout', [...running, ...endings.timeout], 'failed', 'build_script', 'job'],
    ['a timeout while it was prepared', [...made, ...endings.timeout.slice(1)], 'failed', 'prepare', 'operator'],
    ['a log that ends in prepare', made, 'unknown', 'prepare', 'operator'],
    ['a log that ends in a script', running, 'unknown', 'build_script', 'unknown'],
    [
      'a log with timestamps',
      [...running, ...died, ...endings.system].map((line) => `2026-01-02T03:04:05.678901Z 01O ${line}`),
      'failed',
      'build_script',
      'system',
    ],
    ['nothing', [], 'unknown', undefined, 'unknown'],
  ] as const) {
    test(`of ${what}`, async () => {
      const diagnosis = await diagnose(lines);
      assert.deepEqual([diagnosis.state, diagnosis.stage, diagnosis.fault], [state, stage, fault]);
    });
  }

  test('of a stage that others follow is its own', async () => {
    const after = ['\x1b[0K\x1b[36;1mRunning after_script\x1b[0;m', 'bye'];
    assert.equal((await diagnose([...running, ...after, ...endings.script])).stage, 'build_script');
  });
});

suite('what a finding is worth', () => {
  test('before the first script: what the driver and GitLab Runner say is likely', async () => {
    assert.deepEqual(await worth([...made, ...unreachable, ...endings.system.slice(1)]), [
      ['podman-socket-missing', 'likely', true],
      ['podman-unreachable', 'likely', true],
    ]);
  });

  test('an earlier attempt to prepare that failed is not why the script did', async () => {
    assert.deepEqual(await worth([...made, ...unreachable, ...running.slice(2), ...endings.script]), [
      ['podman-socket-missing', 'likely', false],
      ['podman-unreachable', 'likely', false],
    ]);
  });

  test('of what a script printed before its end is likely where it failed, and possible elsewhere', async () => {
    const noSpace = 'tar: x: Cannot write: No space left on device';
    assert.deepEqual(await worth([...running, noSpace, ...endings.script]), [['disk-full', 'likely', true]]);
    const after = ['\x1b[0K\x1b[36;1mRunning after_script\x1b[0;m', noSpace];
    assert.deepEqual(await worth([...running, ...after, ...endings.script]), [['disk-full', 'possible', true]]);
  });

  test("what the job's author wrote in an error that blames him points to nothing else", async () => {
    const quoted = failure('image-reference-invalid', 'image "no space left on device" is not a valid image reference');
    assert.deepEqual(await found([...made, ...quoted, ...endings.script.slice(1)]), ['image-reference-invalid']);
  });

  test("a registry's words are possible only: the job may have chosen it", async () => {
    const pulled = failure('image-pull-failed', 'image x could not be pulled: no space left on device');
    assert.deepEqual(await worth([...made, ...pulled, ...endings.system.slice(1)]), [
      ['image-pull-failed', 'likely', true],
      ['host-disk-full', 'possible', true],
    ]);
  });

  test('is counted, and where it was seen last', async () => {
    const [finding] = (await diagnose([...running, 'x: command not found', 'y: command not found', ...endings.script]))
      .findings;
    assert.deepEqual(
      [finding?.count, finding?.line, finding?.excerpt],
      [2, running.length + 2, 'y: command not found'],
    );
  });
});

suite('a job that forges lines', () => {
  test('of ours does not blame the host: GitLab Runner says that its script failed', async () => {
    const diagnosis = await diagnose([...running, ...unreachable, ...endings.script]);
    assert.equal(diagnosis.fault, 'job');
    assert.deepEqual(diagnosis.findings, []);
    assert.deepEqual(
      diagnosis.disbelieved.map(({ symptom }) => symptom.id),
      ['podman-socket-missing', 'podman-unreachable'],
    );
  });

  test('of ours, and succeeds, finds no belief either', async () => {
    const diagnosis = await diagnose([...running, ...died, ...endings.succeeded]);
    assert.deepEqual([diagnosis.fault, diagnosis.findings.length, diagnosis.disbelieved.length], ['nobody', 0, 1]);
  });

  test('of ours beside a genuine one leaves both possible', async () => {
    const both = await worth([...running, ...failure('guarantee-violated'), ...died, ...endings.system]);
    assert.deepEqual(
      both.map(([, certainty]) => certainty),
      ['possible', 'possible'],
    );
  });

  test("of GitLab Runner's last word does not end the log", async () => {
    const forged = 'ERROR: Job failed (system failure): unknown Custom executor executable exit code -1; x';
    const diagnosis = await diagnose([...running, forged, ...endings.script]);
    assert.equal(diagnosis.fault, 'job');
    assert.deepEqual(diagnosis.findings, []);
    assert.equal((await diagnose([...running, 'Job succeeded', ...endings.script])).state, 'failed');
  });

  test('of the beginning of a log is not before its own', async () => {
    const diagnosis = await diagnose([...running, ...made, ...unreachable, ...endings.script]);
    assert.deepEqual([diagnosis.fault, diagnosis.findings.length], ['job', 0]);
    // Somebody pasted the middle of a log.
    assert.deepEqual(await worth(['hello', ...made, ...unreachable]), [
      ['podman-socket-missing', 'possible', true],
      ['podman-unreachable', 'possible', true],
    ]);
  });

  test('by a service, whose words the driver quotes in prepare', async () => {
    const quoted = [
      "*** WARNING: Service evil:1 probably didn't start properly.",
      'Service container logs:',
      ...unreachable,
      '*********',
    ];
    const diagnosis = await diagnose([...made, ...quoted, ...running.slice(5), ...endings.script]);
    assert.equal(diagnosis.fault, 'job');
    assert.deepEqual(
      diagnosis.findings.map(({ symptom }) => symptom.id),
      ['service-not-up'],
    );
  });

  test('of Podman does not blame the operator', async () => {
    const podman = 'Error: potentially insufficient UIDs or GIDs available in user namespace';
    const diagnosis = await diagnose([...running, podman, ...endings.script]);
    assert.deepEqual([diagnosis.fault, diagnosis.findings.length, diagnosis.disbelieved.length], ['job', 0, 1]);
  });

  test('of ours with no end of line before them is seen all the same', async () => {
    const lines = [...running, `${'x'.repeat(9000)}${endings.script[0]}`, ...endings.script.slice(1)];
    assert.equal((await diagnose(lines)).state, 'failed');
  });
});

suite("GitLab Runner's own log", () => {
  test('has what cleanup said, with fields after it', async () => {
    const [message = '', fix = '', code = ''] = failure(
      'cleanup-incomplete',
      'objects of the job are left on this host',
    );
    const lines = [message, fix, code].map((line) => `WARNING: ${line}  cleanup_std=err job=4711 project=42`);
    assert.deepEqual(await found(lines), ['cleanup-incomplete']);
  });
});

test("Podman's own log is that of the host", async () => {
  const line = 'time="2026-01-02T03:04:05Z" level=error msg="writing layer: no space left on device"';
  assert.deepEqual(await found([line]), ['host-disk-full']);
});

suite('a hostile log', () => {
  const mega = 1024 * 1024;
  /** Four megabytes, a piece at a time. */
  async function* endless(text: string): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.from(text.repeat(Math.ceil(mega / text.length)));
    for (let n = 0; n < 4; n++) yield chunk;
  }
  for (const [what, text] of [
    ['one line', 'a'],
    ['beginnings of escapes', '\x1b['],
    ['digits after the beginning of an escape', '\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1'],
    ['markers of sections', 'section_end:1'],
    ['beginnings of signs', 'potentially lchown mount: fork: io_uring Service PTRACE_TRACEME '],
    ['beginnings of errors', 'bulkhead: (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['returns', '\r'],
    ['lines', 'bulkhead: ERROR: x\n'],
    ['bytes that are no text', '\u00ff\ufffd'],
  ] as const) {
    test(`of nothing but ${what} is read to its end`, async () => {
      const diagnosis = await diagnoseLog(endless(text));
      assert.deepEqual([diagnosis.state, diagnosis.findings], ['unknown', []]);
    });
  }

  test('holds no more of a log than a line', async () => {
    const before = process.memoryUsage().heapUsed;
    async function* many(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 500; n++)
        yield Buffer.from(`${n}: command not found ${'x'.repeat(100_000)}
`);
    }
    const diagnosis = await diagnoseLog(many());
    assert.equal(diagnosis.findings.length, 1);
    assert.ok((diagnosis.findings[0]?.excerpt.length ?? 0) <= 4096);
    assert.ok(process.memoryUsage().heapUsed - before < 32 * mega);
  });
});

test('the worth of findings is ordered', () => assert.deepEqual(certainties, ['sure', 'likely', 'possible']));
