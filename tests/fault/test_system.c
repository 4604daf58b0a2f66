/* Every system call of base fails: what comes back is right or an error, a file is the old one or
 * the new one, nothing is left beside it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/sha256.h"
#include "tests/fault/each.h"
#include "tests/fault/system.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static char path[600], deep[600];

/* Every error is one that can be shown. */
static bool ended(pv_code code, const pv_error *err) {
  if (code != PV_OK) EXPECT(err->code == code && err->message[0] != '\0');
  return code == PV_OK;
}

static bool read_work(void) {
  unsigned char mark;
  pv_bytes bytes = {&mark, 7};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_file_read(path, 100, &bytes, &err), &err);
  if (!good) {
    if (bytes.data != &mark) EXPECT(!"the output is untouched");
    return false;
  }
  EXPECT(bytes.length == 7 && memcmp(bytes.data, "content", 8) == 0);
  pv_bytes_free(&bytes);
  return true;
}

static bool map_work(void) {
  pv_map map = {0};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_map_open(path, &map, &err), &err);
  EXPECT(good ? map.length == 7 && memcmp(map.data, "content", 7) == 0 : map.data == NULL);
  pv_map_close(&map);
  return good;
}

static bool digest_work(void) {
  char out[PV_SHA256_HEX] = "untouched";
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_sha256_file(path, out, &err), &err);
  EXPECT_STR(
      out, good ? "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" : "untouched");
  return good;
}

/* What lies there now, read without the code under test. */
static void look(char out[64]) {
  FILE *file = fopen(path, "rb");
  const size_t n = file == NULL ? 0 : fread(out, 1, 63, file);
  out[n] = '\0';
  if (file != NULL) fclose(file);
}

static bool replace_work(void) {
  static unsigned round;
  char before[64], now[64], text[64];
  pv_error err = PV_ERROR_INIT;
  look(before);
  snprintf(text, sizeof text, "content %u", ++round);
  const bool good = ended(pv_file_replace(path, text, strlen(text), &err), &err);
  look(now);
  if (good) EXPECT_STR(now, text);
  if (!good) EXPECT(strcmp(now, before) == 0 || strcmp(now, text) == 0);
  system_pause();
  EXPECT_U64(folder_count(), 1);
  system_resume();
  return good;
}

static bool lock_work(void) {
  pv_lock lock = {-1};
  pv_error err = PV_ERROR_INIT;
  const bool good = ended(pv_lock_take(path, 0, &lock, &err), &err);
  EXPECT(good == (lock.fd >= 0));
  pv_lock_release(&lock);
  return good;
}

static bool folder_work(void) {
  pv_error err = PV_ERROR_INIT;
  char parent[600];
  const bool good = ended(pv_folder_make(deep, &err), &err);
  if (good) EXPECT(rmdir(deep) == 0);
  (void)rmdir(deep);
  snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(deep, '/') - deep), deep);
  (void)rmdir(parent);
  return good;
}

static bool child_work(void) {
  static const char *const argv[] = {"/bin/sh", "-c", "cat; echo err >&2; echo f >&3", NULL};
  pv_text channel = PV_TEXT_INIT;
  pv_child *child = NULL;
  pv_child_event event = PV_CHILD_BYTES;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_child_start(&(pv_child_spec){argv, "in", 2, 100}, &child, &err);
  EXPECT((code == PV_OK) == (child != NULL));
  /* It ends, however busy the machine is: of what fails it is told, and waits for nothing. */
  while (code == PV_OK && event != PV_CHILD_EXIT)
    code = pv_child_wait(child, 2, &channel, 100, &event, &err);
  if (child != NULL) pv_child_kill(child, 0.0);
  const bool good = ended(code, &err) && event == PV_CHILD_EXIT &&
                    pv_child_result(child)->code == 0 && channel.length == 2 &&
                    pv_child_stdout(child)->length == 2 && pv_child_stderr(child)->length == 4;
  pv_text_free(&channel);
  pv_child_free(child);
  return good;
}

static void test_read(void) {
  each_call(read_work, 4);
}
static void test_map(void) {
  each_call(map_work, 4);
}
static void test_digest(void) {
  each_call(digest_work, 6);
}
static void test_replace(void) {
  each_call(replace_work, 8);
}
static void test_lock(void) {
  each_call(lock_work, 2);
}
static void test_folder(void) {
  each_call(folder_work, 6);
}
static void test_child(void) {
  each_call(child_work, 30);
}

/* The wrappers themselves: otherwise all of the above would hold without a single failure. */
static void test_wrappers_work(void) {
  char byte = 0;
  int pair[2];
  system_begin(2, false, ENOSPC);
  const bool made = pipe2(pair, 0) == 0;
  const bool refused = write(pair[1], "ab", 2) == -1 && errno == ENOSPC;
  system_short(1);
  const bool one = write(pair[1], "ab", 2) == 1 && read(pair[0], &byte, 1) == 1 && byte == 'a';
  EXPECT_U64(system_end(), 4);
  EXPECT(made && refused && one);
  close(pair[0]);
  system_begin(1, true, EIO);
  const bool closed = close(pair[1]) == -1 && errno == EIO && close(pair[1]) == -1;
  system_end();
  EXPECT(closed && close(pair[1]) == -1 && errno == EBADF);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  folder_write("file", "content");
  snprintf(path, sizeof path, "%s", folder_path("file"));
  snprintf(deep, sizeof deep, "%s", folder_path("a/b"));
  const int code = pv_testing_main("fault system", (pv_case[]){PV_CASE(test_wrappers_work),
                                                               PV_CASE(test_read),
                                                               PV_CASE(test_map),
                                                               PV_CASE(test_digest),
                                                               PV_CASE(test_replace),
                                                               PV_CASE(test_lock),
                                                               PV_CASE(test_folder),
                                                               PV_CASE(test_child),
                                                               {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
