import { type ImageFacts, shortId } from '../podman/images.ts';
import { type Check, type Finding, fail, ok } from './check.ts';

export const helperImage: Check = {
  id: 'helper-image',
  title: 'helper image',
  about:
    'The image of the helper sandbox, which also carries the probe that proves guarantees. The driver never pulls it: it is built from the `Containerfile` of Bulkhead into the store of the service.',
  async look(host) {
    const { helperImage: name } = await host.configuration.need();
    const { name: user } = await host.account.need();
    return judgeHelperImage(name, user, await host.helperImage.look());
  },
};

export function judgeHelperImage(name: string, user: string, image: Pick<ImageFacts, 'id'> | undefined): Finding {
  if (image !== undefined) return ok(`${name} (${shortId(image)})`);
  return fail(
    `${name} is not in the store of the service`,
    `bulkhead init, where that set the host up (npm run setup, where set-up did); else, as ${user}, with the environment of the service, in the folder of Bulkhead: podman build --tag ${name} .`,
  );
}
