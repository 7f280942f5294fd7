import { posix } from 'node:path';
import { ansiCQuote, pathQuote, posixQuote } from './quote.ts';
import type { Variable } from './variables.ts';

const green = '\x1b[32;1m';
const yellow = '\x1b[0;33m';
const plain = '\x1b[0;m';
const clearLine = '\x1b[0K';

// In the outer shell and again in the subshell: there, traps are back at their defaults.
const exitOnTerm = `trap 'exit 1' TERM`;

export interface ShellWriterOptions {
  /** `<project>.tmp`: file variables, git configuration, GITLAB_ENV. */
  readonly temporaryPath: string;
  /** Named in the script's first line: `bash` or `sh`. */
  readonly shell: string;
  /** FF_POSIXLY_CORRECT_ESCAPES. */
  readonly posixEscapes: boolean;
  /** FF_ENABLE_BASH_EXIT_CODE_CHECK. */
  readonly checkForErrors: boolean;
  /** FF_USE_LEGACY_BASH_EVAL. */
  readonly legacyEval: boolean;
}

/** Builds one stage script line by line, as the runner's BashWriter does (shells/bash.go). */
export class ShellWriter {
  readonly #options: ShellWriterOptions;
  #text = '';
  #indent = 0;

  constructor(options: ShellWriterOptions) {
    this.#options = options;
  }

  line(text: string): void {
    this.#text += `${'  '.repeat(this.#indent)}${text}\n`;
  }

  quote(text: string): string {
    return this.#options.posixEscapes ? posixQuote(text) : ansiCQuote(text);
  }

  command(...words: string[]): void {
    this.line(words.map((word) => this.quote(word)).join(' '));
    this.checkForErrors();
  }

  /** Like command(), but the shell expands variables in the arguments. */
  commandExpanding(command: string, ...words: string[]): void {
    this.line([this.quote(command), ...words.map((word) => `"${word}"`)].join(' '));
    this.checkForErrors();
  }

  checkForErrors(): void {
    if (!this.#options.checkForErrors) return;
    this.line('_runner_exit_code=$?; if [ $_runner_exit_code -ne 0 ]; then exit $_runner_exit_code; fi');
  }

  temporaryFile(name: string): string {
    const path = posix.join(this.#options.temporaryPath, name);
    return path.startsWith('/') ? path : posix.join('$PWD', path);
  }

  variable(variable: Pick<Variable, 'key' | 'value'> & { readonly file?: boolean }): void {
    if (!variable.file) {
      this.line(`export ${this.quote(variable.key)}=${this.quote(variable.value)}`);
      return;
    }
    const path = pathQuote(this.temporaryFile(variable.key));
    this.line(`mkdir -p ${pathQuote(this.#options.temporaryPath)}`);
    this.line(`printf '%s' ${this.quote(variable.value)} > ${path}`);
    this.line(`export ${this.quote(variable.key)}=${path}`);
  }

  exportExpanding(name: string, value: string): void {
    this.line(`export ${this.quote(name)}="${value}"`);
  }

  /** Loads what earlier stages wrote to GITLAB_ENV. The job can write that file: its lines reach every later stage. */
  sourceEnvironment(path: string): void {
    this.line(`mkdir -p ${pathQuote(this.#options.temporaryPath)}`);
    this.line(`touch ${pathQuote(path)}`);
    this.line(`while read -r line; do export "$line"; done < ${pathQuote(path)}`);
  }

  ifDirectory(path: string, then: () => void): void {
    this.#conditional(`[ -d ${pathQuote(path)} ]`, then);
  }

  ifFile(path: string, then: () => void, otherwise?: () => void): void {
    this.#conditional(`[ -e ${pathQuote(path)} ]`, then, otherwise);
  }

  /** Runs the command silently and branches on its success. */
  ifCommand(words: readonly string[], then: () => void, otherwise?: () => void): void {
    this.#conditional(`${words.map((word) => this.quote(word)).join(' ')} >/dev/null 2>&1 `, then, otherwise);
  }

  ifCommandShown(words: readonly string[], then: () => void, otherwise?: () => void): void {
    this.#conditional(`${words.map((word) => this.quote(word)).join(' ')} `, then, otherwise);
  }

  ifGitAtLeast(version: string, then: () => void, otherwise: () => void): void {
    this.line(`current_ver="$(git version|cut -d ' ' -f 3)"`);
    this.line(`required_ver="${version}"`);
    this.line(
      `minimum_ver="$(printf '%s\\n%s' "$required_ver" "$current_ver" | sort -t '.' -k 1,1n -k 2,2n -k 3,3n | sed -n '1p')"`,
    );
    this.#conditional('[ "$minimum_ver" = "$required_ver" ]', then, otherwise);
  }

  #conditional(condition: string, then: () => void, otherwise?: () => void): void {
    this.line(`if ${condition}; then`);
    this.#indented(then);
    if (otherwise) {
      this.line('else');
      this.#indented(otherwise);
    }
    this.line('fi');
  }

  #indented(write: () => void): void {
    this.#indent++;
    write();
    this.#indent--;
  }

  changeDirectory(path: string): void {
    this.command('cd', path);
  }

  makeDirectory(path: string): void {
    this.command('mkdir', '-p', path);
  }

  removeFile(path: string): void {
    this.commandExpanding('rm', '-f', path);
  }

  removeDirectory(path: string): void {
    this.ifDirectory(path, () => this.commandExpanding('chmod', '-R', 'u+rwX', path));
    this.commandExpanding('rm', '-r', '-f', path);
  }

  removeFilesNamed(directory: string, pattern: string): void {
    this.ifDirectory(directory, () =>
      this.line(
        `et='+' ; find /dev/null -exec true {} + 2>/dev/null || et=';' ; ` +
          `find ${pathQuote(directory)} -name ${pathQuote(pattern)} -type f -exec rm -f {} "\${et}"`,
      ),
    );
  }

  print(text: string): void {
    this.line(`echo ${this.quote(`${plain}${text}`)}`);
  }

  notice(text: string): void {
    this.line(`echo ${this.quote(`${green}${text}${plain}`)}`);
  }

  warning(text: string): void {
    this.line(`echo ${this.quote(`${yellow}${text}${plain}`)}`);
  }

  emptyLine(): void {
    this.line('echo');
  }

  /** A collapsed log section that shows the whole of a multi-line command. */
  commandSection(id: string, command: string): void {
    const time = `$(awk 'BEGIN{srand(); print srand()}')`;
    const shown = this.quote(`${green}$ ${command}${plain}`);
    this.line(
      `printf '%b\\n' section_start:${time}:section_${id}[hide_duration=true,collapsed=true]\r${clearLine}${shown}`,
    );
    this.line(`printf '%b\\n' section_end:${time}:section_${id}\r${clearLine}`);
  }

  /** The finished script. Its body runs in a subshell by `eval`, with no standard input. */
  finish(trace: boolean): string {
    const body = this.quote(this.#text);
    return [
      `#!/usr/bin/env ${this.#options.shell}\n`,
      `${exitOnTerm}\n`,
      ...(trace ? ['set -o xtrace'] : []),
      `case "$(set -o)" in *"pipefail"*) set -o pipefail;; esac; set -o errexit`,
      'set +o noclobber',
      this.#options.legacyEval ? `: | eval ${body}` : `(${exitOnTerm}; eval ${body}) < /dev/null`,
      'exit 0\n',
    ].join('\n');
  }
}
