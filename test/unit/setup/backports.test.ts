import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backportsOf } from '../../../setup/backports.ts';

test('a deb822 source of the release becomes one of its backports, with the same mirror and key', () => {
  const sources = `# by the administrator
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;
  assert.equal(
    backportsOf(sources, 'bookworm', 'sources'),
    `# by the administrator
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

`,
  );
});

test('a one-line source keeps its options; other suites, source packages and comments are left out', () => {
  const sources = `# deb http://old.example/debian bookworm main
deb [signed-by=/etc/apt/keyrings/a.gpg arch=amd64] http://mirror.example/debian  bookworm main contrib # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://mirror.example/debian-security bookworm-security main
`;
  assert.equal(
    backportsOf(sources, 'bookworm', 'list'),
    'deb [signed-by=/etc/apt/keyrings/a.gpg arch=amd64] http://mirror.example/debian bookworm-backports main contrib\n',
  );
});

test('a disabled source, and one of another release, give nothing', () => {
  const disabled = 'Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n';
  assert.equal(backportsOf(disabled, 'bookworm', 'sources'), undefined);
  assert.equal(backportsOf('deb http://mirror.example/debian trixie main\n', 'bookworm', 'list'), undefined);
});
