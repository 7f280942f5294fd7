import { posix } from 'node:path';
import type { Build } from './build.ts';
import type { ShellWriter } from './shell-writer.ts';

/** The file in `<project>.tmp` that the job writes through $GITLAB_ENV. */
export const environmentFile = 'gitlab_runner_env';

/** Exports every job variable and what the job left in GITLAB_ENV. With `pathsOnly`, file variables are not written again. */
export function writeExports(script: ShellWriter, build: Build, pathsOnly = false): void {
  for (const variable of build.variables) {
    if (pathsOnly && variable.file) {
      script.variable({ key: variable.key, value: script.temporaryFile(variable.key) });
    } else {
      script.variable(variable);
    }
  }
  const path = script.temporaryFile(environmentFile);
  script.variable({ key: 'GITLAB_ENV', value: path });
  script.sourceEnvironment(path);
}

/** The user's commands, each shown before it runs. */
export function writeCommands(script: ShellWriter, build: Build, prefix: string, commands: readonly string[]): void {
  for (const [index, untrimmed] of commands.entries()) {
    const command = untrimmed.trim();
    const [firstLine, ...more] = command.split('\n');
    if (command === '') {
      script.emptyLine();
    } else if (more.length === 0) {
      script.notice(`$ ${command}`);
    } else if (build.flag('FF_SCRIPT_SECTIONS') && build.job.features.trace_sections) {
      script.commandSection(`${prefix}_${index}`, command);
    } else {
      script.notice(`$ ${firstLine} # collapsed multi-line command`);
    }
    script.line(command);
    script.checkForErrors();
  }
}

/** Runs `write` only where a `gitlab-runner` binary is on the sandbox's PATH, and warns otherwise. */
export function writeWithRunner(script: ShellWriter, action: string, write: () => void): void {
  script.ifCommand(['gitlab-runner', '--version'], write, () =>
    script.warning(`Missing gitlab-runner. ${action} is disabled.`),
  );
}

/** Hands a directory to the build container's user where the Kubernetes executor left its uid: a no-op for us. */
export function writeOwnership(script: ShellWriter, build: Build, ...directories: string[]): void {
  const uidFile = posix.join(build.rootDir, '.gitlab-build-uid-gid');
  script.ifFile(uidFile, () => {
    for (const directory of directories) {
      script.ifDirectory(directory, () => script.line(`chown -R "$(stat -c '%u:%g' '${uidFile}')" '${directory}'`));
    }
  });
}
