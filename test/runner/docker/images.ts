import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { EXAMPLE_IMAGE } from '../../../setup/image-names.ts';
import { type HostLayout, hostLayout } from '../../../setup/layout.ts';
import { podmanUser } from '../../../setup/podman-user.ts';
import { say } from '../../../setup/say.ts';
import { ensureBuilt, isMadeFrom } from '../../../src/host-setup/image-build.ts';
import { INPUTS_LABEL } from '../../../src/host-setup/image-names.ts';
import { findImage } from '../../../src/host-setup/podman-api.ts';
import { configuration } from '../../integration/host.ts';

const DOCKER_HELPER = 'localhost/bulkhead/docker-helper:1';
const ENTRYPOINT = 'localhost/bulkhead/entrypoint:1';
const MEMBER = 'localhost/bulkhead/member:1';
const SURROUNDINGS = 'localhost/bulkhead/surroundings:1';

/** Images that only the comparison wants, beside the tests' own. */
export interface ComparisonImages {
  /** The Docker executor's helper: ours, with what it expects of GitLab's. */
  readonly dockerHelper: string;
  /** Its entrypoint says something, sets a variable, and runs what it is given. */
  readonly entrypoint: string;
  /** Its user, not root, is a member of a second group. */
  readonly member: string;
  /** It has variables, a working directory and a home of its own, and files that shells may read when they start. */
  readonly surroundings: string;
}

/** Has them in the service's storage, made from what they should be. */
export async function ensureComparisonImages(runner: string, layout = hostLayout()): Promise<ComparisonImages> {
  await ensureDockerHelper(layout, runner);
  const user = podmanUser(layout);
  const base = (await findImage(layout, EXAMPLE_IMAGE))?.id ?? '';
  await ensureBuilt(layout, user, { name: ENTRYPOINT, containerfile: entrypoint, base }, say);
  await ensureBuilt(layout, user, { name: MEMBER, containerfile: member, base }, say);
  await ensureBuilt(layout, user, { name: SURROUNDINGS, containerfile: surroundings, base }, say);
  return { dockerHelper: DOCKER_HELPER, entrypoint: ENTRYPOINT, member: MEMBER, surroundings: SURROUNDINGS };
}

const entrypoint = `ARG BASE
FROM \${BASE}
RUN printf '%s\\n' '#!/bin/sh' 'echo "entrypoint: $1"' 'export FROM_ENTRYPOINT=set' 'exec "$@"' >/entrypoint \\
 && chmod 755 /entrypoint
ENTRYPOINT ["/entrypoint"]
`;

const member = `ARG BASE
FROM \${BASE}
RUN groupadd --gid 2000 tools && useradd --uid 1234 --create-home --groups tools member
USER member
`;

const surroundings = `ARG BASE
FROM \${BASE}
RUN mkdir -p /home/image /opt/work \\
 && echo 'export FROM_PROFILE=read' >/etc/profile.d/image.sh \\
 && echo 'export FROM_BASH_ENV=read' >/etc/bash-env \\
 && echo 'export FROM_BASHRC=read' >/home/image/.bashrc
ENV HOME=/home/image GREETING=image SHADOWED=image LANG=C.UTF-8 BASH_ENV=/etc/bash-env \\
    PATH=/opt/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /opt/work
`;

/** The name that the Docker executor calls its helper's tools by, and the command that it starts the helper with. */
const dockerHelper = `ARG BASE
FROM \${BASE}
COPY --chmod=755 gitlab-runner-helper gitlab-runner-build /usr/bin/
CMD ["sh"]
`;
const gitlabRunnerBuild = '#!/bin/bash\numask 0000\nexec /bin/bash\n';

/** By hand, since set-up's own builds take no binary files. */
async function ensureDockerHelper(layout: HostLayout, runner: string): Promise<void> {
  const base = (await findImage(layout, configuration.helperImage))?.id ?? '';
  const hash = createHash('sha256').update(JSON.stringify([dockerHelper, gitlabRunnerBuild, base]));
  await pipeline(createReadStream(runner), hash);
  const inputs = hash.digest('hex').slice(0, 12);
  if (await isMadeFrom(layout, DOCKER_HELPER, inputs)) return;
  const user = podmanUser(layout);
  const context = mkdtempSync(join(layout.dataDir, 'images', 'docker-helper-'));
  try {
    copyFileSync(runner, join(context, 'gitlab-runner-helper'));
    writeFileSync(join(context, 'gitlab-runner-build'), gitlabRunnerBuild);
    writeFileSync(join(context, 'Containerfile'), dockerHelper);
    await execa('chmod', ['-R', 'a+rX', context]);
    const options = ['--isolation=chroot', '--network=host', '--layers=false', '--force-rm', `--tag=${DOCKER_HELPER}`];
    const arguments_ = [`--build-arg=BASE=${base}`, `--label=${INPUTS_LABEL}=${inputs}`];
    await user.exec('podman', ['build', ...options, ...arguments_, context]);
  } finally {
    rmSync(context, { recursive: true });
  }
}
