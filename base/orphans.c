#include "base/orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { PATIENCE_MS = 2000, ROUND_MS = 1 };

static unsigned children;
static uint64_t since; /* the first of them began, in ticks since the machine did */

static uint64_t ticks_now(void) {
  const uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK);
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec / (1000000000 / second);
}

/* The tick in which a process began; 0 if that can not be told. */
static uint64_t began(pid_t pid) {
  char path[32], line[1024], ticks[32] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  line[fread(line, 1, sizeof line - 1, file)] = '\0';
  fclose(file);
  /* Field 22, counted from the last ')': the process chooses what stands before that. */
  const char *rest = strrchr(line, ')');
  if (rest != NULL)
    sscanf(rest, ")%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%31s", ticks);
  return strtoull(ticks, NULL, 10);
}

/* Whether this child of ours is one that was orphaned to us. Nobody enters a session but those who
 * are born in it: who is in ours was started by other code of this process. Who is older was here
 * before. */
static bool is_orphan(pid_t pid) {
  const pid_t session = getsid(pid);
  return session >= 0 && session != getsid(0) && began(pid) >= since;
}

static FILE *children_of(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
  return fopen(path, "re");
}

/* The next number of a list; 0 at its end. */
static pid_t next(FILE *list) {
  char word[16];
  return fscanf(list, "%15s", word) == 1 ? (pid_t)strtol(word, NULL, 10) : 0;
}

/* In a group nobody can get ahead of the signal by forking. */
static void kill_group_of(pid_t pid) {
  const pid_t group = getpgid(pid);
  if (group > 1) kill(-group, SIGKILL);
}

/* One round; false when there are none. Who is killed hands his children to us, for the next. */
static bool kill_orphans(double deadline) {
  siginfo_t info;
  bool found = false;
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return false;
  FILE *list = children_of(getpid());
  if (list == NULL) return true;
  for (pid_t pid = next(list); pid != 0 && pv_clock_now() < deadline; pid = next(list)) {
    if (!is_orphan(pid)) continue;
    found = true;
    if (waitpid(pid, NULL, WNOHANG) == pid) continue;
    kill_group_of(pid); /* while it is not waited for, nobody else can have its numbers */
  }
  fclose(list);
  return found;
}

void pv_orphans_expect(void) {
  if (children++ > 0) return;
  since = ticks_now();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void pv_orphans_end(void) {
  if (--children > 0) return;
  const double deadline = pv_clock_now() + PATIENCE_MS * 1e-3;
  while (kill_orphans(deadline) && pv_clock_now() < deadline)
    nanosleep(&(struct timespec){.tv_nsec = ROUND_MS * 1000000L}, NULL);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}
