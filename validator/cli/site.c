#include "validator/cli/site.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pv_status nomem(pv_error *err) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a path");
}

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The nearest folder, from `folder` upwards, that has a folder models; NULL when none has. */
static char *find_root(pv_arena *arena, const char *folder) {
  char path[PATH_MAX], models[PATH_MAX + 8];
  snprintf(path, sizeof path, "%s", folder);
  for (;;) {
    snprintf(models, sizeof models, "%s/models", strcmp(path, "/") == 0 ? "" : path);
    if (is_folder(models)) return pv_arena_strdup(arena, path);
    char *slash = strrchr(path, '/');
    if (slash == NULL || path[1] == '\0') return NULL;
    slash[slash == path ? 1 : 0] = '\0';
  }
}

static const char *below(const char *root, const char *path) {
  const size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
  return strncmp(path, root, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

pv_status pv_site_find(pv_arena *arena, const char *contract_path, pv_site *out, pv_error *err) {
  char copy[PATH_MAX], folder[PATH_MAX], here[PATH_MAX], name[PATH_MAX];
  if (strlen(contract_path) >= sizeof copy)
    return pv_error_set(err, PV_ERR_INPUT, "the contract's path is too long");
  strcpy(copy, contract_path);
  snprintf(name, sizeof name, "%s", basename(copy));
  strcpy(copy, contract_path);
  if (realpath(dirname(copy), folder) == NULL || getcwd(here, sizeof here) == NULL)
    return pv_error_errno(err, errno, "cannot find the folder of '%s'", contract_path);
  out->folder = pv_arena_strdup(arena, folder);
  out->root = find_root(arena, folder);
  if (out->root == NULL) out->root = pv_arena_strdup(arena, here);
  const char *path = pv_arena_printf(arena, "%s/%s", folder, name);
  char *slash = strrchr(folder, '/');
  slash[slash == folder ? 1 : 0] = '\0';
  out->home = pv_arena_strdup(arena, folder);
  if (out->folder == NULL || out->root == NULL || path == NULL || out->home == NULL)
    return nomem(err);
  out->relative = pv_site_relative(arena, out->root, path);
  return out->relative == NULL ? nomem(err) : PV_OK;
}

static pv_status given_file(pv_arena *arena, const char *what, const char *given, const char **out,
                            pv_error *err) {
  char real[PATH_MAX];
  if (realpath(given, real) == NULL) {
    pv_error_errno(err, errno, "cannot open the %s '%s'", what, given);
    pv_error_hint(err, "name a file that exists, or leave --%s out for the default", what);
    if (err != NULL) err->status = PV_ERR_INPUT;
    return PV_ERR_INPUT;
  }
  if (is_folder(real))
    return pv_error_set(err, PV_ERR_INPUT, "the %s '%s' is a folder", what, given);
  *out = pv_arena_strdup(arena, real);
  return *out == NULL ? nomem(err) : PV_OK;
}

pv_status pv_site_model(pv_arena *arena, const pv_site *site, const char *given, const char **out,
                        pv_error *err) {
  if (given != NULL) return given_file(arena, "model", given, out, err);
  const char *path = pv_arena_printf(arena, "%s/%s", site->root, PV_SITE_MODEL);
  if (path == NULL) return nomem(err);
  *out = access(path, R_OK) == 0 ? path : NULL;
  return PV_OK;
}

/* Length of the stem of a reference for this model, 0 when it is none. */
static size_t stem_length(const char *name, const char *model) {
  static const char suffix[] = ".reference";
  const size_t length = strlen(name);
  if (length < sizeof suffix || strcmp(name + length - (sizeof suffix - 1), suffix) != 0) return 0;
  const size_t stem = length - (sizeof suffix - 1);
  return strncmp(name, model, stem) == 0 && strchr("-.", model[stem]) != NULL ? stem : 0;
}

pv_status pv_site_reference(pv_arena *arena, const char *model, const char *given, const char **out,
                            pv_error *err) {
  char copy[PATH_MAX], best[NAME_MAX + 1] = "";
  size_t longest = 0;
  *out = NULL;
  if (given != NULL) return given_file(arena, "reference", given, out, err);
  if (model == NULL || strlen(model) >= sizeof copy) return PV_OK;
  const char *name = strrchr(model, '/');
  name = name == NULL ? model : name + 1;
  strcpy(copy, model);
  const char *folder = dirname(copy);
  DIR *dir = opendir(folder);
  if (dir == NULL) return PV_OK;
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
    const size_t stem = stem_length(e->d_name, name);
    if (stem <= longest) continue;
    longest = stem;
    snprintf(best, sizeof best, "%s", e->d_name);
  }
  closedir(dir);
  if (longest == 0) return PV_OK;
  *out = pv_arena_printf(arena, "%s/%s", folder, best);
  return *out == NULL ? nomem(err) : PV_OK;
}

const char *pv_site_relative(pv_arena *arena, const char *root, const char *path) {
  char real[PATH_MAX];
  const char *inside = below(root, path);
  if (inside == NULL && realpath(path, real) != NULL) inside = below(root, real);
  if (inside != NULL) return pv_arena_strdup(arena, inside);
  const char *slash = strrchr(path, '/');
  return pv_arena_strdup(arena, slash == NULL ? path : slash + 1);
}

const char *pv_site_shown(pv_arena *arena, const char *path) {
  char here[PATH_MAX];
  const char *inside = getcwd(here, sizeof here) == NULL ? NULL : below(here, path);
  return pv_arena_strdup(arena, inside == NULL ? path : inside);
}
