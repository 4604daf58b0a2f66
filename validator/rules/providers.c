/* Rules about providers. None is started for them: what one says of itself is looked at where it is
 * bound to falsifiers, once it was asked. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "validator/model/bind.h"
#include "validator/rules/context.h"

/* A word that begins the name of a check of pv's own, as `router` does router.topk_rule. */
static bool is_family(const pv_known *known, const char *name) {
  const size_t n = strlen(name);
  for (size_t i = 0; i < known->check_count; i++)
    if (strncmp(known->checks[i].name, name, n) == 0 && known->checks[i].name[n] == '.')
      return true;
  return false;
}

static bool well_formed(const char *name) {
  if (!isalpha((unsigned char)name[0]) || strlen(name) > 64) return false;
  for (const char *p = name; *p != '\0'; p++)
    if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-') return false;
  return true;
}

static pv_code check_name(const pv_rules_context *x, size_t index) {
  const pv_provider *p = &x->c->providers[index];
  if (!well_formed(p->name))
    return REPORT(x, "PV044", &p->place, "use letters, digits, '_' and '-', at most 64",
                  "the provider's name '%.80s' is not well-formed", p->name);
  if (is_family(x->known, p->name))
    return REPORT(x, "PV044", &p->place, "name it otherwise, here and in the program",
                  "pv has checks of its own under the name '%s'", p->name);
  for (size_t i = 0; i < index; i++)
    if (strcmp(x->c->providers[i].name, p->name) == 0)
      return REPORT(x, "PV044", &p->place, "rename one, here and in the program",
                    "the provider '%s' stands a second time", p->name);
  return PV_OK;
}

/* The folder whose files go with the contract, as a real path: its repository, else its own. */
static bool home_of(const pv_contract *c, char out[PATH_MAX]) {
  char folder[PATH_MAX], at[PATH_MAX], mark[PATH_MAX + 8];
  const char *slash = strrchr(c->path, '/');
  const int length = slash == NULL ? 1 : slash == c->path ? 1 : (int)(slash - c->path);
  snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : c->path);
  if (realpath(folder, out) == NULL) return false;
  memcpy(at, out, sizeof at);
  for (char *end = at + strlen(at); end != NULL && end != at; end = strrchr(at, '/')) {
    struct stat info;
    *end = '\0';
    snprintf(mark, sizeof mark, "%s/.git", at);
    if (stat(mark, &info) != 0) continue;
    memcpy(out, at, sizeof at);
    break;
  }
  return true;
}

static bool lies_in(const char *home, const char *path) {
  const size_t n = strlen(home);
  return strncmp(home, path, n) == 0 && (path[n] == '/' || (n > 0 && home[n - 1] == '/'));
}

static pv_code check_file(const pv_rules_context *x, const char *home, const char *written,
                          const pv_place *place, bool program) {
  char real[PATH_MAX];
  struct stat info;
  if (!pv_known_is_path(written))
    return REPORT(x, "PV044", place, "write a path from the contract's folder",
                  "a provider's file has no usable name");
  const char *path = pv_bind_path(x->arena, x->c, written);
  if (path == NULL) return pv_error_nomem(x->err, "a path");
  if (realpath(path, real) == NULL || stat(real, &info) != 0)
    return REPORT(x, "PV045", place, "its path is from the contract's folder, no PATH is searched",
                  "the provider's file '%.200s' is not there", written);
  if (!S_ISREG(info.st_mode) || (program && access(real, X_OK) != 0))
    return REPORT(x, "PV045", place, program ? "make it executable: chmod +x" : "name a file",
                  "'%.200s' is no %s", written, program ? "program that can be started" : "file");
  if (home != NULL && !lies_in(home, real))
    return REPORT(
        x, "PV046", place, "keep it in the repository",
        "'%.200s' lies outside the contract's repository: who has the contract may lack it",
        written);
  return PV_OK;
}

pv_code pv_rules_providers(const pv_rules_context *x) {
  char home[PATH_MAX];
  const bool known = x->c->provider_count > 0 && home_of(x->c, home);
  pv_code code = PV_OK;
  for (size_t i = 0; i < x->c->provider_count && code == PV_OK; i++) {
    const pv_provider *p = &x->c->providers[i];
    code = check_name(x, i);
    /* One that the call names instead is not the contract's to keep. */
    if (code == PV_OK && p->program != NULL && !p->given)
      code = check_file(x, known ? home : NULL, p->program, &p->program_place, true);
    for (size_t k = 0; k < p->files.count && code == PV_OK; k++)
      code = check_file(x, known ? home : NULL, p->files.items[k], &p->files.places[k], false);
  }
  return code;
}

pv_code pv_rules_no_check(const pv_rules_context *x, const pv_falsifier *f) {
  char hint[200] = "`pv explain` lists all checks", owner[66];
  const pv_known *known = f->provider != NULL ? f->provider->known : x->known;
  const char *near = known == NULL ? NULL : pv_known_check_nearest(known, f->check);
  const int length = (int)strcspn(f->check, "/");
  snprintf(owner, sizeof owner, "%.*s", length < 65 ? length : 65, f->check);
  if (f->provider == NULL && f->check[length] == '/' && well_formed(owner)) {
    return REPORT(x, "PV043", &f->check_place,
                  "add it to `providers`, or name its program with --provider",
                  "the contract has no provider '%s'", owner);
  }
  /* It was not asked, or could not say: then its falsifiers have a verdict that says why. */
  if (f->provider != NULL && known == NULL) return PV_OK;
  if (f->provider != NULL) snprintf(hint, sizeof hint, "its first is %s", known->checks[0].name);
  if (near != NULL) snprintf(hint, sizeof hint, "did you mean %s?", near);
  return REPORT(x, "PV027", &f->check_place, hint, "there is no check '%.130s'", f->check);
}

pv_code pv_rules_foreign_fault(const pv_rules_context *x, const pv_falsifier *f, size_t index) {
  const char *name = f->faults.items[index];
  if (f->known == NULL || pv_known_lists(f->known->faults, name)) return PV_OK;
  return REPORT(x, "PV042", &f->faults.places[index], "`pv explain --provider PROGRAM` lists them",
                "the check %s can not plant the fault '%.60s'", f->check, name);
}
