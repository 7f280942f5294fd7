/*
 * What a process in this sandbox is and may do, as one line of JSON. prepare runs it in every sandbox before anything of
 * the job does. It needs no C library, no file of the image but /proc (whose file system type it checks), no memory but
 * its own, and leaves nothing behind.
 *
 *   probe [name of a system call | <IPv4 address>:<port>] …      each name must be one of `calls` below
 */
#include <asm/unistd.h>
#include "syscall.h"

#define EXISTS 17
#define IS_DIRECTORY 0200000
#define CREATE_ONLY (0100 | 0200)
#define WRITE_ONLY 1
#define TRUNCATE 01000
#define CLOSE_ON_EXEC 02000000
#define AT_FDCWD (-100)
#define PROC_SUPER_MAGIC 0x9fa0
#define PR_GET_NO_NEW_PRIVS 39
/* Milliseconds, for a destination that nothing answers for. */
#define TRY 500

long try_once(const char *destination, long milliseconds);

/*
 * Calls that do nothing, whoever makes them: nothing to act on, or arguments that no kernel accepts. Unfiltered, gVisor
 * answers none of them with EPERM, whatever the capabilities; that is what tells a filter's answer from the kernel's.
 */
static const struct {
  const char *name;
  long number;
  long arguments[6];
} calls[] = {
    {"add_key", __NR_add_key, {0}},
    {"fanotify_init", __NR_fanotify_init, {-1}},
    {"fsopen", __NR_fsopen, {0, -1}},
    {"get_mempolicy", __NR_get_mempolicy, {0}},
    {"io_uring_enter", __NR_io_uring_enter, {-1}},
    {"io_uring_register", __NR_io_uring_register, {-1, -1}},
    {"io_uring_setup", __NR_io_uring_setup, {0}},
    {"keyctl", __NR_keyctl, {-1}},
    {"landlock_create_ruleset", __NR_landlock_create_ruleset, {0, 0, -1}},
    {"mbind", __NR_mbind, {0}},
    {"memfd_secret", __NR_memfd_secret, {-1}},
    {"move_mount", __NR_move_mount, {-1, 0, -1, 0, -1}},
    {"name_to_handle_at", __NR_name_to_handle_at, {-1, 0, 0, 0, -1}},
    {"open_by_handle_at", __NR_open_by_handle_at, {-1}},
    {"open_tree", __NR_open_tree, {-1, 0, -1}},
    {"perf_event_open", __NR_perf_event_open, {0, -1, -1, -1, -1}},
    {"pidfd_getfd", __NR_pidfd_getfd, {-1, -1, -1}},
    {"process_madvise", __NR_process_madvise, {-1, 0, 0, -1, -1}},
    {"process_vm_readv", __NR_process_vm_readv, {-1}},
    {"process_vm_writev", __NR_process_vm_writev, {-1}},
    {"ptrace", __NR_ptrace, {-1, -1}},
    {"request_key", __NR_request_key, {0}},
    {"set_mempolicy", __NR_set_mempolicy, {-1, 0, 0}},
    {"setns", __NR_setns, {-1}},
    {"syslog", __NR_syslog, {-1}},
    {"unshare", __NR_unshare, {0}},
    {"userfaultfd", __NR_userfaultfd, {-1}},
    {"vmsplice", __NR_vmsplice, {-1}},
};

/* ---- output: one buffer, cut where it ends, so that no image can make the line endless */

static char output[65536];
static unsigned long length;

static void put(char character) {
  if (length < sizeof output) output[length++] = character;
}

static void text(const char *characters) {
  while (*characters) put(*characters++);
}

static void number(long value) {
  char digits[20];
  int count = 0;
  unsigned long rest = value < 0 ? -value : value;
  if (value < 0) put('-');
  do digits[count++] = '0' + rest % 10;
  while (rest /= 10);
  while (count) put(digits[--count]);
}

/* A JSON string; what is not plain ASCII becomes an escape, byte by byte. */
static void string(const char *from, const char *to) {
  put('"');
  for (; from < to; from++) {
    unsigned char byte = *from;
    if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\') {
      put(byte);
      continue;
    }
    text("\\u00");
    put("0123456789abcdef"[byte >> 4]);
    put("0123456789abcdef"[byte & 15]);
  }
  put('"');
}

/* ---- input: files of /proc, and of a real /proc only */

static char input[65536];

static const char *end_of_line(const char *at) {
  while (*at && *at != '\n') at++;
  return at;
}

static const char *skip_spaces(const char *at) {
  while (*at == ' ' || *at == '\t') at++;
  return at;
}

static const char *end_of_word(const char *at) {
  while (*at && *at != ' ' && *at != '\t' && *at != '\n') at++;
  return at;
}

/* Reads the file into `input`; 0 when there is none, when it does not fit, or when it is not of a procfs. */
static int read_proc(const char *path) {
  long about[32]; /* struct statfs; its first field is the type */
  long descriptor = call(__NR_openat, AT_FDCWD, (long)path, CLOSE_ON_EXEC, 0, 0, 0);
  unsigned long size = 0;
  long count = -1;
  if (descriptor < 0) return 0;
  if (call(__NR_fstatfs, descriptor, (long)about, 0, 0, 0, 0) == 0 && about[0] == PROC_SUPER_MAGIC) {
    while ((count = call(__NR_read, descriptor, (long)(input + size), sizeof input - 1 - size, 0, 0, 0)) > 0)
      size += count;
  }
  call(__NR_close, descriptor, 0, 0, 0, 0, 0);
  input[size] = 0;
  return count == 0 && size < sizeof input - 1;
}

/* ---- what is reported */

/* The value of a line of /proc/self/status, as a string; null where this kernel has no such line. */
static void status_line(const char *key) {
  for (const char *line = input; *line;) {
    const char *end = end_of_line(line);
    const char *at = line, *wanted = key;
    while (*wanted && *at == *wanted) at++, wanted++;
    if (!*wanted && *at == ':') {
      string(skip_spaces(at + 1), end);
      return;
    }
    line = *end ? end + 1 : end;
  }
  text("null");
}

static void status(void) {
  static const char *const keys[] = {"Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Seccomp"};
  if (!read_proc("/proc/self/status")) {
    text("null");
    return;
  }
  put('{');
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
    text(i ? ",\"" : "\"");
    text(keys[i]);
    text("\":");
    status_line(keys[i]);
  }
  put('}');
}

/* [[path, options, file system type], …] */
static void mounts(void) {
  if (!read_proc("/proc/self/mountinfo")) {
    text("null");
    return;
  }
  put('[');
  for (const char *line = input; *line;) {
    const char *end = end_of_line(line), *at = line;
    if (line != input) put(',');
    put('[');
    for (int field = 1; at < end; field++, at = skip_spaces(end_of_word(at))) {
      if (field == 5 || field == 6) {
        string(at, end_of_word(at));
        put(',');
      }
      if (field > 6 && *at == '-' && end_of_word(at) == at + 1) {
        at = skip_spaces(at + 1);
        string(at, end_of_word(at));
        break;
      }
    }
    put(']');
    line = *end ? end + 1 : end;
  }
  put(']');
}

/* The names before the colons; the first two lines are headings. */
static void interfaces(void) {
  int line_number = 0, count = 0;
  if (!read_proc("/proc/self/net/dev")) {
    text("null");
    return;
  }
  put('[');
  for (const char *line = input; *line; line_number++) {
    const char *end = end_of_line(line), *name = skip_spaces(line), *colon = name;
    while (colon < end && *colon != ':') colon++;
    if (line_number >= 2 && colon < end) {
      if (count++) put(',');
      string(name, colon);
    }
    line = *end ? end + 1 : end;
  }
  put(']');
}

/* Whether an IPv4 route leads everywhere: destination and mask are zero. */
static void default_route(void) {
  int found = 0;
  if (!read_proc("/proc/self/net/route")) {
    text("null");
    return;
  }
  for (const char *line = input; *line;) {
    const char *end = end_of_line(line), *at = skip_spaces(line);
    int zeros = 0;
    for (int field = 1; at < end; field++, at = skip_spaces(end_of_word(at))) {
      const char *digit = at;
      while (*digit == '0') digit++;
      if ((field == 2 || field == 8) && digit == at + 8 && digit == end_of_word(at)) zeros++;
    }
    if (zeros == 2) found = 1;
    line = *end ? end + 1 : end;
  }
  text(found ? "true" : "false");
}

/* errno of making a file in the root folder; the file is gone again when this returns. */
static void root_creation(void) {
  static const char path[] = "/.bulkhead-probe";
  long descriptor = call(__NR_openat, AT_FDCWD, (long)path, CREATE_ONLY | WRITE_ONLY | CLOSE_ON_EXEC, 0600, 0, 0);
  if (descriptor >= 0) {
    call(__NR_close, descriptor, 0, 0, 0, 0, 0);
    call(__NR_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
  }
  number(descriptor < 0 ? -descriptor : 0);
}

/*
 * [errno of opening the canary to write and empty it, how many bytes it has left]. On a read-only mount the first is EROFS;
 * that is no proof of the second.
 */
static void truncation(void) {
  static const char path[] = "/bulkhead/canary";
  char content[64];
  long opened = call(__NR_openat, AT_FDCWD, (long)path, TRUNCATE | WRITE_ONLY | CLOSE_ON_EXEC, 0, 0, 0);
  long descriptor, left;
  if (opened >= 0) call(__NR_close, opened, 0, 0, 0, 0, 0);
  descriptor = call(__NR_openat, AT_FDCWD, (long)path, CLOSE_ON_EXEC, 0, 0, 0);
  left = call(__NR_read, descriptor, (long)content, sizeof content, 0, 0, 0);
  if (descriptor >= 0) call(__NR_close, descriptor, 0, 0, 0, 0, 0);
  put('[');
  number(opened < 0 ? -opened : 0);
  put(',');
  number(left > 0 ? left : 0);
  put(']');
}

static int same(const char *one, const char *other) {
  while (*one && *one == *other) one++, other++;
  return *one == *other;
}

/* errno of each call asked for; a name that is not in the table is left out. */
static void system_calls(char **names) {
  int count = 0;
  put('{');
  for (; *names; names++) {
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
      const long *a = calls[i].arguments;
      long result;
      if (!same(calls[i].name, *names)) continue;
      result = call(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
      if (count++) put(',');
      string(*names, end_of_word(*names));
      put(':');
      number(result < 0 ? -result : 0);
    }
  }
  put('}');
}

static int is_destination(const char *word) {
  while (*word && *word != ':') word++;
  return *word == ':';
}

/* errno of one connection to each destination among the words; 0 means that something answered. */
static void connections(char **words) {
  int count = 0;
  put('{');
  for (; *words; words++) {
    if (!is_destination(*words)) continue;
    if (count++) put(',');
    string(*words, end_of_word(*words));
    put(':');
    number(try_once(*words, TRY));
  }
  put('}');
}

/* `names` of the system calls to make and of the destinations to try, 0 after the last. Does not return. */
void probe(char **names) {
  text("{\"version\":2,\"uid\":");
  number(call(__NR_geteuid, 0, 0, 0, 0, 0, 0));
  text(",\"gid\":");
  number(call(__NR_getegid, 0, 0, 0, 0, 0, 0));
  text(",\"noNewPrivileges\":");
  number(call(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0));
  text(",\"status\":");
  status();
  text(",\"rootCreation\":");
  root_creation();
  text(",\"truncation\":");
  truncation();
  text(",\"mounts\":");
  mounts();
  text(",\"interfaces\":");
  interfaces();
  text(",\"defaultRoute\":");
  default_route();
  text(",\"systemCalls\":");
  system_calls(names);
  text(",\"connections\":");
  connections(names);
  text("}\n");
  for (unsigned long written = 0; written < length;) {
    long count = call(__NR_write, 1, (long)(output + written), length - written, 0, 0, 0);
    if (count <= 0) break;
    written += count;
  }
  call(__NR_exit_group, length < sizeof output ? 0 : 1, 0, 0, 0, 0, 0);
}
