import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { BulkheadError } from '../../../src/errors.ts';
import { formatImageReference, parseImageReference } from '../../../src/sandbox/image-reference.ts';
import { hosts, imageNames, paths, tags } from '../policy/image-names.ts';
import { anyText } from '../samples.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const normalize = (text: string) => formatImageReference(parseImageReference(text));

suite('a valid image name is written out', () => {
  const table: Record<string, string> = {
    debian: 'docker.io/library/debian:latest',
    'debian:12': 'docker.io/library/debian:12',
    'library/debian': 'docker.io/library/debian:latest',
    'user/tool:v1': 'docker.io/user/tool:v1',
    'a/b/c/d': 'docker.io/a/b/c/d:latest',
    'docker.io/debian': 'docker.io/library/debian:latest',
    'docker.io/library/debian': 'docker.io/library/debian:latest',
    'index.docker.io/debian': 'docker.io/library/debian:latest',
    'index.docker.io/user/tool': 'docker.io/user/tool:latest',
    'registry.example.com/tool': 'registry.example.com/tool:latest',
    'registry.example.com:5000/group/project/tool:1.2-rc_3': 'registry.example.com:5000/group/project/tool:1.2-rc_3',
    'registry:5000/tool': 'registry:5000/tool:latest',
    'registry:5000': 'docker.io/library/registry:5000',
    'localhost/tool': 'localhost/tool:latest',
    'localhost:5000/tool:x': 'localhost:5000/tool:x',
    'LOCALHOST/tool': 'localhost/tool:latest',
    '127.0.0.1:5000/tool': '127.0.0.1:5000/tool:latest',
    'xn--bcher-kva.example/tool': 'xn--bcher-kva.example/tool:latest',
    'user/a.b_c__d-e---f:T_a.g-1': 'docker.io/user/a.b_c__d-e---f:T_a.g-1',
    'tool:_': 'docker.io/library/tool:_',
    'tool:Latest': 'docker.io/library/tool:Latest',
    [`tool:${'t'.repeat(128)}`]: `docker.io/library/tool:${'t'.repeat(128)}`,
    [`debian@${digest}`]: `docker.io/library/debian@${digest}`,
    [`registry.example.com/tool@${digest}`]: `registry.example.com/tool@${digest}`,
  };
  for (const [text, expected] of Object.entries(table)) test(text, () => assert.equal(normalize(text), expected));

  test('a digest decides, whatever tag stands beside it', () => {
    const reference = parseImageReference(`registry.example.com/tool:1.0@${digest}`);
    assert.deepEqual(reference, { registry: 'registry.example.com', path: 'tool', tag: undefined, digest });
    assert.equal(normalize(`registry.example.com/tool:2.0@${digest}`), formatImageReference(reference));
  });
});

suite('an evil twin is never taken for what it resembles', () => {
  const registryOf = (text: string) => parseImageReference(text).registry;

  for (const twin of [
    'registry.example.com.evil.org/tool',
    'registry.example.community/tool',
    'xregistry.example.com/tool',
    'registry-example.com/tool',
    'example.com/registry.example.com/tool',
    'registry.example.com:5000/tool',
    'user/registry.example.com/tool',
  ]) {
    test(`${twin} is of another registry`, () => assert.notEqual(registryOf(twin), 'registry.example.com'));
  }

  for (const twin of [
    'docker.io.evil.org',
    'index.docker.io.evil.org',
    'mydocker.io',
    'docker-io.com',
    'docker.io:443',
  ]) {
    test(`${twin} is not Docker Hub`, () => {
      assert.equal(normalize(`${twin}/debian`), `${twin}/debian:latest`);
    });
  }

  test('a host that looks like a tag of a known name is a name of Docker Hub', () => {
    assert.equal(normalize('registry.example.com:5000'), 'docker.io/library/registry.example.com:5000');
  });

  test('hosts differ in nothing by the case of their letters', () => {
    assert.equal(normalize('Registry.Example.COM/tool:A'), 'registry.example.com/tool:A');
    for (const hub of ['Docker.io', 'DOCKER.IO', 'Index.Docker.io', 'INDEX.docker.IO']) {
      assert.equal(normalize(`${hub}/debian`), 'docker.io/library/debian:latest');
      assert.equal(normalize(`${hub}/user/tool`), 'docker.io/user/tool:latest');
    }
  });

  test('tags differ by the case of their letters', () => {
    assert.notEqual(normalize('tool:A'), normalize('tool:a'));
  });
});

suite('refused', () => {
  const names: Record<string, string> = {
    'nothing at all': '',
    'upper case in a path': 'registry.example.com/Tool',
    'upper case in a name of Docker Hub': 'Debian',
    'an archive transport': 'docker-archive:/x',
    'an OCI folder transport': 'oci:dir/x',
    'an absolute OCI folder': 'oci:/x',
    'a folder transport': 'dir:/etc',
    'a registry transport': 'docker://debian',
    'a storage transport': 'containers-storage:debian:12',
    'a URL': 'https://example.com/tool',
    'two @': `tool@${digest}@${digest}`,
    'an @ with nothing after it': 'tool@',
    'nothing before the digest': `@${digest}`,
    'a short digest': 'tool@sha256:0123',
    'a long digest': `tool@${digest}0`,
    'an upper-case digest': `tool@${digest.toUpperCase()}`,
    'a digest with upper-case digits': `tool@sha256:${'ABCDEF0123456789'.repeat(4)}`,
    'another algorithm': `tool@sha512:${'0'.repeat(128)}`,
    'a tag after the digest': `tool@${digest}:1`,
    'a malformed tag beside a digest': `tool:-@${digest}`,
    'an empty tag': 'tool:',
    'an empty tag of a name with a host': 'registry.example.com/tool:',
    'two tags': 'tool:1:2',
    'a tag that begins with a dot': 'tool:.1',
    'a tag that begins with a dash': 'tool:-1',
    'a tag that is too long': `tool:${'t'.repeat(129)}`,
    'a tag with a wildcard': 'tool:*',
    'a tag with a plus': 'tool:1+2',
    'a host with a dot at its end': 'registry.example.com./tool',
    'a host with two dots': 'registry..example.com/tool',
    'a host that begins with a dot': '.example.com/tool',
    'a host that begins with a dash': '-registry.example.com/tool',
    'a label that ends with a dash': 'registry-.example.com/tool',
    'a host with an underscore': 'my_registry.example.com/tool',
    'a user name before the host': 'user:pass@registry.example.com/tool',
    'a port only': ':5000/tool',
    'an empty port': 'registry.example.com:/tool',
    'a port that is no number': 'registry.example.com:http/tool',
    'two ports': 'registry.example.com:50:00/tool',
    'a host only': 'registry.example.com/',
    'an empty part': 'user//tool',
    'an empty part after the host': 'registry.example.com//tool',
    'a / at the start': '/tool',
    'a / at the end': 'user/tool/',
    'a dot as a part': 'registry.example.com/./tool',
    'two dots as a part': 'registry.example.com/../tool',
    'a relative path': '../tool',
    'an encoded slash': 'registry.example.com/a%2fb',
    'a query': 'registry.example.com/tool?tag=1',
    'a fragment': 'registry.example.com/tool#1',
    'a part that begins with a dash': 'user/-tool',
    'an option': '--privileged',
    'a part that ends with a dash': 'user/tool-',
    'a part with two dots inside': 'user/to..ol',
    'a part with three underscores': 'user/to___ol',
    'a space before': ' tool',
    'a space after': 'tool ',
    'a space inside': 'to ol',
    'a tab': 'tool\t',
    'a newline at the end': 'tool\n',
    'a newline at the end of a tag': 'tool:1\n',
    'a newline at the end of a digest': `tool@${digest}\n`,
    'a newline at the end of a host': 'registry.example.com\n/tool',
    'a newline and more': 'tool\nevil',
    'a NUL': 'tool\0',
    'a NUL inside': 'registry.example.com\0.evil.org/tool',
    'a Cyrillic letter in a path': 'd\u0435bian',
    'a Cyrillic letter in a host': 'registry.\u0435xample.com/tool',
    'a Kelvin sign, which lower-cases to k': 'doc\u212Aer.io/debian',
    'a full-width letter': '\uFF44ebian',
    'a full-width slash': 'registry.example.com\uFF0Ftool',
    'a soft hyphen': 'deb\u00ADian',
    'a zero-width space': 'deb\u200Bian',
    'right-to-left text': 'registry.example.com/\u202Eloot',
    'a variable that nobody expanded': '$CI_REGISTRY_IMAGE/tool',
    'a name that is too long': `user/${'a'.repeat(251)}/b`,
    'a name that is far too long': 'a'.repeat(5000),
  };
  for (const [what, text] of Object.entries(names)) {
    test(what, () => {
      assert.throws(() => parseImageReference(text), { name: 'BulkheadError', code: 'image-reference-invalid' });
    });
  }

  test('with a message that says why, however long the name is', () => {
    assert.throws(
      () => parseImageReference('a'.repeat(5000)),
      (error: Error) => error.message.length < 500 && error.message.endsWith('longer than 255 characters'),
    );
  });
});

suite('for any text', () => {
  const letters = fc.constantFrom(...'abz09AZ.-_:/@ \n\0%$é\u212A');
  const nearly = fc.array(fc.oneof(letters, fc.constantFrom('docker.io', 'localhost', 'sha256:', digest, 'debian')));
  const texts = fc.oneof(
    anyText(),
    fc.string({ unit: letters, maxLength: 40 }),
    nearly.map((parts) => parts.join('')),
  );

  test('the answer is a reference or image-reference-invalid, and a reference has one spelling', () => {
    fc.assert(
      fc.property(texts, (text) => {
        let reference: ReturnType<typeof parseImageReference>;
        try {
          reference = parseImageReference(text);
        } catch (error) {
          assert.ok(error instanceof BulkheadError);
          assert.equal(error.code, 'image-reference-invalid');
          return;
        }
        const spelling = formatImageReference(reference);
        assert.deepEqual(parseImageReference(spelling), reference);
        assert.match(spelling, /^[\x21-\x7e]+$/);
        assert.equal(reference.registry, reference.registry.toLowerCase());
      }),
      { numRuns: 3000 },
    );
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
  const label = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,6}[a-zA-Z0-9])?$/);
  const port = fc.option(fc.nat(65535), { nil: undefined });
  const registry = fc.oneof(
    fc.tuple(fc.array(label, { minLength: 2, maxLength: 4 }), port),
    fc.tuple(fc.constantFrom(['localhost'], ['docker', 'io'], ['Docker', 'IO'], ['index', 'docker', 'io']), port),
  );
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);

  test('every valid name is taken, in parts and as a whole', () => {
    fc.assert(
      fc.property(
        fc.option(registry, { nil: undefined }),
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.option(tag, { nil: undefined }),
        fc.boolean(),
        (host, path, label, pinned) => {
          // Without a host the first part must not look like one.
          fc.pre(host !== undefined || path.length === 1 || !/[.:]|^localhost$/.test(path[0] ?? ''));
          const [labels, number] = host ?? [[], undefined];
          const prefix = host === undefined ? '' : `${labels.join('.')}${number === undefined ? '' : `:${number}`}/`;
          const text = `${prefix}${path.join('/')}${label === undefined ? '' : `:${label}`}${pinned ? `@${digest}` : ''}`;
          const reference = parseImageReference(text);
          assert.equal(reference.tag, pinned ? undefined : (label ?? 'latest'));
          assert.equal(reference.digest, pinned ? digest : undefined);
          assert.ok(`/${reference.path}`.endsWith(`/${path.join('/')}`));
          assert.deepEqual(parseImageReference(formatImageReference(reference)), reference);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

suite('a hostile name costs no time', () => {
  const length = 300;
  for (const [what, unit, end] of [
    ['letters', 'a', '!'],
    ['dashes', '-', '!'],
    ['letters and dashes', 'a-', '!'],
    ['letters and dashes before a host', 'a-', '.!/x'],
    ['labels', 'a.', '!/x'],
    ['labels with dashes', 'a-a.', '-/x'],
    ['underscores', 'a_', '!'],
    ['double underscores', 'a__', '_'],
    ['parts', 'a/', '!'],
    ['colons', ':', '/x'],
    ['digits', '0', '.0:/x'],
    ['slashes', '/', ''],
    ['at signs', '@', ''],
  ] as const) {
    test(what, () => {
      const start = performance.now();
      for (let repetition = 0; repetition < 20; repetition++) {
        assert.throws(() => parseImageReference(unit.repeat(Math.ceil(length / unit.length)).slice(0, length) + end), {
          code: 'image-reference-invalid',
        });
      }
      assert.ok(performance.now() - start < 500);
    });
  }
});

suite('the laws of full names', () => {
  const parse = (text: string) => parseImageReference(text);

  test('a full name is its own full name', () => {
    fc.assert(
      fc.property(imageNames, (name) => {
        assert.equal(normalize(normalize(name)), normalize(name));
        assert.deepEqual(parse(normalize(name)), parse(name));
      }),
      { numRuns: 2000 },
    );
  });

  test('two references are the same exactly when their full names are', () => {
    fc.assert(
      fc.property(imageNames, imageNames, (a, b) => {
        assert.equal(isDeepStrictEqual(parse(a), parse(b)), normalize(a) === normalize(b));
      }),
      { numRuns: 2000 },
    );
  });

  test('the case of a host means nothing; that of a tag does', () => {
    fc.assert(
      fc.property(hosts, paths, tags, (host, path, tag) => {
        const name = (registry: string) => normalize(`${registry}/${path}:${tag}`);
        assert.equal(name(host.toUpperCase()), name(host.toLowerCase()));
        const swapped = tag === tag.toUpperCase() ? tag.toLowerCase() : tag.toUpperCase();
        assert.equal(normalize(`${host}/${path}:${swapped}`) === name(host), swapped === tag);
      }),
    );
  });

  test('a port, or another one, is another registry', () => {
    fc.assert(
      fc.property(hosts, paths, fc.nat(65535), (host, path, port) => {
        const bare = host.replace(/:.*/, '');
        const withPort = parse(`${bare}:${port}/${path}`).registry;
        assert.notEqual(withPort, parse(`${bare}/${path}`).registry);
        assert.notEqual(withPort, parse(`${bare}:${(port + 1) % 65536}/${path}`).registry);
      }),
    );
  });

  test('no registry is docker.io, and one part there is in library', () => {
    fc.assert(
      fc.property(paths, tags, (path, tag) => {
        assert.equal(normalize(`${path}:${tag}`), normalize(`docker.io/${path}:${tag}`));
        const [last = ''] = path.split('/').reverse();
        assert.equal(normalize(`${last}:${tag}`), `docker.io/library/${last}:${tag}`);
        assert.equal(normalize(`index.docker.io/${last}:${tag}`), `docker.io/library/${last}:${tag}`);
      }),
    );
  });
});
