/*
 * Waits until a file is there, then goes on as `limit` does. A service's program is its container's own, so that its
 * output, its exit code and its state are the container's; and none of it runs before the sandbox is proven. The file is on
 * a volume that no sandbox can write to.
 */
#include <asm/unistd.h>
#include "syscall.h"

#define AT_FDCWD (-100)
#define F_OK 0

void limit(char **arguments, char **environment);

/* Does not return. Whoever gives the job up removes the container: there is no need to give up waiting. */
void gate(char **arguments, char **environment) {
  const long pause[2] = {0, 20 * 1000 * 1000};
  if (!arguments[0]) {
    static const char why[] = "bulkhead: gate needs a file\n";
    call(__NR_write, 2, (long)why, sizeof why - 1, 0, 0, 0);
    for (;;) call(__NR_exit_group, 126, 0, 0, 0, 0, 0);
  }
  while (call(__NR_faccessat, AT_FDCWD, (long)arguments[0], F_OK, 0, 0, 0) != 0)
    call(__NR_nanosleep, (long)pause, 0, 0, 0, 0, 0);
  limit(arguments + 1, environment);
}
