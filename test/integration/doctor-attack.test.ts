import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { execa } from 'execa';
import { type Circumstances, judgeAttack, type Row } from '../../src/doctor/attack/attack.ts';
import type { JudgedControl } from '../../src/doctor/attack/report.ts';
import { attacks } from '../../src/doctor/attack/run.ts';
import { request } from '../../src/podman/client.ts';
import { settings } from '../unit/samples.ts';
import { configuration, layout, podman, policyWith } from './host.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-attack-'));
after(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly attacks: readonly Row[];
  readonly controls: readonly JudgedControl[];
}

async function attackUnder(config: string, policy: string) {
  const page = join(folder, `${policy}.html`);
  const args = ['doctor', '--config', config, '--policy', policy, '--html', page, '--json'];
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...args], { reject: false });
  const filters = { label: ['io.bulkhead.instance=bulkhead:doctor'] };
  assert.deepEqual(await request('list', podman.listContainers({ all: true, filters })), []);
  assert.notEqual(exitCode, 2, stderr);
  const { attacks: rows, controls } = JSON.parse(stdout) as Report;
  return {
    exitCode,
    ids: (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome).map(({ id }) => id),
    control: (id: string) => controls.find((control) => control.id === id)?.outcome,
    page: readFileSync(page, 'utf8'),
  };
}

/** What depends on the host's runsc and cgroups. */
const ofHost = (id: string) => !/^(user-namespace|guarantee-(seccomp|limits-.*))$/.test(id);

test('baseline holds, but for what it gives jobs', async () => {
  const { exitCode, ids, control, page } = await attackUnder(layout.config, 'baseline');
  assert.deepEqual([exitCode, ids('broken'), ids('untried')], [0, [], []]);
  assert.deepEqual(ids('open').filter(ofHost), [
    'root',
    'chown',
    'root-file-system',
    'few-capabilities',
    'read-only-root',
  ]);
  assert.deepEqual([control('5.32'), control('5.13'), control('5.1')], ['held', 'open', 'untried']);
  assert.match(page, /^<!doctype html>[\s\S]*<\/html>\n$/);
  assert.ok(page.includes('CIS Docker Benchmark'));
});

test('restricted holds', async () => {
  const { exitCode, ids, control } = await attackUnder(layout.config, 'restricted');
  assert.deepEqual([exitCode, ids('broken'), ids('open').filter(ofHost)], [0, [], []]);
  assert.deepEqual(ids('untried'), []);
  assert.deepEqual(
    [control('Running as Non-root'), control('Capabilities'), control('5.13')],
    ['held', 'held', 'held'],
  );
});

test('a policy that lists this host lets it be reached, and says so', async () => {
  await using policy = await policyWith({
    network: { allow: [{ to: 'host.containers.internal', ports: ['1024-65535'] }] },
  });
  const { exitCode, ids } = await attackUnder(policy.env.BULKHEAD_CONFIG, 'test');
  assert.deepEqual([exitCode, ids('broken')], [0, []]);
});

describe('the other direction: on the host itself, each attack works', () => {
  const nothingGiven: Circumstances = {
    settings: { ...settings, user: { run: 'image', root: 'refused' }, capabilities: [], rootFilesystem: 'read-only' },
    guarantees: {},
  };
  const elsewhere = ['stage-scripts'];

  for (const attack of attacks) {
    test(attack.id, async (t) => {
      if (process.getuid?.() !== 0) return t.skip('it takes root');
      if (elsewhere.includes(attack.id)) return t.skip('no such folder here; attacks/files.ts plays it both ways');
      const mark = `bulkhead-mark-${process.pid}`;
      const note = `/dev/shm/${mark}`;
      writeFileSync(note, mark);
      const sleeper = spawn('sleep', ['31415'], { stdio: 'ignore' });
      const server = createServer((socket) => socket.destroy()).listen(9418, '127.0.94.18');
      await once(server, 'listening');
      try {
        const variables = {
          CONFIG: layout.config,
          SOCKET: configuration.socket,
          HOST_NAME: hostname(),
          HOST: '127.0.94.18',
          PORT: '9418',
          VICTIM_ADDRESS: '127.0.94.18',
          MARK: mark,
        };
        // Mounts and a host name of its own, so that nothing of the host changes.
        const { exitCode = -1, all } = await execa('unshare', ['--mount', '--uts', 'bash', '-c', attack.script], {
          env: { LC_ALL: 'C', ...variables },
          reject: false,
          all: true,
          stdin: 'ignore',
        });
        assert.equal(judgeAttack(attack, exitCode, all, nothingGiven).outcome, 'broken', all);
      } finally {
        rmSync(note);
        sleeper.kill();
        server.close();
      }
    });
  }
});
