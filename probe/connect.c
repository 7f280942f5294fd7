/*
 * Tries to connect to TCP ports of one IPv4 address, all at once and again and again, until one answers or the time is up.
 * Sends nothing. Ends with 0 when one answered, 1 when none did, 2 for arguments that are none of the driver's.
 *
 * Beside that, one try for the probe, which says why it failed.
 *
 * arm64 has no poll(2), only ppoll(2).
 */
#include <asm/unistd.h>
#include "syscall.h"

#define MOST_PORTS 20
#define AF_INET 2
#define SOCK_STREAM 1
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC 02000000
#define EINPROGRESS 115
#define ETIMEDOUT 110
#define POLLOUT 4
#define SOL_SOCKET 1
#define SO_ERROR 4
#define CLOCK_MONOTONIC 1
/* Milliseconds: of one round that nothing answers, and between two. */
#define ROUND 2000
#define PAUSE 100

struct address {
  unsigned short family;
  unsigned char port[2], host[4], rest[8];
};

struct poll {
  int descriptor;
  short wanted, seen;
};

static void leave(int code) {
  for (;;) call(__NR_exit_group, code, 0, 0, 0, 0, 0);
}

static long now(void) {
  long time[2] = {0, 0};
  call(__NR_clock_gettime, CLOCK_MONOTONIC, (long)time, 0, 0, 0, 0);
  return time[0] * 1000 + time[1] / 1000000;
}

/* Reads digits up to `end`; leaves with 2 where they are none, or more than `most`. */
static long number(const char **at, char end, long most) {
  const char *start = *at;
  long value = 0;
  for (; **at >= '0' && **at <= '9' && value <= most; (*at)++) value = value * 10 + (**at - '0');
  if (*at == start || **at != end || value > most) leave(2);
  if (end) (*at)++;
  return value;
}

static long whole(const char *text, long most) { return number(&text, 0, most); }

static void wait_for(struct poll *polls, int count, long milliseconds) {
  long time[2];
  if (milliseconds < 0) milliseconds = 0;
  time[0] = milliseconds / 1000;
  time[1] = milliseconds % 1000 * 1000000;
  call(__NR_ppoll, (long)polls, count, (long)time, 0, 8, 0);
}

/* Whether one of the ports answers before `end`. */
static int round_of(const struct address *addresses, int count, long end) {
  struct poll polls[MOST_PORTS];
  int answered = 0, open = 0;
  for (int i = 0; i < count; i++) {
    long descriptor = call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0, 0);
    long result = descriptor < 0 ? descriptor
                                 : call(__NR_connect, descriptor, (long)&addresses[i], sizeof addresses[i], 0, 0, 0);
    polls[i].descriptor = result == -EINPROGRESS ? (int)descriptor : -1;
    polls[i].wanted = POLLOUT;
    polls[i].seen = 0;
    if (result == 0) answered = 1;
    if (result == -EINPROGRESS) open++;
    else if (descriptor >= 0) call(__NR_close, descriptor, 0, 0, 0, 0, 0);
  }
  while (open && !answered && now() < end) {
    wait_for(polls, count, end - now());
    for (int i = 0; i < count; i++) {
      int error = -1, size = sizeof error;
      if (polls[i].descriptor < 0 || !polls[i].seen) continue;
      call(__NR_getsockopt, polls[i].descriptor, SOL_SOCKET, SO_ERROR, (long)&error, (long)&size, 0);
      if (error == 0) answered = 1;
      call(__NR_close, polls[i].descriptor, 0, 0, 0, 0, 0);
      polls[i].descriptor = -1;
      open--;
    }
  }
  for (int i = 0; i < count; i++)
    if (polls[i].descriptor >= 0) call(__NR_close, polls[i].descriptor, 0, 0, 0, 0, 0);
  return answered;
}

/* "a.b.c.d" up to `end`. */
static void read_host(const char **at, char end, unsigned char *host) {
  for (int i = 0; i < 4; i++) host[i] = number(at, i < 3 ? '.' : end, 255);
}

/* errno of connecting to "a.b.c.d:port"; 0 when something answered, ETIMEDOUT when nothing did in time. */
long try_once(const char *destination, long milliseconds) {
  static struct address address;
  long port, result, descriptor = call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0, 0);
  read_host(&destination, ':', address.host);
  port = whole(destination, 65535);
  address.family = AF_INET;
  address.port[0] = port >> 8;
  address.port[1] = port & 255;
  if (descriptor < 0) return -descriptor;
  result = -call(__NR_connect, descriptor, (long)&address, sizeof address, 0, 0, 0);
  if (result == EINPROGRESS) {
    struct poll poll = {(int)descriptor, POLLOUT, 0};
    int error = ETIMEDOUT, size = sizeof error;
    wait_for(&poll, 1, milliseconds);
    if (poll.seen) call(__NR_getsockopt, descriptor, SOL_SOCKET, SO_ERROR, (long)&error, (long)&size, 0);
    result = error;
  }
  call(__NR_close, descriptor, 0, 0, 0, 0, 0);
  return result;
}

/* Does not return. */
void connect(char **arguments) {
  static struct address addresses[MOST_PORTS];
  int count = 0;
  long end;
  const char *host;
  unsigned char bytes[4];
  if (!arguments[0] || !arguments[1] || !arguments[2]) leave(2);
  end = now() + whole(arguments[0], 3600 * 1000);
  host = arguments[1];
  read_host(&host, 0, bytes);
  for (char **port = arguments + 2; *port; port++, count++) {
    long value = whole(*port, 65535);
    if (count == MOST_PORTS) leave(2);
    addresses[count].family = AF_INET;
    addresses[count].port[0] = value >> 8;
    addresses[count].port[1] = value & 255;
    for (int i = 0; i < 4; i++) addresses[count].host[i] = bytes[i];
  }
  for (;;) {
    long round = now() + ROUND;
    if (round_of(addresses, count, round < end ? round : end)) leave(0);
    if (now() + PAUSE >= end) leave(1);
    wait_for(0, 0, PAUSE);
  }
}
