/* The lock between processes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

/* Nothing here takes that long, on any machine: the limit ends what hangs. */
enum { HANGS_MS = 200000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A process that holds the lock on "a" and has said so; it ends when killed. */
static pid_t holder(void) {
  int ready[2];
  char byte = 0;
  if (pipe(ready) != 0) return -1;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    pv_lock lock;
    if (pv_lock_take(folder_path("a"), 0, &lock, NULL) != PV_OK) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ready[1]);
  const bool held = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  return held ? pid : -1;
}

static void test_take_and_release(void) {
  pv_lock lock = {-1};
  pv_error err = PV_ERROR_INIT;
  struct stat info;
  REQUIRE(folder_make() != NULL);
  EXPECT_I64(pv_lock_take(folder_path("a"), 0, &lock, &err), PV_OK);
  EXPECT(lock.fd >= 0);
  pv_lock second = {-1};
  EXPECT_I64(pv_lock_take(folder_path("a"), 0, &second, &err), PV_ERR_CONFLICT);
  EXPECT_HAS(err.message, "locked by another");
  EXPECT_I64(second.fd, -1);
  pv_lock_release(&lock);
  EXPECT_I64(lock.fd, -1);
  pv_lock_release(&lock);
  EXPECT_I64(pv_lock_take(folder_path("a"), 0, &second, &err), PV_OK);
  pv_lock_release(&second);
  EXPECT(stat(folder_path("a.lock"), &info) == 0); /* never removed: that would race */
  EXPECT(stat(folder_path("a"), &info) != 0);
  folder_remove();
}

static void test_other_process_holds(void) {
  pv_lock lock = {-1};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  const pid_t pid = holder();
  REQUIRE(pid > 0);
  const double before = now();
  EXPECT_I64(pv_lock_take(folder_path("a"), 100, &lock, &err), PV_ERR_CONFLICT);
  const double waited = now() - before;
  EXPECT(waited >= 0.095);
  EXPECT_I64(pv_lock_take(folder_path("b"), 0, &lock, &err), PV_OK); /* another file is free */
  pv_lock_release(&lock);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  EXPECT_I64(pv_lock_take(folder_path("a"), HANGS_MS, &lock, &err),
             PV_OK); /* died with its holder */
  pv_lock_release(&lock);
  folder_remove();
}

static void test_waits_until_free(void) {
  pv_lock lock = {-1};
  REQUIRE(folder_make() != NULL);
  const pid_t pid = holder();
  REQUIRE(pid > 0);
  const pid_t killer = fork();
  if (killer == 0) {
    usleep(100000);
    kill(pid, SIGKILL);
    _exit(0);
  }
  EXPECT_I64(pv_lock_take(folder_path("a"), HANGS_MS, &lock, NULL), PV_OK);
  waitpid(killer, NULL, 0);
  waitpid(pid, NULL, 0);
  pv_lock_release(&lock);
  folder_remove();
}

/* Adds 1 to the number in the file `rounds` times, each time under the lock. */
static void add_under_lock(int rounds) {
  for (int i = 0; i < rounds; i++) {
    pv_lock lock;
    pv_bytes bytes;
    char text[32];
    if (pv_lock_take(folder_path("n"), HANGS_MS, &lock, NULL) != PV_OK) _exit(1);
    if (pv_file_read(folder_path("n"), 31, &bytes, NULL) != PV_OK) _exit(2);
    const int n =
        snprintf(text, sizeof text, "%d", (int)strtol((const char *)bytes.data, NULL, 10) + 1);
    pv_bytes_free(&bytes);
    if (pv_file_replace(folder_path("n"), text, (size_t)n, NULL) != PV_OK) _exit(3);
    pv_lock_release(&lock);
  }
  _exit(0);
}

static void test_no_update_is_lost(void) {
  enum { WORKERS = 4, ROUNDS = 20 };
  pid_t pids[WORKERS];
  pv_bytes bytes = {0};
  REQUIRE(folder_make() != NULL);
  folder_write("n", "0");
  fflush(stdout);
  for (int i = 0; i < WORKERS; i++) {
    pids[i] = fork();
    if (pids[i] == 0) add_under_lock(ROUNDS);
  }
  for (int i = 0; i < WORKERS; i++) {
    int status = -1;
    waitpid(pids[i], &status, 0);
    EXPECT_I64(status, 0);
  }
  EXPECT_I64(pv_file_read(folder_path("n"), 31, &bytes, NULL), PV_OK);
  EXPECT_STR((const char *)bytes.data, "80");
  EXPECT_U64(folder_count(), 2); /* n and n.lock */
  pv_bytes_free(&bytes);
  folder_remove();
}

static void test_refuses(void) {
  pv_lock lock = {-1};
  pv_error err = PV_ERROR_INIT;
  REQUIRE(folder_make() != NULL);
  folder_write("victim", "");
  REQUIRE(symlink("victim", folder_path("a.lock")) == 0);
  EXPECT_I64(pv_lock_take(folder_path("a"), 0, &lock, &err), PV_ERR_IO);
  EXPECT_I64(pv_lock_take(folder_path("none/a"), 0, &lock, &err), PV_ERR_IO);
  EXPECT_HAS(err.message, "No such file or directory");
  EXPECT_I64(lock.fd, -1);
  folder_remove();
}

/* In a process of its own: the flag can not be taken back. */
static void cancelled_waiting(void) {
  pv_lock lock = {-1}, second = {-1};
  if (pv_lock_take(folder_path("a"), 0, &lock, NULL) != PV_OK) _exit(10);
  pv_cancel_install();
  raise(SIGINT);
  /* If it waited to the end, this program would end by its own time limit. */
  _exit(pv_lock_take(folder_path("a"), 100 * HANGS_MS, &second, NULL) == PV_ERR_CONFLICT ? 0 : 11);
}

static void test_cancelled(void) {
  int status = -1;
  REQUIRE(folder_make() != NULL);
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) cancelled_waiting();
  EXPECT(waitpid(pid, &status, 0) == pid);
  EXPECT_I64(status, 0);
  folder_remove();
}

int main(void) {
  return pv_testing_main("lock", (pv_case[]){PV_CASE(test_take_and_release),
                                             PV_CASE(test_other_process_holds),
                                             PV_CASE(test_waits_until_free),
                                             PV_CASE(test_no_update_is_lost),
                                             PV_CASE(test_refuses),
                                             PV_CASE(test_cancelled),
                                             {0}});
}
