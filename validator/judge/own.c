#include "validator/judge/own.h"

#include <string.h>
#include <unistd.h>

#include "validator/judge/site.h"
#include "validator/run/run.h"

pv_code pv_own_folder(pv_arena *arena, const char **out, pv_error *err) {
  static const char *const places[] = {"/" PV_OWN_CONTRACT, "/" PV_OWN_SHARE "/" PV_OWN_CONTRACT};
  const char *program = NULL, *best = NULL;
  size_t depth = 0; /* of the folder of which `best` is below: the nearest one is the longest */
  *out = NULL;
  pv_code code = pv_run_own_folder(arena, &program, err);
  for (size_t i = 0; i < 2 && code == PV_OK; i++) {
    const char *found = NULL;
    code = pv_site_above(arena, program, places[i] + 1, &found, err);
    if (found == NULL || (best != NULL && strlen(found) - strlen(places[i]) <= depth)) continue;
    best = found;
    depth = strlen(found) - strlen(places[i]);
  }
  if (code != PV_OK || best == NULL) return code;
  *out = pv_arena_strndup(arena, best, strlen(best) - strlen(places[0]));
  return *out == NULL ? pv_error_nomem(err, "a path") : PV_OK;
}

pv_code pv_own_file(pv_arena *arena, const char *relative, const char **out, pv_error *err) {
  const char *folder = NULL;
  *out = NULL;
  const pv_code code = pv_own_folder(arena, &folder, err);
  if (code != PV_OK || folder == NULL) return code;
  const char *path = pv_arena_printf(arena, "%s/%s", folder, relative);
  if (path == NULL) return pv_error_nomem(err, "a path");
  if (access(path, R_OK) == 0) *out = path;
  return PV_OK;
}

pv_code pv_own_contract(pv_arena *arena, const char *named, const char **out, pv_error *err) {
  static const char *const suffixes[] = {"", ".yaml"};
  const char *found = NULL;
  pv_code code = PV_OK;
  *out = named;
  if (named[0] == '\0' || strchr(named, '/') != NULL || access(named, F_OK) == 0) return PV_OK;
  for (size_t i = 0; i < 2 && code == PV_OK && found == NULL; i++) {
    const char *relative = pv_arena_printf(arena, "contracts/%s%s", named, suffixes[i]);
    code = relative == NULL ? pv_error_nomem(err, "a path")
                            : pv_own_file(arena, relative, &found, err);
  }
  if (found != NULL) *out = found;
  return code;
}

pv_code pv_own_or_above(pv_arena *arena, const char *folder, const char *relative, const char **out,
                        pv_error *err) {
  *out = NULL;
  if (relative[0] == '\0' || relative[0] == '/' || strstr(relative, "..") != NULL) return PV_OK;
  const pv_code code = pv_site_above(arena, folder, relative, out, err);
  return code == PV_OK && *out == NULL ? pv_own_file(arena, relative, out, err) : code;
}
