import { afterHelp, callables, commandLine } from './command-line.ts';

/** bulkhead(1), from the same texts as --help. */
export function manPage(): string {
  const program = commandLine();
  const sections = callables(program).flatMap(({ words, command }) => {
    const help = command.createHelp();
    const described = [
      ...help.visibleArguments(command).map((each) => [help.argumentTerm(each), help.argumentDescription(each)]),
      ...help.visibleOptions(command).map((each) => [help.optionTerm(each), help.optionDescription(each)]),
    ];
    const after = afterHelp(command);
    return [
      `.SS ${quoted(words)}`,
      `.B ${quoted(`${words} ${command.usage()}`)}`,
      '.PP',
      text(command.description()),
      ...described.flatMap(([term = '', meaning = '']) => ['.TP', `.B ${quoted(term)}`, text(meaning)]),
      ...(after === '' ? [] : ['.PP', '.nf', text(after), '.fi']),
    ];
  });
  const options = program.createHelp().visibleOptions(program);
  return [
    `.TH BULKHEAD 1 "" ${quoted(`bulkhead ${program.version()}`)}`,
    '.SH NAME',
    text('bulkhead - GitLab Runner Custom executor driver on gVisor and rootless Podman'),
    '.SH SYNOPSIS',
    '.B bulkhead',
    text('[options] <command>'),
    '.SH DESCRIPTION',
    text(program.description()),
    text('GitLab Runner calls config, prepare, run and cleanup; the other commands are for people.'),
    '.SH OPTIONS',
    ...options.flatMap((option) => ['.TP', `.B ${quoted(option.flags)}`, text(option.description)]),
    '.SH COMMANDS',
    ...sections,
    '.SH FILES',
    '.TP',
    '.I /etc/bulkhead/config.json',
    text('the configuration, where neither --config nor $BULKHEAD_CONFIG names another'),
    '.SH SEE ALSO',
    text('gitlab-runner(1), podman(1), runsc(1)'),
    '',
  ].join('\n');
}

/** Lines of text that roff shows as they are. */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/\P{ASCII}/gu, (one) => `\\[u${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`)
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

/** One argument of a macro. */
function quoted(words: string): string {
  return `"${text(words).replaceAll('"', '\\(dq')}"`;
}
