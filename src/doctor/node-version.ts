import { type Check, ok } from './check.ts';

export const nodeVersion: Check = {
  id: 'node-version',
  title: 'Node.js',
  about:
    'The driver needs Node.js 22 or newer; with an older one neither it nor the doctor starts, and both say so. `bin/bulkhead` takes `$BULKHEAD_NODE`, else the one in `node_modules`, else the first on the PATH of GitLab Runner.',
  look: async () => ok(`Node.js ${process.versions.node}`),
};
