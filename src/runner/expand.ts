/**
 * Replaces `$NAME` and `${NAME}` as GitLab Runner does, which is Go's os.Expand with the runner's own word for the special
 * names of a shell: `$$` is `$`, the others are empty. Malformed braces are eaten. What `value` gives is not expanded again.
 */
export function expand(text: string, value: (name: string) => string): string {
  return text.replace(
    /\$(?:\{([*#$@!?0-9-])\}|\{([^}]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z0-9_]+))/g,
    (_whole, braced?: string, name?: string, _brace?: string, special?: string, plain?: string) => {
      const asked = braced ?? name ?? special ?? plain;
      if (asked === undefined || asked === '') return '';
      if (asked === '$') return '$';
      return /^[*#@!?0-9]$/.test(asked) ? '' : value(asked);
    },
  );
}
