/* The rewriting of a contract from many writers at once, and killed at every system call. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/store/rewrite.h"

enum { WRITERS = 8, UPDATES = 50 };

static pv_arena arena;
static pv_error err;
static char date[] = "2026-11-22", kind[] = "evidence", about[] = "Text";
static char evidence[] = "20261122T101500Z-0badcafe";

/* One update of the file at `path`: a new version, an amendment. Retried while others win. */
static pv_code update(const char *path, const char *who) {
  pv_code code = PV_ERR_CONFLICT;
  while (code == PV_ERR_CONFLICT) {
    pv_arena own = PV_ARENA_INIT;
    pv_contract *c = NULL;
    char name[64];
    snprintf(name, sizeof name, "%s", who);
    code = pv_contract_load(&own, path, &c, NULL);
    if (code == PV_OK) {
      pv_rewrite w = {.contract = c,
                      .status = PV_STATUS_ACTIVE_RUNTIME,
                      .amendment = {NULL, date, kind, name, about, evidence, {0}}};
      code = pv_rewrite_bump(&own, c->version, &w.amendment.version, NULL);
      if (code == PV_OK) code = pv_rewrite_commit(&w, NULL, NULL, NULL);
    }
    pv_arena_free(&own);
  }
  return code;
}

static void write_updates(const char *path, int writer) {
  for (int i = 0; i < UPDATES; i++) {
    char who[64];
    snprintf(who, sizeof who, "writer %d update %d", writer, i);
    if (update(path, who) != PV_OK) _exit(1);
  }
  _exit(0);
}

static void test_concurrent_writers(void) {
  char path[600];
  pid_t pids[WRITERS];
  pv_contract *c = NULL;
  unsigned seen[WRITERS] = {0}, lost = 0;
  folder_write("c.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("c.yaml"));
  for (int i = 0; i < WRITERS; i++)
    if ((pids[i] = fork()) == 0) write_updates(path, i);
  for (int i = 0; i < WRITERS; i++) {
    int ended = -1;
    EXPECT(waitpid(pids[i], &ended, 0) == pids[i] && ended == 0);
  }
  REQUIRE(pv_contract_load(&arena, path, &c, &err) == PV_OK);
  EXPECT_U64(c->amendment_count, WRITERS * UPDATES + 1);
  EXPECT_STR(c->version, "1.0.409");
  for (size_t i = 1; i < c->amendment_count; i++) {
    unsigned writer = 0, number = 0;
    const bool read = sscanf(c->amendments[i].title, "writer %u update %u", &writer, &number) == 2;
    /* Each writer's updates are there, in its own order. */
    if (!read || writer >= WRITERS || number != seen[writer]++) lost++;
  }
  EXPECT_U64(lost, 0);
  EXPECT_U64(folder_count(), 2); /* the contract and its lock */
}

/* Runs one update in a child that is killed at its `stop`-th system call stop. True when the
 * child got to its end first; `*traced` is false where tracing is not allowed. */
static bool killed_at(const char *path, unsigned stop, bool *traced) {
  int wait_status = 0;
  const pid_t pid = fork();
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(99);
    raise(SIGSTOP);
    _exit(update(path, "killed") == PV_OK ? 0 : 1);
  }
  if (waitpid(pid, &wait_status, 0) != pid || !WIFSTOPPED(wait_status)) {
    *traced = false;
    return true;
  }
  for (unsigned i = 0; i < stop; i++) {
    if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0) break;
    waitpid(pid, &wait_status, 0);
    if (WIFEXITED(wait_status)) return true;
  }
  kill(pid, SIGKILL);
  waitpid(pid, &wait_status, 0);
  return false;
}

static void test_killed_at_every_system_call(void) {
  char path[600];
  bool traced = true, ended = false;
  unsigned stop = 0, odd = 0, new = 0;
  char *want = NULL;
  folder_write("k.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("k.yaml"));
  REQUIRE(update(path, "killed") == PV_OK);
  pv_bytes bytes = {0};
  REQUIRE(pv_file_read(path, 1 << 20, &bytes, NULL) == PV_OK);
  want = (char *)bytes.data;
  for (stop = 1; stop < 2000 && !ended && traced; stop++) {
    pv_bytes now = {0};
    folder_write("k.yaml", sample_yaml);
    ended = killed_at(path, stop, &traced);
    if (pv_file_read(path, 1 << 20, &now, NULL) != PV_OK) {
      odd++;
      continue;
    }
    const bool changed = strcmp((char *)now.data, want) == 0;
    if (!changed && strcmp((char *)now.data, sample_yaml) != 0) odd++;
    new += changed;
    pv_bytes_free(&now);
    /* Nobody is locked out by the dead one. */
    if (!changed && stop % 16 == 0 && update(path, "killed") != PV_OK) odd++;
  }
  free(want);
  if (!traced) {
    pv_testing_skip("this process may not trace a child");
    return;
  }
  EXPECT_U64(odd, 0);
  EXPECT(ended);
  EXPECT(stop > 40);
  EXPECT(new >= 1 && new < stop);
  printf("killed at %u system call stops\n", stop - 1);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code =
      pv_testing_main("rewrite_race", (pv_case[]){PV_CASE(test_concurrent_writers),
                                                  PV_CASE(test_killed_at_every_system_call),
                                                  {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
