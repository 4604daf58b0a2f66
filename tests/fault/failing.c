#include "tests/fault/failing.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool active, lasts;
static unsigned asked, fails_at;

void failing_begin(unsigned n, bool lasting) {
  active = true;
  lasts = lasting;
  asked = 0;
  fails_at = n;
}

unsigned failing_end(void) {
  active = false;
  return asked;
}

static bool refused(void) {
  if (!active) return false;
  asked++;
  if (asked < fails_at || (asked > fails_at && !lasts)) return false;
  errno = ENOMEM;
  return true;
}

void *__wrap_malloc(size_t size) {
  return refused() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return refused() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return refused() ? NULL : __real_realloc(old, size);
}
