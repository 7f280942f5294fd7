import { type Check, type Finding, fail, ok } from './check.ts';

export const podmanRootless: Check = {
  id: 'podman-rootless',
  title: 'rootless',
  about:
    'Podman runs as an unprivileged user, so an escape from a sandbox is not root on this host. The driver refuses any other ([podman-not-rootless](errors.md#podman-not-rootless)).',
  async look(host) {
    const { rootless } = await host.info.need();
    const { name, uid } = await host.account.need();
    return judgeRootless(rootless, name, uid);
  },
};

export function judgeRootless(rootless: boolean, name: string, uid: number): Finding {
  if (rootless) return ok(`Podman runs as ${name} (${uid})`);
  return fail(
    'the Podman service runs as root',
    'Run a dedicated service as an unprivileged user (docs/setup.md), and name its socket as "socket" in the configuration.',
  );
}
