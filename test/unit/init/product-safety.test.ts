import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, suite, test } from 'node:test';
import { hostFacts } from '../../../src/init/facts.ts';
import { whyProductUnsafe } from '../../../src/init/product-safety.ts';

process.umask(0o022);
const root = mkdtempSync(join(realpathSync(tmpdir()), 'bulkhead-product-'));
after(() => rmSync(root, { recursive: true }));
const asRoot = { skip: userInfo().uid === 0 ? false : 'only root can give files away' };

// A new one for each test: folders that were looked at once are not looked at again.
let product: string;
let node: string;
beforeEach(() => {
  const folder = mkdtempSync(join(root, 'test-'));
  product = join(folder, 'bulkhead');
  node = put(join(folder, 'bulkhead-node'));
  for (const name of ['bin/bulkhead', 'dist/bulkhead.cjs', 'dist/commands.cjs', 'policies/baseline.json'])
    put(join(product, name));
  put(join(product, 'node_modules/node/bin/node'));
});

function put(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '', { mode: 0o755 });
  return path;
}

const all = () => `chown -R root: ${product}; chmod -R go-w ${product}`;

test('a product and a Node.js that only root or the caller can change are safe', () => {
  assert.equal(whyProductUnsafe(product, node), undefined);
});

test('what is missing is safe', () => {
  for (const name of ['bin/bulkhead', 'dist', 'node_modules']) rmSync(join(product, name), { recursive: true });
  assert.equal(whyProductUnsafe(product, node), undefined);
});

suite('what others can change, and root would execute, is named with what mends it:', () => {
  for (const name of ['bin/bulkhead', 'dist/bulkhead.cjs', 'dist/commands.cjs', 'node_modules/node/bin/node']) {
    test(`the mode of ${name}`, () => {
      chmodSync(join(product, name), 0o775);
      const why = `${join(product, name)} is not trusted: it could be changed by another user (owner ${userInfo().uid}, mode 0775)`;
      assert.equal(whyProductUnsafe(product, node), `${why}: ${all()}`);
    });
    test(`the owner of ${name}`, asRoot, () => {
      chownSync(join(product, name), 12345, 0);
      const why = `${join(product, name)} is not trusted: it could be changed by another user (owner 12345, mode 0755)`;
      assert.equal(whyProductUnsafe(product, node), `${why}: ${all()}`);
    });
  }

  for (const name of ['bin', 'dist', 'dist/compile-cache', 'node_modules', 'policies']) {
    test(`the folder ${name}`, () => {
      mkdirSync(join(product, name), { recursive: true });
      chmodSync(join(product, name), 0o777);
      assert.match(whyProductUnsafe(product, node) ?? '', /is not trusted: .* could be changed by another user/);
      assert.ok(whyProductUnsafe(product, node)?.endsWith(`: ${all()}`));
    });
  }

  test('a Node.js elsewhere, through a link, too', () => {
    chmodSync(node, 0o757);
    const link = join(dirname(node), 'link');
    symlinkSync('bulkhead-node', link);
    assert.match(
      whyProductUnsafe(product, node) ?? '',
      new RegExp(`^${node} is not trusted: it .*: chmod go-w ${node}$`),
    );
    assert.match(whyProductUnsafe(product, link) ?? '', new RegExp(`the file ${node} could .*: chmod go-w ${node}$`));
  });

  test('a folder above the product', () => {
    chmodSync(dirname(product), 0o777);
    assert.match(whyProductUnsafe(product, node) ?? '', new RegExp(`: chmod go-w ${dirname(product)}; or keep it`));
  });
});

test('init looks at them', async () => {
  for (const name of ['policies', 'seccomp']) mkdirSync(join(product, name), { recursive: true });
  chmodSync(join(product, 'dist/bulkhead.cjs'), 0o666);
  assert.match((await hostFacts({}, product)).productUnsafe ?? '', /dist\/bulkhead\.cjs is not trusted/);
});
