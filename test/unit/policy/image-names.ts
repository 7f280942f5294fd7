import fc from 'fast-check';

const digests = fc.constantFrom(`sha256:${'0123456789abcdef'.repeat(4)}`, `sha256:${'a'.repeat(64)}`);
const label = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,6}[a-zA-Z0-9])?$/);
const ports = fc.option(fc.nat(65535), { nil: undefined });

/** Hosts of registries, as people may write them. */
export const hosts = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('docker.io', 'Docker.IO', 'index.docker.io', 'localhost', 'registry.example.com', 'example.com'),
      fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.')),
    ),
    ports,
  )
  .map(([host, port]) => (port === undefined ? host : `${host}:${port}`));

export const paths = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}$/), { minLength: 2, maxLength: 4 })
  .map((parts) => parts.join('/'))
  // The first part must not look like a host.
  .filter((path) => !/^[^/]*[.]|^localhost\//.test(path));

export const tags = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/);

/** Valid image names of all forms. */
export const imageNames = fc
  .tuple(
    fc.option(hosts, { nil: undefined }),
    fc.oneof(paths, fc.constantFrom('debian', 'library/debian', 'group/app')),
    fc.option(tags, { nil: undefined }),
    fc.option(digests, { nil: undefined }),
  )
  .map(([host, path, tag, digest]) =>
    [
      host === undefined ? '' : `${host}/`,
      path,
      tag === undefined ? '' : `:${tag}`,
      digest === undefined ? '' : `@${digest}`,
    ].join(''),
  );
