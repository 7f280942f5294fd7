import * as z from 'zod';

/** One login of a registry, or of a path within one. */
export interface RegistryLogin {
  /** As its source writes it: `registry.example.com:5000/group`, or a URL. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  /** Of OAuth 2; takes the place of the password. */
  readonly identityToken: string | undefined;
}

export interface DockerConfig {
  readonly logins: readonly RegistryLogin[];
  /** Keys that name programs which would hand out credentials. They are not run. */
  readonly helpers: readonly ('credsStore' | 'credHelpers')[];
}

const text = z.string().nullish();
const schema = z.object({
  auths: z.record(z.string(), z.object({ auth: text, username: text, password: text, identitytoken: text })).nullish(),
  credsStore: text,
  credHelpers: z.record(z.string(), z.string()).nullish(),
});

/**
 * Reads the text of a Docker `config.json`, as `docker login` and `podman login` write it. Pure.
 * @throws Error which says what is wrong, and quotes nothing of the text.
 */
export function parseDockerConfig(content: string): DockerConfig {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    // Not the parser's words: they quote the text.
    throw new Error('it is not JSON');
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    // Not the path either, below `auths`: somebody may have taken the one for the other.
    const keys = new Set(
      result.error.issues.map(({ path: [key] }) => (key === undefined ? 'its top level' : `"${String(key)}"`)),
    );
    throw new Error(`${[...keys].join(' and ')} is not what a Docker config.json has there`);
  }
  const { auths, credsStore, credHelpers } = result.data;
  return {
    logins: Object.entries(auths ?? {}).flatMap(([address, entry], index) => readLogin(address, entry, index + 1)),
    helpers: [
      ...(credsStore ? (['credsStore'] as const) : []),
      ...(Object.keys(credHelpers ?? {}).length > 0 ? (['credHelpers'] as const) : []),
    ],
  };
}

type Entry = NonNullable<z.infer<typeof schema>['auths']>[string];

/** Nothing, for an entry without credentials: Docker leaves those behind for logins that a helper keeps. */
function readLogin(address: string, entry: Entry, number: number): RegistryLogin[] {
  const identityToken = entry.identitytoken || undefined;
  let { username, password } = entry;
  if (entry.auth) {
    const decoded = decodeBase64(entry.auth);
    const colon = decoded?.indexOf(':') ?? -1;
    if (decoded === undefined || colon < 1) {
      throw new Error(`"auth" of entry ${number} of "auths" is not the base64 of user:password`);
    }
    username = decoded.slice(0, colon);
    // Docker pads it.
    password = decoded.slice(colon + 1).replace(/^\0+|\0+$/g, '');
  }
  if (!username && identityToken === undefined) return [];
  return [{ address, username: username ?? '', password: password ?? '', identityToken }];
}

/** Node skips what is no base64, and would make something of anything. */
function decodeBase64(encoded: string): string | undefined {
  const trimmed = encoded.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(trimmed)) return undefined;
  return Buffer.from(trimmed, 'base64').toString('utf8');
}
