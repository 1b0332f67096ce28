/* Ends the program at a call that can be counted: preloaded, it kills the process with SIGKILL just before or just
 * after the n-th call of one function that makes bytes durable. So every append, sync, commit, checkpoint, claim and
 * receipt can be a place to die, and the program itself knows nothing of it. What the kernel holds survives such an end,
 * unlike a power cut: that is tried with files in memory, in src/engine/journal_test.cpp.
 *
 * TERRENO_CRASH_CALL  fdatasync, fsync, rename or pwrite
 * TERRENO_CRASH_AT    which call, from 1
 * TERRENO_CRASH_WHEN  before or after
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char* wanted_call;
static long wanted_at;
static int is_after;
static atomic_long calls;

__attribute__((constructor)) static void read_environment(void) {
  const char* at = getenv("TERRENO_CRASH_AT");
  const char* when = getenv("TERRENO_CRASH_WHEN");
  wanted_call = getenv("TERRENO_CRASH_CALL");
  wanted_at = at != NULL ? strtol(at, NULL, 10) : 0;
  is_after = when != NULL && strcmp(when, "after") == 0;
}

/* True when this call is the one. */
static int is_the_one(const char* call) {
  if (wanted_call == NULL || strcmp(wanted_call, call) != 0) return 0;
  return atomic_fetch_add(&calls, 1) + 1 == wanted_at;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define COUNTED(result, name, parameters, arguments)                              \
  result name parameters {                                                        \
    static result(*_Atomic real) parameters;                                      \
    if (real == NULL) real = (result(*) parameters)dlsym(RTLD_NEXT, #name);       \
    const int is_last = is_the_one(#name);                                        \
    if (is_last && !is_after) die();                                              \
    const result answer = real arguments;                                         \
    if (is_last) die();                                                           \
    return answer;                                                                \
  }

COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, rename, (const char* from, const char* to), (from, to))
COUNTED(ssize_t, pwrite, (int fd, const void* bytes, size_t size, off_t offset), (fd, bytes, size, offset))
