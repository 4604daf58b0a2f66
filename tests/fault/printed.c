#include "tests/fault/printed.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/testing.h"

enum { ROOM = 1 << 16, WORDS = 12 };

void *__real_malloc(size_t size);
static printed_command command;
static const char *const *arguments;
static char want[ROOM], got[ROOM], said[ROOM];
static int want_code;

static void read_back(int fd, char out[ROOM]) {
  const ssize_t n = pread(fd, out, ROOM - 1, 0);
  out[n < 0 ? 0 : n] = '\0';
  close(fd);
}

/* The exit code; what was printed is in `got` and `said`. */
static int run(void) {
  char copies[WORDS][512], *argv[WORDS + 1] = {NULL};
  int argc = 0, kept[2], files[2];
  for (; argc < WORDS && arguments[argc] != NULL; argc++) {
    snprintf(copies[argc], sizeof copies[argc], "%s", arguments[argc]);
    argv[argc] = copies[argc];
  }
  fflush(stdout);
  fflush(stderr);
  for (int i = 0; i < 2; i++) {
    kept[i] = dup(1 + i);
    files[i] = memfd_create("printed", MFD_CLOEXEC);
    dup2(files[i], 1 + i);
  }
  const int code = command(argc, argv);
  failing_pause();
  fflush(stdout);
  fflush(stderr);
  for (int i = 0; i < 2; i++) {
    dup2(kept[i], 1 + i);
    close(kept[i]);
    read_back(files[i], i == 0 ? got : said);
  }
  failing_resume();
  return code;
}

static bool work(void) {
  const int code = run();
  failing_pause();
  if (code == 4) {
    EXPECT_STR(got, "");
    EXPECT(said[0] != '\0');
  } else {
    EXPECT_I64(code, want_code);
    EXPECT_STR(got, want);
  }
  failing_resume();
  return code != 4;
}

void printed_whole(printed_command what, const char *const *words, unsigned at_least) {
  command = what;
  arguments = words;
  want_code = run();
  if (!EXPECT(want_code != 4)) printf("%s", said);
  memcpy(want, got, sizeof want);
  EXPECT(strlen(want) > 40 && strlen(want) < ROOM - 1);
  json_set_alloc_funcs(malloc, free);
  each_allocation(work, at_least);
  json_set_alloc_funcs(__real_malloc, free);
}
