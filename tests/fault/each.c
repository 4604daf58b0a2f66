#include "tests/fault/each.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <sys/wait.h>

#include "tests/fault/failing.h"
#include "tests/fault/system.h"
#include "tests/unit/testing.h"

enum { RUNS_MAX = 20000 };

static unsigned injected;

unsigned each_injected(void) {
  return injected;
}

void each_rest(void) {
  failing_pause();
  system_pause();
}
void each_go_on(void) {
  failing_resume();
  system_resume();
}

/* Open descriptors of this process. */
static unsigned descriptors(void) {
  unsigned count = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (dir != NULL && readdir(dir) != NULL) count++;
  if (dir != NULL) closedir(dir);
  return count;
}

static void expect_nothing_left(unsigned before) {
  EXPECT_U64(descriptors(), before);
  EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

void each_allocation(each_work work, unsigned at_least) {
  for (int lasting = 0; lasting < 2; lasting++) {
    const unsigned before = descriptors();
    unsigned n = 1, asked = 0;
    for (bool good = false; !good && n < RUNS_MAX; n++) {
      failing_begin(n, lasting != 0);
      good = work();
      asked = failing_end();
      injected += asked >= n;
      if (!EXPECT(good == (asked < n))) break;
    }
    EXPECT(asked >= at_least);
    EXPECT(n < RUNS_MAX);
    expect_nothing_left(before);
  }
}

static void each_call_as(each_work work, int error, bool lasting, unsigned at_least) {
  const unsigned before = descriptors();
  unsigned n = 1, asked = 0;
  do {
    system_begin(n, lasting, error);
    const bool good = work();
    asked = system_end();
    injected += asked >= n;
    if (!EXPECT(good || asked >= n)) break;
  } while (asked >= n++ && n < RUNS_MAX);
  EXPECT(asked >= at_least);
  EXPECT(n < RUNS_MAX);
  expect_nothing_left(before);
}

void each_call(each_work work, unsigned at_least) {
  static const int errors[] = {EIO, ENOSPC, EINTR, ENOMEM};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    each_call_as(work, errors[i], false, at_least);
    /* A call that is interrupted for ever is one that never returns. */
    if (errors[i] != EINTR) each_call_as(work, errors[i], true, 1);
  }
  system_short(1);
  EXPECT(work());
  system_end();
}
