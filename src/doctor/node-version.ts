import { type Check, type Finding, fail, ok } from './check.ts';

/** Of package.json's `engines`. */
const oldest = 22;

export const nodeVersion: Check = {
  id: 'node-version',
  title: 'Node.js',
  about:
    'The driver needs Node.js 22 or newer. `bin/bulkhead` takes `$BULKHEAD_NODE`, else the one in `node_modules`, else the first on the PATH of GitLab Runner.',
  look: async () => judgeNode(process.versions.node),
};

export function judgeNode(version: string): Finding {
  if (Number(version.split('.')[0]) >= oldest) return ok(`Node.js ${version}`);
  return fail(
    `Node.js ${version} is too old`,
    `Install Node.js ${oldest} or newer, or let BULKHEAD_NODE in the environment of GitLab Runner name one.`,
  );
}
