import { type Check, ok } from './check.ts';

export const configuration: Check = {
  id: 'configuration',
  title: 'configuration',
  about:
    'The configuration exists, has no unknown or wrong key, and nobody but root and the user of GitLab Runner can change it ([its keys](configuration.md)). Without it, little else can be looked at.',
  async look(host) {
    const { socket, policies } = await host.configuration.look();
    return ok(`socket ${socket}, policies ${policies}`);
  },
};
