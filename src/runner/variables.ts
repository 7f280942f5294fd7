/**
 * Expands `$NAME` and `${NAME}` as GitLab Runner does for image names (Go's os.Expand over the job's variables): once,
 * unknown names become nothing. The values are the `CUSTOM_ENV_*` of the stage, which the runner has already expanded.
 */
export function expandVariables(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*)|([*#$@!?\-0-9]))/g, (_, braced, plain, special) => {
    return env[`CUSTOM_ENV_${braced ?? plain ?? special}`] ?? '';
  });
}
