import { sandboxPaths } from './layout.ts';

/**
 * The shell fragments that run inside a sandbox. Plain POSIX sh with builtins only: the build image may hold nothing else.
 */

/** In this order: bash first, as GitLab Runner's Docker executor has it, then sh. */
const shells = '/usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh';

/** Leaves the path of the first that there is in `$shell`. */
const findShell = `shell=
for candidate in ${shells}; do
  if [ -x "$candidate" ]; then shell=$candidate; break; fi
done`;

/** Becomes the shell that findShell prefers, with the script `$0`. No variable: the environment is the job's by now. */
const becomeShell = `set -- ${shells}
while [ "$#" -gt 1 ] && ! [ -x "$1" ]; do shift; done
exec "$1" "$0" </dev/null`;

const runScript = `${findShell}
"$shell" "$1" </dev/null`;

/**
 * The script `$1` by way of an entrypoint: `$4` and what follows, a program and its arguments. `$2` is a file that sets its
 * environment. `$3` is what to say when there is no such program; looked for before, since `exec` would take some words for
 * its own and shells differ in how they fail. Entrypoints that only start a shell of their own find the script on standard
 * input, where the Docker executor has it.
 */
const runByEntrypoint = `(
  . "$2"
  (
    set -f
    case $4 in
      -*) exit 1 ;;
      */*) [ -f "$4" ] && [ -x "$4" ]; exit ;;
    esac
    IFS=:
    for folder in $PATH; do [ -f "\${folder:-.}/$4" ] && [ -x "\${folder:-.}/$4" ] && exit; done
    exit 1
  ) || {
    printf '%s\\n' "$3" >&2
    exit 127
  }
  shift 3
  exec "$@"
) <"$1"`;

/**
 * Runs one stage script. Ends with the script's exit code (128 + n when signal n ended it). Nothing of an earlier stage runs
 * beside it (its driver may have been killed), and nothing it started outlives it: `kill -9 -1` reaches every process but
 * PID 1 and the caller. The trap keeps this shell alive through the TERM that ends a canceled script; unlike an ignored
 * signal, a trapped one is reset in the script, which sets a trap of its own.
 */
const supervise = (start: string) => `trap : TERM
kill -9 -1 2>/dev/null
${start}
code=$?
kill -9 -1 2>/dev/null
exit "$code"`;

/** What starts a script in place of a shell. */
export interface EntrypointUse {
  readonly words: readonly string[];
  /** Path of what exportScript made. */
  readonly environment: string;
  /** Printed when the image has no such program; the stage then ends with 127. */
  readonly complaint: string;
}

/**
 * argv that runs the script at `path`. The helper's umask lets a build image of any user work on what it made.
 * @param ulimits `<resource>=<soft>:<hard>` each; set by a program of ours before any of the image's begins.
 * @param entrypoint gets `sh -c …` as its arguments, as with the Docker executor, and should become that.
 */
export function stageCommand(
  role: 'helper' | 'build',
  path: string,
  ulimits: readonly string[] = [],
  entrypoint?: EntrypointUse,
): string[] {
  const text = supervise(entrypoint === undefined ? runScript : runByEntrypoint);
  const shell = ['sh', '-c', role === 'helper' ? `umask 0000\n${text}` : text, 'bulkhead-stage', path];
  if (entrypoint !== undefined) {
    const { environment, complaint, words } = entrypoint;
    shell.push(environment, complaint, ...words, 'sh', '-c', becomeShell, path);
  }
  return ulimits.length === 0 ? shell : [sandboxPaths.probe, 'limit', ...ulimits, '--', ...shell];
}

/**
 * A script that sets these variables where it is read. Some names a shell keeps for itself, and would end because of them:
 * `command` takes that from `export`. What is no name to a shell is left out.
 */
export function exportScript(variables: Iterable<readonly [name: string, value: string]>): string {
  return [...variables]
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `command export ${name}='${value.replaceAll("'", "'\\''")}' 2>/dev/null\n`)
    .join('');
}

/** argv that succeeds where stage scripts can run at all. */
export function shellProbeCommand(): string[] {
  return ['sh', '-c', `${findShell}\n[ -n "$shell" ]`];
}

/** argv that sends a signal to every process of the sandbox but PID 1. */
export function signalAllCommand(signal: 'TERM' | 'KILL'): string[] {
  return ['sh', '-c', `kill -${signal === 'TERM' ? 15 : 9} -1 2>/dev/null; exit 0`];
}
