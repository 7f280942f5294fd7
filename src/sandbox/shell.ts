/**
 * The shell fragments that run inside a sandbox. Plain POSIX sh with builtins only: the build image may hold nothing else.
 */

/** Prefers bash, as GitLab Runner's Docker executor does, then sh; leaves the path in `$shell`. */
const findShell = `shell=
for candidate in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do
  if [ -x "$candidate" ]; then shell=$candidate; break; fi
done`;

/**
 * Runs one stage script. Ends with the script's exit code (128 + n when signal n ended it). Nothing of an earlier stage runs
 * beside it (its driver may have been killed), and nothing it started outlives it: `kill -9 -1` reaches every process but
 * PID 1 and the caller. The trap keeps this shell alive through the TERM that ends a canceled script; unlike an ignored
 * signal, a trapped one is reset in the script, which sets a trap of its own.
 */
const supervise = `trap : TERM
kill -9 -1 2>/dev/null
${findShell}
"$shell" "$1" </dev/null
code=$?
kill -9 -1 2>/dev/null
exit "$code"`;

/** argv that runs the script at `path`. The helper's umask lets a build image of any user work on what it made. */
export function stageCommand(role: 'helper' | 'build', path: string): string[] {
  return ['sh', '-c', role === 'helper' ? `umask 0000\n${supervise}` : supervise, 'bulkhead-stage', path];
}

/** argv that succeeds where stage scripts can run at all. */
export function shellProbeCommand(): string[] {
  return ['sh', '-c', `${findShell}\n[ -n "$shell" ]`];
}

/** argv that sends a signal to every process of the sandbox but PID 1. */
export function signalAllCommand(signal: 'TERM' | 'KILL'): string[] {
  return ['sh', '-c', `kill -${signal === 'TERM' ? 15 : 9} -1 2>/dev/null; exit 0`];
}
