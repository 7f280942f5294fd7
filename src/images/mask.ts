import type { Credential } from './credentials.ts';

const mask = '[masked]';
/** What is shorter is no secret, and to replace it would garble the text. */
const shortest = 4;

/**
 * Takes out of a registry's or Podman's words what must not be in a job log: the credential in the spellings in which it is
 * sent, what looks like a token, and the parts of URLs that give access (a storage service's signed addresses). Pure.
 */
export function maskSecrets(text: string, credential: Credential | undefined): string {
  let masked = text;
  for (const spelling of spellings(credential)) masked = masked.replaceAll(spelling, mask);
  return masked
    .replace(/\bBasic +([\w+/=-]{8,})/gi, (all, word) => (isBasic(word) ? `Basic ${mask}` : all))
    .replace(/\bBearer +(?=[a-z+/=._~-]*\d)[\w+/=.~-]{8,}/gi, `Bearer ${mask}`)
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, mask)
    .replace(/(https?:\/\/)[^\s"/@]+@/gi, `$1${mask}@`)
    .replace(/(https?:\/\/[^\s"?]+\?)[^\s"]+/gi, `$1${mask}`);
}

/** Not the next word of a sentence, such as "authentication required". */
function isBasic(word: string): boolean {
  return Buffer.from(word, 'base64').includes(':');
}

function spellings(credential: Credential | undefined): string[] {
  if (credential === undefined) return [];
  const { username, password, identityToken } = credential.login.reveal();
  const basic = `${username}:${password}`;
  // Half a character, which encodeURIComponent would throw at, is sent as another one anyway.
  const all = [password, identityToken ?? '', basic]
    .map((secret) => secret.toWellFormed())
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams([['', secret]]).toString().slice(1),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('base64url'),
    ]);
  // The longest first: one may be a part of another.
  return [...new Set(all)].filter(({ length }) => length >= shortest).sort((a, b) => b.length - a.length);
}
