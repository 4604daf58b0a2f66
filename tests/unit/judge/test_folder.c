/* The folder of a run gets its name, takes another's place, and is taken back. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/judge/folder.h"

static pv_arena arena = PV_ARENA_INIT;
static char published[300];

static void begin(void) {
  static unsigned number;
  snprintf(published, sizeof published, "%s-%u", folder_path("published"), number++);
}

/* A run that is written and has its name. */
static bool finish(const char *id, const char *device, pv_run_folder *out) {
  char path[700];
  if (!EXPECT(pv_run_folder_open(&arena, published, "some", id, out, NULL) == PV_OK)) return false;
  EXPECT(pv_run_folder_device(&arena, device, out, NULL) == PV_OK);
  snprintf(path, sizeof path, "%s/run", out->temporary);
  EXPECT(pv_file_replace(path, id, strlen(id), NULL) == PV_OK);
  return EXPECT(pv_run_folder_finish(out, NULL) == PV_OK);
}

/* Which run lies in the device's folder, "" for none; `count` entries lie there. */
static const char *there(const char *device, size_t count) {
  static char text[100];
  char path[600];
  pv_bytes bytes = {0};
  size_t entries = 0;
  snprintf(path, sizeof path, "%s/some", published);
  DIR *dir = opendir(path);
  while (dir != NULL && readdir(dir) != NULL) entries++;
  if (dir != NULL) closedir(dir);
  EXPECT_U64(entries, count == 0 ? 0 : count + 2);
  snprintf(path, sizeof path, "%s/some/%s/run", published, device);
  text[0] = '\0';
  if (pv_file_read(path, sizeof text, &bytes, NULL) == PV_OK)
    snprintf(text, sizeof text, "%.*s", (int)bytes.length, (const char *)bytes.data);
  pv_bytes_free(&bytes);
  return text;
}

static void test_replaced(void) {
  pv_run_folder one, two, other;
  begin();
  REQUIRE(finish("1", "NVIDIA H100", &one));
  EXPECT(!one.replaced);
  one.kept = true;
  pv_run_folder_close(&one);
  EXPECT_STR(there("nvidia-h100", 1), "1");
  REQUIRE(finish("2", "NVIDIA H100", &two));
  EXPECT(two.replaced);
  EXPECT_STR(there("nvidia-h100", 2), "2"); /* the old one has the name that begins with a dot */
  two.kept = true;
  pv_run_folder_close(&two);
  EXPECT_STR(there("nvidia-h100", 1), "2");
  REQUIRE(finish("3", "none", &other));
  other.kept = true;
  pv_run_folder_close(&other);
  EXPECT_STR(there("nvidia-h100", 2), "2");
  EXPECT_STR(there("cpu", 2), "3");
}

static void test_taken_back(void) {
  pv_run_folder one, two;
  begin();
  REQUIRE(finish("1", NULL, &one));
  pv_run_folder_close(&one);
  EXPECT_STR(there("cpu", 0), "");
  REQUIRE(finish("1", NULL, &one));
  one.kept = true;
  pv_run_folder_close(&one);
  REQUIRE(finish("2", NULL, &two));
  EXPECT_STR(there("cpu", 2), "2");
  pv_run_folder_close(&two);
  EXPECT_STR(there("cpu", 1), "1");
}

/* What somebody else published meanwhile is not taken for one's own. */
static void test_somebody_was_faster(void) {
  pv_run_folder one, two;
  begin();
  REQUIRE(finish("1", NULL, &one));
  REQUIRE(finish("2", NULL, &two));
  pv_run_folder_close(&one);
  EXPECT_STR(there("cpu", 2), "2");
  two.kept = true;
  pv_run_folder_close(&two);
  EXPECT_STR(there("cpu", 1), "2");
}

/* A file in the folder's place: nothing is named, and nothing of the run stays. */
static void test_refused(void) {
  pv_run_folder one;
  pv_error err = PV_ERROR_INIT;
  char path[600];
  begin();
  REQUIRE(pv_run_folder_open(&arena, published, "some", "1", &one, NULL) == PV_OK);
  REQUIRE(pv_run_folder_device(&arena, NULL, &one, NULL) == PV_OK);
  snprintf(path, sizeof path, "%s/some/cpu", published);
  REQUIRE(pv_file_replace(path, "x", 1, NULL) == PV_OK);
  EXPECT(pv_run_folder_finish(&one, &err) == PV_ERR_IO);
  EXPECT_HAS(err.message, "cannot name the folder '");
  pv_run_folder_close(&one);
  EXPECT_STR(there("cpu", 1), ""); /* that file */
  EXPECT(access(path, F_OK) == 0);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("folder", (pv_case[]){PV_CASE(test_replaced),
                                                         PV_CASE(test_taken_back),
                                                         PV_CASE(test_somebody_was_faster),
                                                         PV_CASE(test_refused),
                                                         {0}});
  folder_remove();
  pv_arena_free(&arena);
  return code;
}
