/* Each allocation from an arena can fail, not only the few for which a new block is asked. Link
 * with -Wl,--wrap of these four. */
#include "base/arena.h"

#include <stdio.h>

#include "tests/fault/failing.h"

void *__real_pv_arena_alloc(pv_arena *arena, size_t count, size_t size);
void *__wrap_pv_arena_alloc(pv_arena *arena, size_t count, size_t size);
void *__wrap_pv_arena_alloc(pv_arena *arena, size_t count, size_t size) {
  return failing_refuses() ? NULL : __real_pv_arena_alloc(arena, count, size);
}

char *__real_pv_arena_strndup(pv_arena *arena, const char *text, size_t length);
char *__wrap_pv_arena_strndup(pv_arena *arena, const char *text, size_t length);
char *__wrap_pv_arena_strndup(pv_arena *arena, const char *text, size_t length) {
  return failing_refuses() ? NULL : __real_pv_arena_strndup(arena, text, length);
}

char *__real_pv_arena_strdup(pv_arena *arena, const char *text);
char *__wrap_pv_arena_strdup(pv_arena *arena, const char *text);
char *__wrap_pv_arena_strdup(pv_arena *arena, const char *text) {
  return failing_refuses() ? NULL : __real_pv_arena_strdup(arena, text);
}

char *__wrap_pv_arena_printf(pv_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
char *__wrap_pv_arena_printf(pv_arena *arena, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  char *text =
      failing_refuses() || length < 0 ? NULL : __real_pv_arena_alloc(arena, (size_t)length + 1, 1);
  if (text != NULL) vsnprintf(text, (size_t)length + 1, fmt, again);
  va_end(again);
  return text;
}
