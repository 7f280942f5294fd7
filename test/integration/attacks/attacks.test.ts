import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { images, podman, TestJob } from '../host.ts';
import type { Attack, Request } from './attack.ts';
import { capabilityAttacks } from './capabilities.ts';
import { fileAttacks } from './files.ts';
import { kernelAttacks, syscallAttacks } from './kernel.ts';
import { limitAttacks } from './limits.ts';
import { neighbourAttacks } from './neighbours.ts';
import { Stage } from './play.ts';
import { missing } from './scene.ts';
import { requests, userAttacks } from './users.ts';

const table: Readonly<Record<string, readonly Attack[]>> = {
  capabilities: capabilityAttacks,
  'users and privileges': userAttacks,
  syscalls: syscallAttacks,
  "the host's kernel": kernelAttacks,
  files: fileAttacks,
  neighbours: neighbourAttacks,
  limits: limitAttacks,
};

const stage = new Stage();
after(() => stage[Symbol.asyncDispose]());

for (const [subject, attacks] of Object.entries(table)) {
  describe(subject, () => {
    for (const attack of attacks) {
      test(attack.name, async (t) => {
        const reason = missing(attack.closed, attack.open);
        if (reason !== undefined) return t.skip(reason);
        const closed = await stage.attempt(attack, 'closed');
        assert.equal(closed.worked, false, `works where it must not: ${closed.said}`);
        assert.match(closed.said, attack.stopped);
        t.diagnostic(`stopped: ${closed.said.trim().split('\n').at(-1)}`);
        const open = await stage.attempt(attack, 'open');
        if (open.worked === undefined) return t.diagnostic(`the other direction was not played: ${open.said}`);
        assert.equal(open.worked, true, `works nowhere, so this proves nothing: ${open.said}`);
      });
    }
  });
}

describe('requests that prepare refuses', () => {
  for (const request of requests) {
    test(request.name, async () => {
      await using image = await imageFor(request);
      const input = { image: image.name, ...request.job };
      {
        await using job = new TestJob(input, { env: (await stage.settings.get({ policy: request.closed })).env });
        await job.player.stage('config');
        const { exitCode, stdout } = await job.player.stage('prepare');
        assert.deepEqual([exitCode, stdout.toString().includes('proven')], [1, false], stdout.toString());
        assert.ok(stdout.includes(`(${request.refusal}: `), stdout.toString());
        await job.assertNothingLeft();
      }
      await using job = await TestJob.prepared(input, {
        env: (await stage.settings.get({ policy: request.open })).env,
      });
      assert.equal((await job.sh('true')).exitCode, 0);
    });
  }
});

let committed = 0;

/** An image whose configuration names the user that the row is about. */
async function imageFor({ imageUser }: Request): Promise<AsyncDisposable & { readonly name: string }> {
  if (imageUser === undefined) return { name: images.python, async [Symbol.asyncDispose]() {} };
  const [repo, tag] = ['localhost/bulkhead/insider-as', `${process.pid}-${++committed}`];
  const container = await podman.createContainer({ Image: images.insider, Cmd: ['true'] });
  await container.commit({ repo, tag, changes: `USER ${imageUser}` });
  await container.remove();
  const name = `${repo}:${tag}`;
  return {
    name,
    async [Symbol.asyncDispose]() {
      await podman.getImage(name).remove({ force: true });
    },
  };
}
