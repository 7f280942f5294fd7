import { type Check, ok } from './check.ts';

export const sandbox: Check = {
  id: 'sandbox',
  title: 'a real sandbox',
  about:
    "Makes a job of nobody's by the way that `prepare` makes jobs, from the helper image, looks at it as `prepare` does, and removes it. Under the policy of the last assignment, or of `--policy`; `bulkhead policy check --host` tries all. The checks below say what was seen.",
  async look(host) {
    const { policy } = await host.sandbox.look();
    return ok(`made under policy ${policy.name}, looked at, and removed`);
  },
};
