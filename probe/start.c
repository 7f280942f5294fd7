/*
 * One program without a C library, for every sandbox:
 *
 *   probe [name of a system call | <address>:<port>] …     says what a process in this sandbox is and may do: probe.c
 *   probe limit <resource>=<soft>:<hard> … -- <program> …  becomes the program, under limits: limit.c
 *   probe gate <file> <limits as above> -- <program> …     the same, but not before the file is there: gate.c
 *   probe connect <milliseconds> <address> <port> …        says whether something listens there: connect.c
 */
void probe(char **names);
void limit(char **arguments, char **environment);
void gate(char **arguments, char **environment);
void connect(char **arguments);

#if defined __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
#elif defined __aarch64__
__asm__(".globl _start\n_start: mov x0, sp\n bl start\n");
#endif

static int is(const char *word, const char *wanted) {
  while (*wanted && *word == *wanted) word++, wanted++;
  return !*word && !*wanted;
}

/* The stack as the kernel leaves it: argc, argv, NULL, environment, NULL. */
void start(long *stack) {
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + stack[0] + 1;
  if (stack[0] >= 2 && is(arguments[1], "limit")) limit(arguments + 2, environment);
  if (stack[0] >= 2 && is(arguments[1], "gate")) gate(arguments + 2, environment);
  if (stack[0] >= 2 && is(arguments[1], "connect")) connect(arguments + 2);
  probe(arguments + 1);
}
