import type { Command } from 'commander';
import { commandLine } from './command-line.ts';

/** What bash completes after the words so far: commands and options, and where none of them fits, files. */
export function bashCompletion(): string {
  const cases = all(commandLine()).map(({ words, command }) => `    '${words}') known='${candidates(command)}' ;;`);
  return `# bash completion for bulkhead
_bulkhead() {
  local word path=bulkhead known='' current=\${COMP_WORDS[COMP_CWORD]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${all(commandLine())
  .filter(({ words }) => words.includes(' '))
  .map(({ words }) => `      '${words}') path='${words}' ;;`)
  .join('\n')}
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$known" -- "$current")
}
complete -o default -F _bulkhead bulkhead
`;
}

function all(command: Command, above = ''): { words: string; command: Command }[] {
  const words = `${above}${command.name()}`;
  return [{ words, command }, ...command.commands.flatMap((each) => all(each, `${words} `))];
}

function candidates(command: Command): string {
  const options = command.createHelp().visibleOptions(command);
  return [
    ...command.commands.map((each) => each.name()),
    ...options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined)),
  ].join(' ');
}
