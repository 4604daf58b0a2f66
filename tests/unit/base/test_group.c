/* The child's process group, its descriptors, and our own end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

static const size_t MANY = 1 << 20;
/* Nothing here takes that long, on any machine: the limit ends what hangs. */
static const double HANGS_S = 200;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pv_child *start(const char *script) {
  const char *argv[] = {"/bin/sh", "-c", script, NULL};
  pv_child *child = NULL;
  EXPECT_I64(pv_child_start(&(pv_child_spec){argv, NULL, 0, MANY}, &child, NULL), PV_OK);
  return child;
}

/* The number the child writes on its channel (its own or a grandchild's process id). */
static pid_t said(pv_child *child) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event;
  pid_t pid = -1;
  while (pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL) == PV_OK &&
         event == PV_CHILD_BYTES && strchr(channel.data, '\n') == NULL)
    continue;
  if (channel.data != NULL) pid = (pid_t)strtol(channel.data, NULL, 10);
  pv_text_free(&channel);
  return pid;
}

/* True once the process is gone or a zombie that somebody else must reap. */
static bool gone(pid_t pid) {
  for (const double end = now() + HANGS_S; now() < end;) {
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return true;
    const bool read_it = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *state = read_it ? strrchr(line, ')') : NULL;
    if (state != NULL && state[1] == ' ' && state[2] == 'Z') return true;
    usleep(10000);
  }
  return false;
}

static void test_ignores_sigterm(void) {
  pv_child *child = start("trap '' TERM; echo $$ >&3; while :; do sleep 1; done");
  REQUIRE(child != NULL);
  const pid_t pid = said(child);
  REQUIRE(pid > 1);
  const double before = now();
  pv_child_kill(child, 0.2);
  const double took = now() - before;
  EXPECT(took >= 0.19);
  EXPECT_I64(pv_child_result(child)->signal, SIGKILL);
  EXPECT(!pv_child_result(child)->out_of_memory); /* the SIGKILL was ours */
  EXPECT(kill(pid, 0) != 0 && errno == ESRCH);
  pv_child_free(child);
}

static void test_kill_reaches_grandchildren(void) {
  pv_child *child = start("sh -c 'trap \"\" TERM; echo $$ >&3; while :; do sleep 1; done'; true");
  REQUIRE(child != NULL);
  const pid_t grandchild = said(child);
  REQUIRE(grandchild > 1);
  EXPECT(kill(grandchild, 0) == 0);
  pv_child_kill(child, 0.1);
  EXPECT(gone(grandchild));
  pv_child_free(child);
}

static void test_exit_takes_grandchildren_along(void) {
  /* The grandchild keeps stdout and the channel open; the end of the child is still seen. */
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  pv_child *child = start("sleep 1000 & echo $! >&3; exit 5");
  REQUIRE(child != NULL);
  const pid_t grandchild = said(child);
  REQUIRE(grandchild > 1);
  EXPECT_I64(pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL), PV_OK);
  EXPECT_I64(event, PV_CHILD_EXIT);
  EXPECT_I64(pv_child_result(child)->code, 5);
  EXPECT(gone(grandchild));
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_left_the_group(void) {
  /* Somebody in a session of its own holds the pipes: the end does not wait for it, but ends it. */
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  pv_child *child = start(
      "setsid sleep 1000 & p=$!; until [ $(cut -d' ' -f6 /proc/$p/stat) = $p ]; do :; done; "
      "echo $p >&3; exit 6");
  REQUIRE(child != NULL);
  const pid_t stranger = said(child);
  REQUIRE(stranger > 1);
  EXPECT_I64(pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL), PV_OK);
  EXPECT_I64(event, PV_CHILD_EXIT);
  EXPECT_I64(pv_child_result(child)->code, 6);
  EXPECT(kill(stranger, 0) != 0 && errno == ESRCH);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_free_kills(void) {
  pv_child *child = start("echo $$ >&3; exec sleep 1000");
  REQUIRE(child != NULL);
  const pid_t pid = said(child);
  REQUIRE(pid > 1);
  pv_child_free(child);
  EXPECT(kill(pid, 0) != 0 && errno == ESRCH); /* reaped, too */
  EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
  pv_child_free(NULL);
}

static void test_own_group(void) {
  pv_child *child = start("echo $$ >&3; exec sleep 1000");
  REQUIRE(child != NULL);
  const pid_t pid = said(child);
  EXPECT_I64(getpgid(pid), pid);
  pv_child_free(child);
}

static void test_no_other_descriptor(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_BYTES;
  const int low = open("/dev/null", O_RDONLY), high = fcntl(low, F_DUPFD, 200); /* not CLOEXEC */
  pv_child *child = start(
      "i=0; while [ $i -lt 300 ]; do "
      "[ -e /proc/$$/fd/$i ] && echo $i >&2; i=$((i+1)); done");
  REQUIRE(child != NULL);
  while (event == PV_CHILD_BYTES)
    if (pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL) != PV_OK) break;
  EXPECT_I64(event, PV_CHILD_EXIT);
  EXPECT_STR(pv_child_stderr(child)->data, "0\n1\n2\n3\n");
  close(low);
  close(high);
  pv_child_free(child);
  pv_text_free(&channel);
}

static void test_our_descriptors_are_closed(void) {
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 20; i++) {
    pv_child *child = start("exit 0");
    pv_child_free(child);
  }
  const char *argv[] = {"/no/such/program", NULL};
  pv_child *none = NULL;
  EXPECT(pv_child_start(&(pv_child_spec){argv, "x", 1, 10}, &none, NULL) != PV_OK);
  const int after = dup(0);
  close(after);
  EXPECT_I64(after, before);
}

static void test_dies_with_us(void) {
  int tell[2];
  char text[32] = "";
  REQUIRE(pipe(tell) == 0);
  fflush(stdout);
  const pid_t middle = fork();
  if (middle == 0) {
    pv_child *child = start("echo $$ >&3; exec sleep 1000");
    if (child == NULL) _exit(1);
    const int n = snprintf(text, sizeof text, "%ld", (long)said(child));
    if (write(tell[1], text, (size_t)n) != n) _exit(1);
    kill(getpid(), SIGKILL); /* without any chance to clean up */
  }
  close(tell[1]);
  waitpid(middle, NULL, 0);
  REQUIRE(read(tell[0], text, sizeof text - 1) > 0);
  close(tell[0]);
  const pid_t orphan = (pid_t)strtol(text, NULL, 10);
  EXPECT(orphan > 1);
  EXPECT(gone(orphan));
}

/* In a process of its own: the flag can not be taken back. */
static void cancelled_wait(void) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event;
  pv_cancel_install();
  if (pv_cancelled()) _exit(10);
  pv_child *child = start("exec sleep 1000");
  raise(SIGINT);
  if (!pv_cancelled()) _exit(11);
  if (pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL) != PV_ERR_CANCELLED) _exit(12);
  pv_child_free(child);
  raise(SIGINT); /* the second one ends the process */
  _exit(13);
}

static void test_cancel(void) {
  int status = 0;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) cancelled_wait();
  REQUIRE(waitpid(pid, &status, 0) == pid);
  EXPECT(WIFEXITED(status));
  EXPECT_I64(WEXITSTATUS(status), 128 + SIGINT);
}

int main(void) {
  return pv_testing_main("group", (pv_case[]){PV_CASE(test_ignores_sigterm),
                                              PV_CASE(test_kill_reaches_grandchildren),
                                              PV_CASE(test_exit_takes_grandchildren_along),
                                              PV_CASE(test_left_the_group),
                                              PV_CASE(test_free_kills),
                                              PV_CASE(test_own_group),
                                              PV_CASE(test_no_other_descriptor),
                                              PV_CASE(test_our_descriptors_are_closed),
                                              PV_CASE(test_dies_with_us),
                                              PV_CASE(test_cancel),
                                              {0}});
}
