/* 32 writers rewrite the same contracts 1000 times each: nothing is lost. And somebody swaps a
 * contract for a link and back all the while: what the link leads to is never touched. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/contract_load.h"
#include "validator/store/rewrite.h"

/* A history has room for some thousand entries; so the writers go from contract to contract. */
enum { WRITERS = 32, CONTRACTS = 200, EACH = 5, UPDATES = CONTRACTS * EACH };
enum { SWAPPED = 1000 }; /* so often the file was met, and so often the link */

static char date[] = "2026-11-22", kind[] = "evidence", about[] = "Text", run[] = "20261122T1";

/* One update of the file at `path`; `who` becomes the amendment's title. */
static pv_code update(const char *path, char *who) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  pv_code code = pv_contract_load(&arena, path, &c, NULL);
  if (code == PV_OK) {
    pv_rewrite w = {.contract = c,
                    .status = PV_STATUS_DRAFT,
                    .amendment = {NULL, date, kind, who, about, run, {0}}};
    code = pv_rewrite_bump(&arena, c->version, &w.amendment.version, NULL);
    if (code == PV_OK) code = pv_rewrite_commit(&w, NULL, NULL, NULL);
  }
  pv_arena_free(&arena);
  return code;
}

static const char *name_of(int contract) {
  static char name[32];
  snprintf(name, sizeof name, "c%d.yaml", contract);
  return name;
}

static void write_all(int writer) {
  for (int i = 0; i < UPDATES; i++) {
    char who[64];
    snprintf(who, sizeof who, "writer %d update %d", writer, i);
    pv_code code = PV_ERR_CONFLICT;
    while (code == PV_ERR_CONFLICT) code = update(folder_path(name_of(i / EACH)), who);
    if (code != PV_OK) _exit(1);
  }
  _exit(0);
}

/* How many updates of the contract are not where they should be. */
static unsigned lost(int contract) {
  pv_arena arena = PV_ARENA_INIT;
  pv_contract *c = NULL;
  int seen[WRITERS] = {0};
  unsigned missing = WRITERS * EACH;
  if (EXPECT(pv_contract_load(&arena, folder_path(name_of(contract)), &c, NULL) == PV_OK)) {
    for (size_t i = 1; i < c->amendment_count; i++) {
      int writer = -1, number = -1;
      const bool read =
          sscanf(c->amendments[i].title, "writer %d update %d", &writer, &number) == 2;
      if (!EXPECT(read && writer >= 0 && writer < WRITERS)) break;
      missing -= number == contract * EACH + seen[writer]++; /* in its own order, once */
    }
    EXPECT_U64(c->amendment_count, WRITERS * EACH + 1);
  }
  pv_arena_free(&arena);
  return missing;
}

static void test_writers(void) {
  pid_t pids[WRITERS];
  unsigned missing = 0;
  for (int i = 0; i < CONTRACTS; i++) folder_write(name_of(i), sample_yaml);
  for (int i = 0; i < WRITERS; i++)
    if ((pids[i] = fork()) == 0) write_all(i);
  for (int i = 0; i < WRITERS; i++) {
    int ended = -1;
    EXPECT(waitpid(pids[i], &ended, 0) == pids[i] && ended == 0);
  }
  for (int i = 0; i < CONTRACTS; i++) missing += lost(i);
  EXPECT_U64(missing, 0);
  EXPECT(folder_count() <= 2 * CONTRACTS + 5); /* each with its lock; what the swapping left */
  printf("%d updates by %d writers, %u lost\n", WRITERS * UPDATES, WRITERS, missing);
}

/* Puts the link and the file there in turn, by renames, until it is killed. */
static void swap(const char *path, const char *victim) {
  char link[608], file[608];
  snprintf(link, sizeof link, "%s.l", path);
  snprintf(file, sizeof file, "%s.f", path);
  for (;;) {
    if (symlink(victim, link) == 0) (void)rename(link, path);
    FILE *out = fopen(file, "wb");
    if (out == NULL) _exit(1);
    fputs(sample_yaml, out);
    fclose(out);
    (void)rename(file, path);
  }
}

static void test_swapped_for_a_link(void) {
  char path[600], victim[600], who[] = "swapped", text[8192];
  unsigned done = 0, refused = 0, other = 0;
  folder_write("victim.yaml", sample_yaml);
  folder_write("swapped.yaml", sample_yaml);
  snprintf(path, sizeof path, "%s", folder_path("swapped.yaml"));
  snprintf(victim, sizeof victim, "%s", folder_path("victim.yaml"));
  const pid_t pid = fork();
  if (pid == 0) swap(path, victim);
  while (done < SWAPPED || refused < SWAPPED) {
    const pv_code code = update(path, who);
    done += code == PV_OK;
    refused += code == PV_ERR_INPUT;
    other += code != PV_OK && code != PV_ERR_INPUT && code != PV_ERR_CONFLICT;
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  FILE *file = fopen(victim, "rb");
  const size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
  text[n] = '\0';
  if (file != NULL) fclose(file);
  EXPECT_STR(text, sample_yaml);
  EXPECT_U64(other, 0);
  printf("swapped: %u rewritten, %u refused as links\n", done, refused);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main(
      "writers", (pv_case[]){PV_CASE(test_swapped_for_a_link), PV_CASE(test_writers), {0}});
  folder_remove();
  return code;
}
