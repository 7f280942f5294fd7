/*
 * Sets resource limits, then becomes another program: the limits of every stage script. Podman's Docker-compatible API
 * takes ulimits and, rootless, drops them; a shell of the job's image could do the same. No limit can be raised again
 * without a capability that jobs do not get.
 *
 * Resources are the kernel's numbers; the program is looked for on PATH. Ends with 126 when a limit cannot be set or is malformed, 127 when there is no such program.
 */
#include <asm/unistd.h>
#include "syscall.h"

struct bounds {
  unsigned long soft, hard;
};

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static void leave(int code, const char *why) {
  unsigned long length = 0;
  while (why[length]) length++;
  call(__NR_write, 2, (long)why, length, 0, 0, 0);
  for (;;) call(__NR_exit_group, code, 0, 0, 0, 0, 0);
}

/* Reads digits; 0 where there are none. The sum may overflow: what comes in is the driver's own. */
static int number(const char **at, unsigned long *value) {
  const char *start = *at;
  for (*value = 0; **at >= '0' && **at <= '9'; (*at)++) *value = *value * 10 + (**at - '0');
  return *at > start;
}

static int set(const char *at) {
  unsigned long resource;
  struct bounds bounds;
  if (!number(&at, &resource) || *at++ != '=') return 0;
  if (!number(&at, &bounds.soft) || *at++ != ':') return 0;
  if (!number(&at, &bounds.hard) || *at) return 0;
  return call(__NR_prlimit64, 0, resource, (long)&bounds, 0, 0, 0) == 0;
}

static const char *path_of(char **environment) {
  for (; *environment; environment++) {
    const char *at = *environment, *wanted = "PATH=";
    while (*wanted && *at == *wanted) at++, wanted++;
    if (!*wanted) return at;
  }
  return default_path;
}

/* As execvp does: a name with a slash is a path, any other is looked for in each folder of PATH in turn. */
static void become(char **arguments, char **environment) {
  static char candidate[4096];
  for (const char *name = arguments[0]; *name; name++) {
    if (*name != '/') continue;
    call(__NR_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0, 0);
    return;
  }
  for (const char *folder = path_of(environment); *folder; folder += *folder == ':') {
    unsigned long length = 0;
    for (; *folder && *folder != ':'; folder++)
      if (length < sizeof candidate - 256) candidate[length++] = *folder;
    candidate[length++] = '/';
    for (const char *name = arguments[0]; *name && length < sizeof candidate - 1; name++) candidate[length++] = *name;
    candidate[length] = 0;
    call(__NR_execve, (long)candidate, (long)arguments, (long)environment, 0, 0, 0);
  }
}

/* Does not return. */
void limit(char **arguments, char **environment) {
  for (; *arguments && !((*arguments)[0] == '-' && (*arguments)[1] == '-' && !(*arguments)[2]); arguments++)
    if (!set(*arguments)) leave(126, "bulkhead: a resource limit of the policy cannot be set\n");
  if (!arguments[0] || !arguments[1]) leave(126, "bulkhead: limit needs a program\n");
  become(arguments + 1, environment);
  leave(127, "bulkhead: the image has no such program\n");
}
