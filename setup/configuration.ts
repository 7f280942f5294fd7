import type { z } from 'zod';
import { configurationSchema } from '../src/configuration.ts';
import { findProgram } from '../src/host-setup/find-program.ts';
import { writeIfChanged } from '../src/host-setup/write-if-changed.ts';
import type { Images } from './images.ts';
import type { HostLayout } from './layout.ts';
import { say } from './say.ts';
import { driverFolders } from './service-configuration.ts';

/** Writes the driver's configuration for this host. Others may read it, none but its owner may write. */
export function writeConfiguration(layout: HostLayout, images: Images): void {
  const init = findProgram('catatonit');
  const gitlabRunner = findProgram('gitlab-runner', process.env['PATH']);
  const configuration: z.input<typeof configurationSchema> = {
    socket: layout.socket,
    helperImage: images.helper,
    defaultImage: images.example,
    ...driverFolders(layout),
    ...(init && { init }),
    ...(gitlabRunner && { gitlabRunner }),
  };
  configurationSchema.parse(configuration);
  if (writeIfChanged(layout.config, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o644 })) {
    say('configuration', `wrote ${layout.config}`);
  }
}
