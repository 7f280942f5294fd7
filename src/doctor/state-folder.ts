import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { shellWord } from '../host/shell-word.ts';
import { requireTrustedFolder } from '../host/trusted-file.ts';
import { type Check, fail, ok } from './check.ts';

export const stateFolder: Check = {
  id: 'state-folder',
  title: 'state folder',
  about:
    'Where receipts go, and who may use which image. It belongs to the user of GitLab Runner, and nobody else can change it; without it no job runs.',
  async look(host) {
    const { stateFolder: path } = await host.configuration.need();
    const user = process.geteuid?.() ?? 0;
    const folder = requireTrustedFolder(path);
    const make = `install -d -m 0700 -o ${user} ${shellWord(path)}`;
    if (folder === undefined) return fail(`there is no folder ${path}`, make);
    const refusal = await access(folder, constants.W_OK | constants.X_OK).catch((error: Error) => error);
    if (refusal) return fail(`nothing can be written to ${path}: ${refusal.message}`, `${make}, as root`);
    return ok(path);
  },
};
