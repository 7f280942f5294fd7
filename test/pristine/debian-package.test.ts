import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { buildDebianPackage } from '../../setup/debian-package.ts';
import { findProgram } from '../../src/host-setup/find-program.ts';
import { pristineMachine } from './machine.ts';

const repository = join(import.meta.dirname, '..', '..');
/** Why it cannot run here, or false. */
const missing = ['mmdebstrap', 'dpkg-deb'].find((name) => !findProgram(name));
const obstacle = process.getuid?.() !== 0 ? 'needs root' : missing ? `needs ${missing}` : false;

/** What is there outside of the package manager's own: files by their names, and accounts. */
const list =
  'find /etc /home /opt /root /srv /usr /var/lib /var/cache -xdev ! -path "/var/lib/dpkg/*" | sort; cat /etc/passwd';

test('the package is installed on a pristine Debian 13, enables nothing, and goes without a trace', {
  skip: obstacle,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-deb-'));
  using machine = await pristineMachine('trixie', repository);
  try {
    copyFileSync(await buildDebianPackage(folder), join(machine.root, 'var/tmp/bulkhead.deb'));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const apt = 'quiet apt-get -qq';
  const between = '=== ';
  const steps = [
    'export DEBIAN_FRONTEND=noninteractive; quiet() { "$@" >/var/tmp/log 2>&1 || { cat /var/tmp/log; exit 1; }; }',
    `${apt} update`,
    // Its dependencies bring files of their own; only what the package itself does counts.
    `${apt} install --no-install-recommends $(dpkg-deb --field /var/tmp/bulkhead.deb Depends | sed "s/([^)]*)//g; s/ | [^,]*//g; s/,//g")`,
    `echo '${between}before'; ${list}`,
    `${apt} install --no-install-recommends /var/tmp/bulkhead.deb`,
    `echo '${between}installed'; ${list}`,
    `echo '${between}files'; dpkg --listfiles bulkhead`,
    `echo '${between}version'; cd / && bulkhead --version`,
    `echo '${between}print'; bulkhead init --print`,
    `echo '${between}policies'; bulkhead policy test --policies /usr/lib/bulkhead/policies`,
    `${apt} purge bulkhead`,
    `echo '${between}after'; ${list}`,
  ];
  const { exitCode, output } = await machine.run(steps.join(' && '), 15 * 60_000);
  assert.equal(exitCode, 0, output);
  const part = (name: string): string[] =>
    (output.split(`${between}${name}\n`)[1] ?? '').split(`\n${between}`)[0]?.trim().split('\n') ?? [];

  const own =
    /^\/(?:usr\/(?:bin\/bulkhead|lib\/bulkhead|share\/(?:doc|man\/man1|bash-completion\/completions)\/bulkhead)|var\/cache\/bulkhead)/;
  const [before, installed] = [new Set(part('before')), part('installed')];
  assert.deepEqual(
    installed.filter((line) => !before.has(line) && !own.test(line)),
    [],
  );
  const files = part('files');
  for (const file of ['/usr/bin/bulkhead', '/usr/share/man/man1/bulkhead.1.gz', '/usr/lib/bulkhead/bin/bulkhead']) {
    assert.ok(files.includes(file), file);
  }
  assert.equal(part('version')[0], manifest.version);
  assert.match(part('print').join('\n'), /config_exec = "\/usr\/lib\/bulkhead\/bin\/bulkhead"/);
  assert.deepEqual(new Set(part('after')), before);
});
