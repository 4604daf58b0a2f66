/* Every allocation of base fails once: the call says so, leaks nothing and leaves outputs alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/file.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "base/text.h"
#include "tests/fault/each.h"
#include "tests/fault/failing.h"
#include "tests/unit/testing.h"

static char path[] = "/tmp/pv-fault-XXXXXX";

static bool arena_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  bool good = pv_arena_strdup(&arena, "text") != NULL;
  good &= pv_arena_alloc(&arena, 100000, 1) != NULL;
  good &= pv_arena_printf(&arena, "%070000d", 1) != NULL;
  good &= PV_ARENA_NEW(&arena, 1 << 20, int) != NULL;
  pv_arena_free(&arena);
  return good;
}

static bool text_work(void) {
  pv_text text = PV_TEXT_INIT;
  for (int i = 0; i < 1000; i++) {
    const size_t length = text.length;
    const bool failed = text.failed;
    if (i % 2 == 0)
      pv_text_printf(&text, "%d,", i);
    else
      pv_text_escape(&text, "\x1b[0m", 4);
    if (failed && text.length != length) return EXPECT(!"the text grew after a failure");
    if (text.data != NULL && text.data[text.length] != '\0') return EXPECT(!"no NUL at the end");
  }
  const bool good = !text.failed;
  pv_text_free(&text);
  return good;
}

static bool read_work(void) {
  unsigned char mark;
  pv_bytes bytes = {&mark, 7};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_file_read(path, 100, &bytes, &err);
  if (code == PV_OK) {
    pv_bytes_free(&bytes);
    return true;
  }
  if (code != PV_ERR_NOMEM || err.code != PV_ERR_NOMEM || bytes.data != &mark)
    EXPECT(!"the error is out of memory and the output untouched");
  return false;
}

static bool replace_work(void) {
  pv_error err = PV_ERROR_INIT;
  return pv_file_replace(path, "content", 7, &err) == PV_OK;
}

static bool digest_work(void) {
  char out[PV_SHA256_HEX] = "untouched";
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_sha256_file(path, out, &err);
  if (code == PV_OK) return true;
  if (code != PV_ERR_NOMEM || strcmp(out, "untouched") != 0)
    EXPECT(!"the error is out of memory and the output untouched");
  return false;
}

static bool bytes_digest_work(void) {
  char out[PV_SHA256_HEX] = "untouched";
  const pv_code code = pv_sha256_bytes("abc", 3, out, NULL);
  return code == PV_OK;
}

static bool child_work(void) {
  static const char *const argv[] = {"/bin/sh", "-c", "cat; echo err >&2; echo f >&3", NULL};
  pv_text channel = PV_TEXT_INIT;
  pv_child *child = NULL;
  pv_child_event event = PV_CHILD_BYTES;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_child_start(&(pv_child_spec){argv, "in", 2, 100}, &child, &err);
  while (code == PV_OK && event == PV_CHILD_BYTES)
    code = pv_child_wait(child, 20, &channel, 100, &event, &err);
  if (code != PV_OK && code != PV_ERR_NOMEM) EXPECT(!"the error is out of memory");
  /* Captured output that could not be kept is reported as dropped, not as empty. */
  const bool good = code == PV_OK && event == PV_CHILD_EXIT &&
                    !pv_child_result(child)->output_dropped && channel.length == 2;
  pv_text_free(&channel);
  pv_child_free(child);
  return good;
}

static void nothing(void *context, size_t task, unsigned thread) {
  (void)context;
  (void)task;
  (void)thread;
}

static bool pool_work(void) {
  pv_pool *pool = NULL;
  pv_error err = PV_ERROR_INIT;
  if (pv_pool_open(3, &pool, &err) != PV_OK) {
    if (err.code != PV_ERR_NOMEM || pool != NULL)
      EXPECT(!"the error is out of memory and the output untouched");
    return false;
  }
  pv_pool_run(pool, nothing, NULL, 10);
  pv_pool_close(pool);
  return true;
}

static bool ids_work(void) {
  uint32_t *ids = NULL;
  size_t count = 7;
  pv_error err = PV_ERROR_INIT;
  if (pv_option_ids("--ids", "1,2,3", &ids, &count, &err) != PV_OK) {
    if (err.code != PV_ERR_NOMEM || ids != NULL || count != 7)
      EXPECT(!"the error is out of memory and the output untouched");
    return false;
  }
  const bool good = count == 3 && ids[2] == 3;
  free(ids);
  return good;
}

static bool error_work(void) {
  char *printed = NULL;
  size_t length = 0;
  pv_error err = PV_ERROR_INIT;
  pv_error_set(&err, PV_ERR_INPUT, "message");
  pv_error_at(&err, "file", 1, 1, 0);
  FILE *file = open_memstream(&printed, &length);
  if (file == NULL) return false;
  pv_error_print(&err, file);
  fclose(file);
  const bool good = printed != NULL && strcmp(printed, "file:1:1: error: message\n") == 0;
  free(printed);
  return good;
}

static void test_arena(void) {
  each_allocation(arena_work, 4);
}
static void test_text(void) {
  each_allocation(text_work, 5);
}
static void test_file_read(void) {
  each_allocation(read_work, 1);
}
static void test_file_replace(void) {
  each_allocation(replace_work, 0);
  pv_bytes bytes = {0};
  EXPECT_I64(pv_file_read(path, 100, &bytes, NULL), PV_OK);
  EXPECT_STR((const char *)bytes.data, "content");
  pv_bytes_free(&bytes);
}
static void test_digest(void) {
  each_allocation(digest_work, 2);
  each_allocation(bytes_digest_work, 1);
}
static void test_child(void) {
  each_allocation(child_work, 5);
}
static void test_pool(void) {
  each_allocation(pool_work, 3);
}
static void test_ids(void) {
  each_allocation(ids_work, 1);
}
static void test_error_print(void) {
  each_allocation(error_work, 0);
}

/* The wrappers themselves: otherwise all of the above would hold without a single failure. */
static void test_wrappers_work(void) {
  failing_begin(2, false);
  void *a = malloc(1), *b = calloc(1, 1), *c = realloc(NULL, 1);
  const bool shape = a != NULL && b == NULL && c != NULL;
  EXPECT_U64(failing_end(), 3);
  EXPECT(shape);
  free(a);
  free(b);
  free(c);
  failing_begin(1, true);
  void *d = malloc(1), *e = malloc(1);
  failing_end();
  EXPECT(d == NULL && e == NULL);
  free(d);
  free(e);
}

int main(void) {
  const int fd = mkstemp(path);
  if (fd < 0 || write(fd, "content", 7) != 7 || close(fd) != 0) return 1;
  const int code = pv_testing_main("fault", (pv_case[]){PV_CASE(test_wrappers_work),
                                                        PV_CASE(test_arena),
                                                        PV_CASE(test_text),
                                                        PV_CASE(test_file_read),
                                                        PV_CASE(test_file_replace),
                                                        PV_CASE(test_digest),
                                                        PV_CASE(test_child),
                                                        PV_CASE(test_pool),
                                                        PV_CASE(test_ids),
                                                        PV_CASE(test_error_print),
                                                        {0}});
  unlink(path);
  return code;
}
