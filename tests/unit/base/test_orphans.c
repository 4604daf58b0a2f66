/* What a child leaves behind: it is killed and waited for wherever it went; others are not. This
 * program is also the child: its argument says what it does. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "tests/unit/testing.h"

static const size_t MANY = 1 << 20;
/* Nothing here takes that long, on any machine: the limit ends what hangs. */
static const double HANGS_S = 200;

/* --- what the child does --- */

static int here[2];

/* The child goes on when all that it leaves have said so. */
static void say_ready(void) {
  if (write(here[1], "x", 1) != 1) _exit(1);
}

_Noreturn static void hang(void) {
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}

/* A grandchild in a session of its own; with `twice`, one that has lost its parent. */
static void leave(bool twice) {
  siginfo_t info;
  const pid_t middle = fork();
  if (middle != 0) {
    /* Until it has ended; it stays as it is, for whoever takes over what the child leaves. */
    if (twice) (void)waitid(P_PID, (id_t)middle, &info, WEXITED | WNOWAIT);
    return;
  }
  if (twice && fork() != 0) _exit(0);
  setsid();
  say_ready();
  hang();
}

/* Three sessions, each with three sessions below it. */
static void grow(int depth) {
  for (int i = 0; i < 3; i++) {
    if (fork() != 0) continue;
    setsid();
    if (depth > 0) grow(depth - 1);
    say_ready();
    hang();
  }
}

/* Never the same process for long: each forks the next one and ends. Not for ever, should nobody
 * catch it. */
static void run_away(bool sessions) {
  if (fork() != 0) return;
  setsid();
  for (unsigned n = 0; n < 20000; n++) {
    if (n == 100) say_ready();
    if (fork() != 0) _exit(0);
    if (sessions) setsid();
  }
  _exit(0);
}

static int be_the_child(const char *what, const char *end) {
  char byte = 0;
  if (pipe(here) != 0) return 1;
  if (strcmp(what, "session") == 0) leave(false);
  if (strcmp(what, "orphan") == 0) leave(true);
  if (strcmp(what, "tree") == 0) grow(1);
  if (strcmp(what, "chain") == 0) run_away(false);
  if (strcmp(what, "sessions") == 0) run_away(true);
  if (strcmp(what, "nothing") == 0) say_ready();
  for (int i = 0; i < (strcmp(what, "tree") == 0 ? 12 : 1); i++)
    if (read(here[0], &byte, 1) != 1) return 1;
  if (write(3, "x", 1) != 1) return 1;
  if (strcmp(end, "hangs") == 0) hang();
  return 5;
}

/* --- the tests --- */

static pv_child *start(const char *what, const char *end) {
  const char *argv[] = {"/proc/self/exe", what, end, NULL};
  pv_child *child = NULL;
  EXPECT_I64(pv_child_start(&(pv_child_spec){argv, NULL, 0, MANY}, &child, NULL), PV_OK);
  return child;
}

/* Waits until the child and what it leaves are there. */
static bool ready(pv_child *child) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  const bool said = pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL) == PV_OK &&
                    event == PV_CHILD_BYTES && channel.length == 1;
  pv_text_free(&channel);
  return said;
}

static bool finish(pv_child *child) {
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_BYTES;
  while (event == PV_CHILD_BYTES)
    if (pv_child_wait(child, HANGS_S, &channel, MANY, &event, NULL) != PV_OK) break;
  pv_text_free(&channel);
  return event == PV_CHILD_EXIT;
}

/* Processes that run this program, beside this one. */
static unsigned others(void) {
  char own[512] = "";
  unsigned count = 0;
  DIR *dir = opendir("/proc");
  if (dir == NULL || readlink("/proc/self/exe", own, sizeof own - 1) < 0) return 999;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    char path[512], exe[512] = "";
    const long pid = strtol(e->d_name, NULL, 10);
    snprintf(path, sizeof path, "/proc/%ld/exe", pid);
    count += pid > 0 && pid != getpid() && readlink(path, exe, sizeof exe - 1) > 0 &&
             strcmp(exe, own) == 0;
  }
  closedir(dir);
  return count;
}

static bool no_children(void) {
  return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

static const char *const leavers[] = {"session", "orphan", "tree", "chain", "sessions"};
enum { LEAVERS = sizeof leavers / sizeof *leavers };

static void test_ends(void) {
  for (size_t i = 0; i < LEAVERS; i++) {
    pv_child *child = start(leavers[i], "exits");
    REQUIRE(child != NULL);
    EXPECT(ready(child));
    EXPECT(finish(child));
    EXPECT_I64(pv_child_result(child)->code, 5);
    EXPECT_U64(others(), 0);
    EXPECT(no_children());
    pv_child_free(child);
  }
}

static void test_killed(void) {
  for (size_t i = 0; i < LEAVERS; i++) {
    pv_child *child = start(leavers[i], "hangs");
    REQUIRE(child != NULL);
    EXPECT(ready(child));
    EXPECT(others() > 0);
    if (i % 2 == 0) pv_child_kill(child, 0.0);
    pv_child_free(child);
    EXPECT_U64(others(), 0);
    EXPECT(no_children());
  }
}

/* Each round of it a race that must be won. */
static void test_chain_is_always_caught(void) {
  for (int i = 0; i < 8; i++) {
    pv_child *child = start("sessions", "hangs");
    REQUIRE(child != NULL);
    EXPECT(ready(child));
    pv_child_free(child);
    EXPECT_U64(others(), 0);
    EXPECT(no_children());
  }
}

/* With several children the last one decides: what the others left may belong to it. */
static void test_last_child_decides(void) {
  pv_child *first = start("orphan", "hangs"), *second = start("nothing", "exits");
  REQUIRE(first != NULL && second != NULL);
  EXPECT(ready(first));
  EXPECT(ready(second));
  EXPECT(finish(second));
  EXPECT_U64(others(), 2);
  pv_child_free(second);
  EXPECT_U64(others(), 2);
  pv_child_free(first);
  EXPECT_U64(others(), 0);
  EXPECT(no_children());
}

/* A process of this program's own. */
static pid_t stranger(bool own_session) {
  int told[2];
  char byte = 0;
  if (pipe(told) != 0) return -1;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    if (own_session) setsid();
    if (write(told[1], "x", 1) != 1) _exit(1);
    hang();
  }
  close(told[1]);
  const bool there = read(told[0], &byte, 1) == 1;
  close(told[0]);
  return there ? pid : -1;
}

static void test_strangers_live(void) {
  const pid_t before = stranger(true);
  usleep(50000); /* ages are told in hundredths of a second */
  pv_child *child = start("orphan", "hangs");
  const pid_t meanwhile = stranger(false);
  REQUIRE(child != NULL && before > 1 && meanwhile > 1);
  EXPECT(ready(child));
  EXPECT_U64(others(), 4);
  pv_child_free(child);
  EXPECT_U64(others(), 2);
  EXPECT(waitpid(before, NULL, WNOHANG) == 0);
  EXPECT(waitpid(meanwhile, NULL, WNOHANG) == 0);
  kill(before, SIGKILL);
  kill(meanwhile, SIGKILL);
  EXPECT(waitpid(before, NULL, 0) == before);
  EXPECT(waitpid(meanwhile, NULL, 0) == meanwhile);
}

static void test_adopts_only_meanwhile(void) {
  int adopts = -1;
  pv_child *child = start("nothing", "hangs");
  REQUIRE(child != NULL);
  EXPECT(prctl(PR_GET_CHILD_SUBREAPER, &adopts) == 0);
  EXPECT_I64(adopts, 1);
  pv_child_free(child);
  EXPECT(prctl(PR_GET_CHILD_SUBREAPER, &adopts) == 0);
  EXPECT_I64(adopts, 0);
  const char *argv[] = {"/no/such/program", NULL};
  EXPECT(pv_child_start(&(pv_child_spec){argv, NULL, 0, 10}, &child, NULL) != PV_OK);
  EXPECT(prctl(PR_GET_CHILD_SUBREAPER, &adopts) == 0);
  EXPECT_I64(adopts, 0);
}

/* The first of our children; those that were orphaned to us come later. */
static pid_t oldest_child(void) {
  char path[64];
  int pid = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *list = fopen(path, "r");
  if (list == NULL) return -1;
  const bool any = fscanf(list, "%d", &pid) == 1;
  fclose(list);
  return any ? pid : -1;
}

/* Its own session has no terminal: nothing in it can ask there for a password. */
static void test_own_session(void) {
  pv_child *child = start("nothing", "hangs");
  REQUIRE(child != NULL);
  EXPECT(ready(child));
  const pid_t pid = oldest_child();
  REQUIRE(pid > 1);
  EXPECT(getsid(pid) == pid && getpgid(pid) == pid);
  pv_child_free(child);
}

static void test_somebody_else_waited(void) {
  pv_child *child = start("orphan", "hangs");
  REQUIRE(child != NULL);
  EXPECT(ready(child));
  /* It ends here and not by itself, or who sees it first would be a matter of luck. */
  const pid_t pid = oldest_child();
  REQUIRE(pid > 1);
  EXPECT(kill(pid, SIGKILL) == 0);
  EXPECT(waitpid(pid, NULL, 0) == pid);
  EXPECT(finish(child));
  EXPECT_I64(pv_child_result(child)->code, -1); /* unknown, and no success */
  EXPECT_I64(pv_child_result(child)->signal, 0);
  EXPECT(!pv_child_result(child)->out_of_memory);
  EXPECT_U64(others(), 0);
  pv_child_free(child);
}

/* In a process of its own: the handlers stay. */
static void ignored_children(void) {
  signal(SIGCHLD, SIG_IGN); /* as inherited from whoever started us */
  pv_cancel_install();
  pv_child *child = start("nothing", "exits");
  if (child == NULL || !finish(child)) _exit(10);
  _exit(pv_child_result(child)->code);
}

static void test_exit_code_is_told(void) {
  int status = 0;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) ignored_children();
  REQUIRE(waitpid(pid, &status, 0) == pid);
  EXPECT(WIFEXITED(status));
  EXPECT_I64(WEXITSTATUS(status), 5);
}

int main(int argc, char **argv) {
  if (argc > 2) return be_the_child(argv[1], argv[2]);
  return pv_testing_main("orphans", (pv_case[]){PV_CASE(test_ends),
                                                PV_CASE(test_killed),
                                                PV_CASE(test_chain_is_always_caught),
                                                PV_CASE(test_last_child_decides),
                                                PV_CASE(test_strangers_live),
                                                PV_CASE(test_adopts_only_meanwhile),
                                                PV_CASE(test_own_session),
                                                PV_CASE(test_somebody_else_waited),
                                                PV_CASE(test_exit_code_is_told),
                                                {0}});
}
