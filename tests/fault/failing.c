#include "tests/fault/failing.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <yaml.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
int __real_yaml_parser_initialize(yaml_parser_t *parser);
int __wrap_yaml_parser_initialize(yaml_parser_t *parser);
int __real_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event);
int __wrap_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event);

static bool active, lasts, paused;
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

void failing_pause(void) {
  paused = true;
}
void failing_resume(void) {
  paused = false;
}

bool failing_refuses(void) {
  if (!active || paused) return false;
  asked++;
  if (asked < fails_at || (asked > fails_at && !lasts)) return false;
  errno = ENOMEM;
  return true;
}

void *__wrap_malloc(size_t size) {
  return failing_refuses() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return failing_refuses() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return failing_refuses() ? NULL : __real_realloc(old, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return failing_refuses() ? NULL : __real_aligned_alloc(alignment, size);
}
char *__wrap_strdup(const char *text) {
  return failing_refuses() ? NULL : __real_strdup(text);
}

/* libyaml's own allocations can not be reached; this is how it says that one failed. */
int __wrap_yaml_parser_initialize(yaml_parser_t *parser) {
  return failing_refuses() ? 0 : __real_yaml_parser_initialize(parser);
}
int __wrap_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event) {
  if (!failing_refuses()) return __real_yaml_parser_parse(parser, event);
  memset(event, 0, sizeof *event);
  parser->error = YAML_MEMORY_ERROR;
  return 0;
}
