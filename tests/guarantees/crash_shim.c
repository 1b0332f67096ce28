/* Ends the program at a call that can be counted: preloaded, it kills the process with SIGKILL just before or just
 * after the n-th call of one function that makes bytes durable. So every append, sync, commit, checkpoint, claim and
 * receipt can be a place to die, and the program itself knows nothing of it. What the kernel holds survives such an end,
 * unlike a power cut: that is tried with files in memory, in src/engine/journal_test.cpp.
 *
 * TERRENO_CRASH_CALL  fdatasync, fsync, rename, pwrite, or sendmsg to the mail server
 * TERRENO_CRASH_AT    which call, from 1, counted from the moment of a SIGUSR1
 * TERRENO_CRASH_WHEN  before or after
 * TERRENO_CRASH_PORT  where the mail server listens
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static const char* wanted_call;
static long wanted_at;
static int is_after;
static uint16_t mail_port;
static atomic_int counts;
static atomic_long calls;

static void begin_to_count(int number) {
  (void)number;
  atomic_store(&counts, 1);
}

__attribute__((constructor)) static void read_environment(void) {
  const char* at = getenv("TERRENO_CRASH_AT");
  const char* when = getenv("TERRENO_CRASH_WHEN");
  wanted_call = getenv("TERRENO_CRASH_CALL");
  wanted_at = at != NULL ? strtol(at, NULL, 10) : 0;
  is_after = when != NULL && strcmp(when, "after") == 0;
  const char* port = getenv("TERRENO_CRASH_PORT");
  mail_port = port != NULL ? (uint16_t)atoi(port) : 0;
  signal(SIGUSR1, begin_to_count);
}

/* True when this call is the one. */
static int is_the_one(const char* call) {
  if (wanted_call == NULL || !atomic_load(&counts) || strcmp(wanted_call, call) != 0) return 0;
  return atomic_fetch_add(&calls, 1) + 1 == wanted_at;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define COUNTED(result, name, parameters, arguments) COUNTED_IF(1, result, name, parameters, arguments)
#define COUNTED_IF(condition, result, name, parameters, arguments)                \
  result name parameters {                                                        \
    static result(*_Atomic real) parameters;                                      \
    if (real == NULL) real = (result(*) parameters)dlsym(RTLD_NEXT, #name);       \
    const int is_last = (condition) && is_the_one(#name);                         \
    if (is_last && !is_after) die();                                              \
    const result answer = real arguments;                                         \
    if (is_last) die();                                                           \
    return answer;                                                                \
  }

static int goes_to_mail_server(int fd) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  return getpeername(fd, (struct sockaddr*)&peer, &size) == 0 && peer.sin_family == AF_INET &&
         ntohs(peer.sin_port) == mail_port;
}

COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, rename, (const char* from, const char* to), (from, to))
COUNTED(ssize_t, pwrite, (int fd, const void* bytes, size_t size, off_t offset), (fd, bytes, size, offset))
COUNTED_IF(goes_to_mail_server(fd), ssize_t, sendmsg, (int fd, const struct msghdr* message, int flags),
           (fd, message, flags))
