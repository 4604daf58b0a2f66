#include "validator/judge/site.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parts.h"
#include "base/text.h"
#include "validator/judge/facts.h"
#include "validator/judge/own.h"

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Who else than this process's user may own a folder that is taken: whom sudo works for, whom git's
 * safe.directory names, and whose this program is. */
typedef struct owners {
  uid_t sudo, safe, program;
} owners;

/* A way up from a folder, as far as what lies there may be trusted. */
typedef struct climb {
  char path[PATH_MAX];
  owners also;
  dev_t device;
  unsigned up;      /* folders above the first */
  const char *stop; /* once there is no way on: what is the matter with the next one */
} climb;

/* NULL when only its owner, who is no stranger, can have put there what lies there. */
static const char *distrust(const struct stat *info, const owners *also) {
  if ((info->st_mode & S_IWOTH) != 0) return "may be written by anybody";
  if (info->st_uid != geteuid() && info->st_uid != also->sudo && info->st_uid != also->safe &&
      info->st_uid != also->program)
    return "belongs to another user";
  return NULL;
}

static bool has(const char *folder, const char *name, struct stat *out) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
  return stat(path, out) == 0;
}

/* The folder above, in place; false for the uppermost. */
static bool shorten(char *path) {
  char *slash = strrchr(path, '/');
  if (slash == NULL || path[1] == '\0') return false;
  slash[slash == path ? 1 : 0] = '\0';
  return true;
}

/* As git does: root may act for the user who called sudo, and a repository of another user is taken
 * when the configuration names it. */
static owners find_owners(const char *folder) {
  owners out = {geteuid(), geteuid(), geteuid()};
  const char *sudo = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
  uint64_t uid = 0;
  char top[PATH_MAX];
  struct stat info;
  if (stat("/proc/self/exe", &info) == 0) out.program = info.st_uid;
  if (sudo != NULL && pv_parse_u64(sudo, strlen(sudo), &uid) && uid < (uid_t)-1)
    out.sudo = (uid_t)uid;
  snprintf(top, sizeof top, "%s", folder);
  while (!has(top, ".git", &info))
    if (!shorten(top)) return out;
  if (stat(top, &info) == 0 && distrust(&info, &out) != NULL && pv_facts_git_safe(top))
    out.safe = info.st_uid;
  return out;
}

/* False when not even the first folder may be trusted. */
static bool climb_begin(climb *c, const char *folder) {
  struct stat info;
  *c = (climb){.also = find_owners(folder)};
  snprintf(c->path, sizeof c->path, "%s", folder);
  c->stop = stat(folder, &info) == 0 ? distrust(&info, &c->also) : "can not be examined";
  c->device = info.st_dev;
  return c->stop == NULL;
}

static bool climb_on(climb *c) {
  char next[PATH_MAX];
  struct stat info;
  memcpy(next, c->path, sizeof next);
  if (has(c->path, ".git", &info))
    c->stop = "is outside the repository";
  else if (!shorten(next))
    c->stop = "does not exist";
  else if (stat(next, &info) != 0)
    c->stop = "can not be examined";
  else if (info.st_dev != c->device)
    c->stop = "is on another file system";
  else
    c->stop = distrust(&info, &c->also);
  if (c->stop != NULL) return false;
  memcpy(c->path, next, sizeof next);
  c->up++;
  return true;
}

/* "." for the contract's folder, ".." for the one above: no path of this machine. */
static const char *steps(pv_arena *arena, unsigned up) {
  char *out = pv_arena_strdup(arena, ".");
  for (unsigned i = 0; out != NULL && i < up; i++)
    out = i == 0 ? pv_arena_strdup(arena, "..") : pv_arena_printf(arena, "%s/..", out);
  return out;
}

static const char *below(const char *root, const char *path) {
  const size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
  return strncmp(path, root, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

/* Whether a report could be written below it; a file in the way is told of when it is. */
static bool writable(const char *folder) {
  char path[PATH_MAX + 16];
  struct stat info;
  snprintf(path, sizeof path, "%s/reports/runs", folder);
  while (access(path, F_OK) != 0)
    if (!shorten(path)) return false;
  return (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) || access(path, W_OK | X_OK) == 0;
}

/* Nothing is written into an installation, whoever calls, nor can it be into a tree that is
 * read-only: then the report goes where pv is called. */
static pv_code find_runs(pv_arena *arena, bool trusted, pv_site *out, pv_error *err) {
  char here[PATH_MAX];
  struct stat info;
  if (!trusted) {
    out->runs_why = out->root_why;
    return PV_OK;
  }
  out->runs = out->repository != NULL ? out->root : out->folder;
  if (strstr(out->folder, "/" PV_OWN_SHARE "/") == NULL && writable(out->runs)) return PV_OK;
  out->runs = NULL;
  if (getcwd(here, sizeof here) == NULL || stat(here, &info) != 0) {
    out->runs_why = "nor in the working folder, which can not be examined";
    return PV_OK;
  }
  const owners also = find_owners(here);
  const char *why = distrust(&info, &also);
  if (why == NULL && !writable(here)) why = "can not be written";
  if (why == NULL) out->runs = pv_arena_strdup(arena, here);
  if (why != NULL)
    out->runs_why = pv_arena_printf(arena, "nor in the working folder, which %s", why);
  return out->runs == NULL && out->runs_why == NULL ? pv_error_nomem(err, "a path") : PV_OK;
}

/* What may be taken from the folders above, and what it is called in a report. */
static pv_code look_around(pv_arena *arena, const char *folder, pv_site *out, pv_error *err) {
  climb c;
  struct stat info;
  const char *where = ".", *why = "the contract's folder";
  const bool trusted = climb_begin(&c, folder);
  out->root = folder;
  for (bool on = trusted, found = false; on; on = climb_on(&c)) {
    if (c.up == 1) out->home = pv_arena_strdup(arena, c.path);
    const bool models =
        has(c.path, "models", &info) && S_ISDIR(info.st_mode) && distrust(&info, &c.also) == NULL;
    const bool top = has(c.path, ".git", &info);
    if (top) out->repository = pv_arena_strdup(arena, c.path);
    if (found || (!models && !top)) continue;
    found = true;
    out->models = models;
    out->root = pv_arena_strdup(arena, c.path);
    where = steps(arena, c.up);
    why = models ? "the nearest folder with models" : "the repository, which has no models";
  }
  const char *next = steps(arena, trusted ? c.up + 1 : 0);
  const bool whole = out->root != NULL && where != NULL && next != NULL;
  out->root_why = whole ? pv_arena_printf(arena, "%s: %s; %s %s", where, why, next, c.stop) : NULL;
  out->evidence_why =
      out->home != NULL
          ? pv_arena_printf(arena, "../reports/published: in %s",
                            out->repository != NULL ? "the same repository" : "no repository")
          : pv_arena_printf(arena, "nowhere: %s %s", trusted ? ".." : ".", c.stop);
  return out->root_why == NULL || out->evidence_why == NULL ? pv_error_nomem(err, "a path")
                                                            : find_runs(arena, trusted, out, err);
}

pv_code pv_site_find(pv_arena *arena, const char *contract_path, pv_site *out, pv_error *err) {
  char copy[PATH_MAX], folder[PATH_MAX], name[PATH_MAX];
  if (strlen(contract_path) >= sizeof copy)
    return pv_error_set(err, PV_ERR_INPUT, "the contract's path is too long");
  strcpy(copy, contract_path);
  snprintf(name, sizeof name, "%s", basename(copy));
  strcpy(copy, contract_path);
  if (realpath(dirname(copy), folder) == NULL)
    return pv_error_errno(err, errno, "cannot find the folder of '%s'", contract_path);
  pv_site site = {.folder = pv_arena_strdup(arena, folder)};
  const char *path = pv_arena_printf(arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
  if (site.folder == NULL || path == NULL) return pv_error_nomem(err, "a path");
  const pv_code code = look_around(arena, site.folder, &site, err);
  if (code != PV_OK) return code;
  site.relative = pv_site_relative(arena, site.root, path);
  if (site.relative == NULL) return pv_error_nomem(err, "a path");
  *out = site;
  return PV_OK;
}

pv_code pv_site_above(pv_arena *arena, const char *folder, const char *relative, const char **out,
                      pv_error *err) {
  climb c;
  char real[PATH_MAX];
  *out = NULL;
  if (realpath(folder, real) == NULL) /* the folder went away: nothing is above it */
    return errno == ENOMEM ? pv_error_nomem(err, "a path") : PV_OK;
  for (bool on = climb_begin(&c, real); on && *out == NULL; on = climb_on(&c)) {
    const char *path =
        pv_arena_printf(arena, "%s/%s", strcmp(c.path, "/") == 0 ? "" : c.path, relative);
    if (path == NULL) return pv_error_nomem(err, "a path");
    if (access(path, R_OK) == 0) *out = path;
  }
  return PV_OK;
}

const char *pv_site_distrust(const char *real) {
  char folder[PATH_MAX];
  struct stat info;
  snprintf(folder, sizeof folder, "%s", real);
  if (!shorten(folder)) return "it has no folder";
  const owners also = find_owners(folder);
  const char *why = stat(folder, &info) == 0 ? distrust(&info, &also) : "can not be examined";
  if (why != NULL)
    return strcmp(why, "belongs to another user") == 0 ? "its folder belongs to another user"
                                                       : "its folder may be written by anybody";
  why = stat(real, &info) == 0 ? distrust(&info, &also) : "can not be examined";
  if (why == NULL) return NULL;
  return strcmp(why, "belongs to another user") == 0 ? "it belongs to another user"
                                                     : "it may be written by anybody";
}

/* realpath, but for the name of a part of a model, by which the others are found: a file that it
 * links to, as in a cache of downloads, has another. */
static bool resolve(const char *given, char out[PATH_MAX]) {
  char folder[PATH_MAX], real[PATH_MAX];
  const char *slash = strrchr(given, '/'), *name = slash == NULL ? given : slash + 1;
  pv_parts parts;
  if (realpath(given, out) == NULL) return false;
  if (!pv_parts_named(given, &parts)) return true;
  snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - given + 1),
           slash == NULL ? "." : given);
  if (realpath(folder, real) == NULL) return false;
  const int n = snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
  if (n > 0 && n < PATH_MAX) return true;
  errno = ENAMETOOLONG;
  return false;
}

static pv_code given_file(pv_arena *arena, const char *what, const char *given, const char **out,
                          pv_error *err) {
  char real[PATH_MAX];
  if (!resolve(given, real)) {
    pv_error_errno(err, errno, "cannot open the %s '%s'", what, given);
    pv_error_hint(err, "name a file that exists, or leave --%s out for the default", what);
    if (err != NULL) err->code = PV_ERR_INPUT;
    return PV_ERR_INPUT;
  }
  if (is_folder(real))
    return pv_error_set(err, PV_ERR_INPUT, "the %s '%s' is a folder", what, given);
  *out = pv_arena_strdup(arena, real);
  return *out == NULL ? pv_error_nomem(err, "a path") : PV_OK;
}

pv_code pv_site_model(pv_arena *arena, const pv_site *site, const char *given, const char **out,
                      pv_error *err) {
  if (given != NULL) return given_file(arena, "model", given, out, err);
  *out = NULL;
  if (!site->models) return PV_OK;
  const char *path = pv_arena_printf(arena, "%s/%s", site->root, PV_SITE_MODEL);
  if (path == NULL) return pv_error_nomem(err, "a path");
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

pv_code pv_site_reference(pv_arena *arena, const char *model, const char *given, const char **out,
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
  return *out == NULL ? pv_error_nomem(err, "a path") : PV_OK;
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
