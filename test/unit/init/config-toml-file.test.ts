import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { replaceConfigToml } from '../../../src/init/config-toml-file.ts';

process.umask(0o022);
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-toml-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'config.toml');
const before = 'token = "glrt-x"\n';
const text = `# ä\n${before}`.repeat(1000);

test('a config.toml is replaced with mode and content', () => {
  writeFileSync(path, before);
  chmodSync(path, 0o640);
  replaceConfigToml(path, before, text);
  assert.equal(readFileSync(path, 'utf8'), text);
  assert.equal(statSync(path).mode & 0o777, 0o640);
});

test('a config.toml stays whole when its successor does not fit', () => {
  writeFileSync(path, before);
  const module = join(import.meta.dirname, '../../../src/init/config-toml-file.ts');
  const script = `
    import { replaceConfigToml } from ${JSON.stringify(module)};
    replaceConfigToml(${[path, before, text].map((each) => JSON.stringify(each)).join(', ')});`;
  // One write(2) then writes what fits, which is less than it was given, and says so; only the next one fails.
  const limited = ['-c', 'ulimit -f 8 && exec "$0" --input-type=module --eval "$1"', process.execPath, script];
  const { status, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
  assert.equal(readFileSync(path, 'utf8'), before);
  assert.deepEqual(readdirSync(folder), ['config.toml'], 'and no half of it is left');
  assert.equal(status, 1);
  assert.match(stderr, /stays as it is: what should replace it cannot be written \(EFBIG/);
});
