#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static const char *content(const char *name) {
  static char text[256];
  FILE *file = fopen(folder_path(name), "rb");
  const size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
  text[n] = '\0';
  if (file != NULL) fclose(file);
  return file == NULL ? NULL : text;
}

static void test_read(void) {
  pv_bytes bytes = {0};
  REQUIRE(folder_make() != NULL);
  folder_write("a", "hello");
  folder_write("empty", "");
  EXPECT_I64(pv_file_read(folder_path("a"), 5, &bytes, NULL), PV_OK);
  EXPECT_U64(bytes.length, 5);
  EXPECT_BYTES(bytes.data, "hello", 6); /* and the extra NUL */
  pv_bytes_free(&bytes);
  EXPECT(bytes.data == NULL);
  EXPECT_I64(pv_file_read(folder_path("empty"), 0, &bytes, NULL), PV_OK);
  EXPECT_U64(bytes.length, 0);
  EXPECT_BYTES(bytes.data, "", 1);
  pv_bytes_free(&bytes);
  folder_remove();
}

static void test_read_refuses(void) {
  unsigned char mark = 1;
  pv_bytes bytes = {&mark, 99};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  folder_write("a", "hello");
  EXPECT_I64(pv_file_read(folder_path("a"), 4, &bytes, &err), PV_ERR_LIMIT);
  EXPECT_HAS(err.hint, "4 bytes");
  EXPECT_I64(pv_file_read(folder_path("none"), 9, &bytes, &err), PV_ERR_IO);
  EXPECT_STR(err.file, folder_path("none"));
  EXPECT_HAS(err.message, "No such file or directory");
  EXPECT_I64(pv_file_read(folder_path("."), 9, &bytes, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_file_read("/dev/zero", 9, &bytes, &err), PV_ERR_INPUT);
  REQUIRE(mkfifo(folder_path("fifo"), 0600) == 0);
  EXPECT_I64(pv_file_read(folder_path("fifo"), 9, &bytes, &err), PV_ERR_INPUT);
  EXPECT(bytes.data == &mark && bytes.length == 99); /* untouched on every error */
  folder_remove();
}

static void test_read_notices_growth(void) {
  pv_bytes bytes = {0};
  pv_error err = PV_ERROR_INIT;
  /* A file of the kernel says 0 bytes and then gives some: the same as one that grows. */
  EXPECT_I64(pv_file_read("/proc/self/status", 1 << 20, &bytes, &err), PV_ERR_CONFLICT);
  EXPECT(bytes.data == NULL);
}

static void test_map(void) {
  pv_map map = {0};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  folder_write("a", "mapped");
  folder_write("empty", "");
  EXPECT_I64(pv_map_open(folder_path("a"), &map, &err), PV_OK);
  EXPECT_U64(map.length, 6);
  EXPECT_BYTES(map.data, "mapped", 6);
  pv_map_close(&map);
  EXPECT(map.data == NULL && map.length == 0);
  pv_map_close(&map);
  EXPECT_I64(pv_map_open(folder_path("empty"), &map, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_map_open(folder_path("none"), &map, &err), PV_ERR_IO);
  EXPECT_I64(pv_map_open(folder_path("."), &map, &err), PV_ERR_INPUT);
  EXPECT(map.data == NULL);
  folder_remove();
}

static void test_replace(void) {
  struct stat info;
  REQUIRE(folder_make() != NULL);
  const mode_t mask = umask(027);
  EXPECT_I64(pv_file_replace(folder_path("new"), "one", 3, NULL), PV_OK);
  umask(mask);
  EXPECT_STR(content("new"), "one");
  REQUIRE(stat(folder_path("new"), &info) == 0);
  EXPECT_U64(info.st_mode & 07777, 0640); /* as open() would have made it */
  REQUIRE(chmod(folder_path("new"), 0604) == 0);
  EXPECT_I64(pv_file_replace(folder_path("new"), "second", 6, NULL), PV_OK);
  EXPECT_STR(content("new"), "second");
  REQUIRE(stat(folder_path("new"), &info) == 0);
  EXPECT_U64(info.st_mode & 07777, 0604);
  EXPECT_I64(pv_file_replace(folder_path("new"), NULL, 0, NULL), PV_OK);
  EXPECT_STR(content("new"), "");
  EXPECT_U64(folder_count(), 1);
  folder_remove();
}

static void test_replace_in_working_folder(void) {
  char *before = getcwd(NULL, 0);
  REQUIRE(folder_make() != NULL && before != NULL && chdir(folder_path("")) == 0);
  EXPECT_I64(pv_file_replace("plain", "x", 1, NULL), PV_OK);
  EXPECT(chdir(before) == 0);
  EXPECT_STR(content("plain"), "x");
  free(before);
  folder_remove();
}

static void test_replace_refuses(void) {
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  folder_write("target", "old");
  REQUIRE(symlink("target", folder_path("link")) == 0);
  REQUIRE(symlink("nowhere", folder_path("dangling")) == 0);
  EXPECT_I64(pv_file_replace(folder_path("link"), "new", 3, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "symbolic link");
  EXPECT_I64(pv_file_replace(folder_path("dangling"), "new", 3, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_file_replace(folder_path("."), "new", 3, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_file_replace("/dev/full", "new", 3, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_file_replace(folder_path("none/file"), "new", 3, &err), PV_ERR_IO);
  EXPECT_I64(pv_file_replace(folder_path("target/file"), "new", 3, &err), PV_ERR_IO);
  EXPECT_STR(content("target"), "old");
  EXPECT_U64(folder_count(), 3);
  folder_remove();
}

static void test_long_names(void) {
  char name[8192];
  pv_error err = PV_ERROR_INIT;
  pv_lock lock = {-1};
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  EXPECT(pv_file_replace(name, "x", 1, &err) != PV_OK);
  EXPECT_I64(pv_lock_take(name, 0, &lock, &err), PV_ERR_LIMIT);
  EXPECT_I64(pv_folder_make(name, &err), PV_ERR_INPUT);
}

/* In a child process, so that the limit does not outlive the test. */
static void replace_with_a_full_disk(void) {
  static char data[65536];
  const struct rlimit limit = {4096, 4096};
  pv_error err = PV_ERROR_INIT;
  pv_cancel_install(); /* SIGXFSZ becomes EFBIG, as in the programs */
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(10);
  const pv_code code = pv_file_replace(folder_path("a"), data, sizeof data, &err);
  if (code != PV_ERR_IO) _exit(11);
  if (strstr(err.message, "File too large") == NULL) _exit(12);
  _exit(strcmp(err.file, folder_path("a")) == 0 ? 42 : 13);
}

static void test_full_disk_leaves_the_old_file(void) {
  int status = 0;
  REQUIRE(folder_make() != NULL);
  folder_write("a", "old");
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) replace_with_a_full_disk();
  REQUIRE(waitpid(pid, &status, 0) == pid);
  EXPECT(WIFEXITED(status));
  EXPECT_I64(WEXITSTATUS(status), 42);
  EXPECT_STR(content("a"), "old");
  EXPECT_U64(folder_count(), 1); /* the temporary file is gone */
  folder_remove();
}

static void test_read_only_folder(void) {
  pv_error err = PV_ERROR_INIT;
  if (geteuid() == 0) {
    /* Modes do not bind the superuser; /proc refuses everybody. */
    EXPECT_I64(pv_file_replace("/proc/pv-no-such-file", "x", 1, &err), PV_ERR_IO);
    return;
  }
  REQUIRE(folder_make() != NULL);
  REQUIRE(mkdir(folder_path("closed"), 0500) == 0);
  EXPECT_I64(pv_file_replace(folder_path("closed/a"), "x", 1, &err), PV_ERR_IO);
  EXPECT_HAS(err.message, "Permission denied");
  folder_remove();
}

static void test_folder_make(void) {
  pv_error err = PV_ERROR_INIT;
  struct stat info;
  REQUIRE(folder_make() != NULL);
  EXPECT_I64(pv_folder_make(folder_path("a/b/c"), &err), PV_OK);
  EXPECT(stat(folder_path("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
  EXPECT_I64(pv_folder_make(folder_path("a/b/c"), &err), PV_OK);
  EXPECT_I64(pv_folder_make(folder_path("a//d/"), &err), PV_OK);
  EXPECT(stat(folder_path("a/d"), &info) == 0 && S_ISDIR(info.st_mode));
  folder_write("file", "");
  EXPECT_I64(pv_folder_make(folder_path("file"), &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "is not a folder");
  EXPECT(pv_folder_make(folder_path("file/x"), &err) != PV_OK);
  EXPECT_I64(pv_folder_make("", &err), PV_ERR_INPUT);
  EXPECT_I64(pv_folder_make("/", &err), PV_OK);
  folder_remove();
}

/* A name that is good itself, but not with what is put behind it. */
static void test_name_just_too_long(void) {
  char path[PATH_MAX];
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  const char *folder = folder_path("");
  size_t n = strlen(folder);
  memcpy(path, folder, n);
  for (; n < PATH_MAX - 6; n += 2) memcpy(path + n, "./", 2);
  snprintf(path + n, sizeof path - n, "x");
  EXPECT_I64(pv_file_replace(path, "a", 1, &err), PV_ERR_LIMIT);
  EXPECT_U64(folder_count(), 0);
  folder_remove();
}

static void test_folders_that_can_not_be_synced(void) {
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_folder_sync("/proc", &err), PV_OK);
  EXPECT_I64(pv_folder_sync("/no/such/folder", &err), PV_ERR_IO);
}

int main(void) {
  return pv_testing_main("file", (pv_case[]){PV_CASE(test_read),
                                             PV_CASE(test_read_refuses),
                                             PV_CASE(test_read_notices_growth),
                                             PV_CASE(test_map),
                                             PV_CASE(test_replace),
                                             PV_CASE(test_replace_in_working_folder),
                                             PV_CASE(test_replace_refuses),
                                             PV_CASE(test_long_names),
                                             PV_CASE(test_full_disk_leaves_the_old_file),
                                             PV_CASE(test_read_only_folder),
                                             PV_CASE(test_folder_make),
                                             PV_CASE(test_name_just_too_long),
                                             PV_CASE(test_folders_that_can_not_be_synced),
                                             {0}});
}
