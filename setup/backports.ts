/**
 * The host's own apt sources, turned into sources of the same mirrors' `<codename>-backports`: so no mirror's name is
 * written down here, and options such as Signed-By stay as the operator set them. Undefined when the file has no source
 * of the release. `file` is the text of a `.sources` (deb822) or `.list` file, see sources.list(5).
 */
export function backportsOf(file: string, codename: string, format: 'sources' | 'list'): string | undefined {
  const derived = format === 'sources' ? fromStanzas(file, codename) : fromLines(file, codename);
  return derived.length > 0 ? derived.join('') : undefined;
}

function fromStanzas(file: string, codename: string): string[] {
  return file
    .split(/\n[ \t]*\n/)
    .filter((stanza) => field(stanza, 'Enabled')?.toLowerCase() !== 'no')
    .filter((stanza) => field(stanza, 'Types')?.split(/\s+/).includes('deb'))
    .filter((stanza) => field(stanza, 'Suites')?.split(/\s+/).includes(codename))
    .map((stanza) => stanza.replace(/^Types:.*$/im, 'Types: deb'))
    .map((stanza) => `${stanza.replace(/^Suites:.*$/im, `Suites: ${codename}-backports`).trim()}\n\n`);
}

function field(stanza: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'im').exec(stanza)?.[1]?.trim();
}

/** `deb [options] uri suite component…` */
const LINE = /^\s*deb\s+(?<options>\[[^\]]*\]\s+)?(?<uri>\S+)\s+(?<suite>\S+)\s+(?<components>[^#]+)/;

function fromLines(file: string, codename: string): string[] {
  return file
    .split('\n')
    .map((line) => LINE.exec(line)?.groups)
    .filter((parts) => parts?.['suite'] === codename)
    .map(
      (parts) =>
        `deb ${parts?.['options'] ?? ''}${parts?.['uri']} ${codename}-backports ${parts?.['components']?.trim()}\n`,
    );
}
