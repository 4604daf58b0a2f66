#include "validator/run/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 16, ROUNDS = 16 };

/* What a program needs to start and to speak; nothing that a shell happens to know. */
static const char *const kept[] = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE"};
enum { KEPT = sizeof kept / sizeof *kept, OWN = 2 };

static pv_code make_environment(pv_arena *arena, const char *folder, const char *const **out,
                                pv_error *err) {
  const char **list = PV_ARENA_NEW(arena, KEPT + OWN + 1, const char *);
  size_t count = 0;
  if (list == NULL) return pv_error_nomem(err, "a provider");
  for (size_t i = 0; i < KEPT; i++) {
    const char *value = getenv(kept[i]);
    if (value == NULL) continue;
    list[count] = pv_arena_printf(arena, "%s=%s", kept[i], value);
    if (list[count++] == NULL) return pv_error_nomem(err, "a provider");
  }
  list[count++] = pv_arena_printf(arena, "TMPDIR=%s", folder);
  list[count] = "PYTHONDONTWRITEBYTECODE=1"; /* it would be written beside the program */
  if (list[count - 1] == NULL) return pv_error_nomem(err, "a provider");
  *out = list;
  return PV_OK;
}

pv_code pv_scratch_make(pv_arena *arena, pv_child_place *out, pv_error *err) {
  const char *given = getenv("TMPDIR");
  const char *base = given != NULL && given[0] == '/' ? given : "/tmp";
  char *folder = pv_arena_printf(arena, "%s/pv-provider-XXXXXX", base);
  pv_child_place made = {0};
  if (folder == NULL) return pv_error_nomem(err, "a provider");
  if (mkdtemp(folder) == NULL)
    return pv_error_errno(err, errno, "cannot make a folder below '%s' for a provider", base);
  made.folder = folder;
  const pv_code code = make_environment(arena, folder, &made.environment, err);
  if (code != PV_OK)
    pv_scratch_remove(&made);
  else
    *out = made;
  return code;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info;
  (void)at;
  if (kind == FTW_DNR) (void)chmod(path, 0700); /* to be looked into in the next round */
  (void)remove(path);
  return 0;
}

void pv_scratch_remove(const pv_child_place *place) {
  for (int i = 0; i < ROUNDS && rmdir(place->folder) != 0 && errno != ENOENT; i++)
    (void)nftw(place->folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}
