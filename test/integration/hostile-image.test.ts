import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { pack } from 'tar-stream';
import { labelKeys } from '../../src/sandbox/names.ts';
import { images, podman, TestJob } from './host.ts';

const hostile = 'localhost/bulkhead/hostile-configuration:1';

before(async () => {
  const container = await podman.createContainer({ Image: images.busybox, Cmd: ['true'] });
  const planted = pack();
  planted.entry({ name: 'builds/', type: 'directory', mode: 0o700, uid: 7, gid: 7 });
  planted.entry({ name: 'builds/planted', mode: 0o644 }, 'planted');
  planted.finalize();
  await container.putArchive(Readable.from(planted, { objectMode: false }), { path: '/' });
  await container.commit({
    repo: 'localhost/bulkhead/hostile-configuration',
    tag: '1',
    changes: [
      'VOLUME /data',
      'VOLUME /builds',
      'ENTRYPOINT ["/bin/false"]',
      'CMD ["exit", "9"]',
      `LABEL ${labelKeys.job}=another-job`,
      `LABEL ${labelKeys.role}=courier`,
      'ENV LD_PRELOAD=/data/evil.so',
      'ENV CONTAINER_HOST=unix:///evil',
      'WORKDIR /not/there/yet',
      'STOPSIGNAL SIGUSR1',
    ].join('\n'),
  });
  await container.remove();
});
after(async () => {
  await podman.getImage(hostile).remove({ force: true });
});

/** Without caches, which outlive jobs. */
async function volumeNames(): Promise<string[]> {
  const { Volumes } = await podman.listVolumes();
  return Volumes.filter(({ Labels }) => Labels?.[labelKeys.cacheTier] === undefined)
    .map(({ Name }) => Name)
    .sort();
}

test("an image's configuration does not get in the way, and leaves nothing", async () => {
  const volumes = await volumeNames();
  {
    // Its entrypoint is the author's own affair, and would end each script: the job says so.
    await using job = await TestJob.prepared({ image: { name: hostile, entrypoint: [''] } });
    const { containers } = await job.objects();
    assert.equal(containers.length, 3, 'found by our labels, not by those of the image');
    const { Config } = await podman.getContainer(job.name('build')).inspect();
    assert.deepEqual([Config.Labels[labelKeys.job], Config.Labels[labelKeys.role]], [job.key, 'build']);
    assert.ok((await volumeNames()).length > volumes.length + 2, 'the image did get an anonymous volume');
    const result = await job.sh('echo works; ls /builds; touch /builds/x');
    assert.deepEqual([result.exitCode, result.stdout.toString()], [0, 'works\n'], result.stdout.toString());
    assert.equal(
      (await job.sh('ls /builds', 'get_sources')).stdout.toString(),
      'x\n',
      'the shared volume, not its own',
    );
  }
  assert.deepEqual(await volumeNames(), volumes);
});
