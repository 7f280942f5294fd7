import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../errors.ts';
import { shellWord } from '../host/shell-word.ts';
import { requireTrustedFolder, requireTrustedProgram } from '../host/trusted-file.ts';

/** The bundles' cache of compiled code is executed as well. */
const folders = ['bin', 'dist', 'dist/compile-cache', 'policies', 'seccomp', 'probe'];

/**
 * Why others than root and the caller could change what GitLab Runner, and the timer of gc, would execute; with the commands
 * that put it right. undefined when they cannot. What is missing is not looked at.
 * @param product the folder that holds bin/bulkhead.
 * @param node the Node.js that runs init, and will run gc.
 */
export function whyProductUnsafe(product: string, node: string): string | undefined {
  const inProduct = (name: string): string => join(product, name);
  try {
    for (const name of folders) requireTrustedFolder(inProduct(name));
    const programs = ['bin/bulkhead', ...bundles(product), 'node_modules/node/bin/node'].map(inProduct);
    for (const path of [...programs, node]) requireTrustedProgram(path);
    return undefined;
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    // A file that belongs to somebody else is seldom alone. Above the product and elsewhere, one thing is enough.
    const all = `chown -R root: ${shellWord(product)}; chmod -R go-w ${shellWord(product)}`;
    const inside = error.hint.split(/[ ;']/).some((word) => word === product || word.startsWith(`${product}/`));
    return `${error.message}: ${inside ? all : error.hint}`;
  }
}

function bundles(product: string): string[] {
  const dist = requireTrustedFolder(join(product, 'dist'));
  if (dist === undefined) return [];
  return readdirSync(dist).flatMap((name) => (name.endsWith('.cjs') ? [`dist/${name}`] : []));
}
