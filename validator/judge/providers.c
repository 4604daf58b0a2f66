#include "validator/judge/providers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "validator/judge/site.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"

pv_code pv_providers_split(pv_arena *arena, const char *text, pv_given_providers *out,
                           pv_error *err) {
  enum { MOST = sizeof out->files / sizeof *out->files };
  pv_given_providers list = {0};
  while (text != NULL) {
    const size_t length = strcspn(text, ",");
    if (length == 0) return pv_error_set(err, PV_ERR_INPUT, "--provider names no file");
    if (list.count == MOST)
      return pv_error_set(err, PV_ERR_INPUT, "--provider names more than %d programs", (int)MOST);
    list.files[list.count] = pv_arena_strndup(arena, text, length);
    if (list.files[list.count++] == NULL) return pv_error_nomem(err, "a provider");
    text = text[length] == ',' ? text + length + 1 : NULL;
  }
  *out = list;
  return PV_OK;
}

/* NULL when the program can be started, else what is the matter. */
static const char *unusable(const char *real) {
  struct stat info;
  if (stat(real, &info) != 0 || !S_ISREG(info.st_mode)) return "it is no file";
  return access(real, X_OK) == 0 ? NULL : "it is not executable";
}

static pv_code note(pv_arena *arena, pv_provider *p, const char *what, pv_error *err) {
  p->why =
      pv_arena_printf(arena, "the provider's program '%s' was not started: %s", p->program, what);
  p->verdict = PV_ERROR;
  return p->why == NULL ? pv_error_nomem(err, "a provider") : PV_OK;
}

static pv_code take(pv_provider *p, const pv_known_provider *said, const char *why,
                    pv_verdict verdict) {
  p->why = why;
  p->verdict = verdict;
  p->known = why == NULL ? said->known : NULL;
  p->version = why == NULL ? said->version : NULL;
  return PV_OK;
}

static pv_code ask_own(pv_arena *arena, const pv_contract *contract, pv_provider *p,
                       pv_error *err) {
  char real[PATH_MAX];
  const char *why = NULL;
  pv_known_provider said = {0};
  pv_verdict verdict = PV_ERROR;
  if (p->program == NULL)
    return take(p, &said, "the call has to name its provider's program: --provider FILE",
                PV_NOT_RUN);
  const char *path = pv_bind_path(arena, contract, p->program);
  if (path == NULL) return pv_error_nomem(err, "a provider");
  if (realpath(path, real) == NULL) return note(arena, p, strerror(errno), err);
  why = unusable(real);
  if (why == NULL) why = pv_site_distrust(real);
  if (why != NULL) return note(arena, p, why, err);
  char *kept = pv_arena_strdup(arena, real);
  if (kept == NULL) return pv_error_nomem(err, "a provider");
  p->path = kept;
  const pv_code code =
      pv_run_ask_provider(arena, kept, p->name, p->timeout_s, &said, &verdict, &why, err);
  return code == PV_OK ? take(p, &said, why, verdict) : code;
}

/* The contract's entry of this name, or a new one behind the others. */
static pv_provider *place_for(pv_arena *arena, pv_contract *c, const char *name) {
  for (size_t i = 0; i < c->provider_count; i++)
    if (strcmp(c->providers[i].name, name) == 0) return &c->providers[i];
  pv_provider *grown = PV_ARENA_NEW(arena, c->provider_count + 1, pv_provider);
  if (grown == NULL) return NULL;
  if (c->provider_count > 0) memcpy(grown, c->providers, c->provider_count * sizeof *grown);
  c->providers = grown;
  return &grown[c->provider_count++];
}

static pv_code ask_given(pv_arena *arena, pv_contract *contract, const char *file, pv_error *err) {
  char real[PATH_MAX];
  const char *why = NULL;
  pv_known_provider said = {0};
  pv_verdict verdict = PV_ERROR;
  if (realpath(file, real) == NULL)
    return pv_error_refuse(err, "--provider names a program", "there is no file '%s'", file);
  why = unusable(real);
  char *kept = pv_arena_strdup(arena, real);
  if (kept == NULL) return pv_error_nomem(err, "a provider");
  if (why == NULL) {
    const pv_code code = pv_run_ask_provider(arena, kept, NULL, 0, &said, &verdict, &why, err);
    if (code != PV_OK) return code;
  }
  if (why != NULL)
    return pv_error_refuse(err, "docs/provider-protocol.md says what a provider answers",
                           "'%s': %s", file, why);
  pv_provider *p = place_for(arena, contract, said.name);
  if (p == NULL) return pv_error_nomem(err, "a provider");
  const char *slash = strrchr(real, '/');
  if (p->name == NULL) p->name = pv_arena_strdup(arena, said.name);
  if (p->program == NULL) p->program = pv_arena_strdup(arena, slash == NULL ? real : slash + 1);
  if (p->name == NULL || p->program == NULL) return pv_error_nomem(err, "a provider");
  p->given = true;
  p->path = kept;
  return take(p, &said, NULL, PV_PASS);
}

pv_code pv_providers_ask(pv_arena *arena, pv_contract *contract, const pv_given_providers *given,
                         pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < given->count && code == PV_OK; i++)
    code = ask_given(arena, contract, given->files[i], err);
  for (size_t i = 0; i < contract->provider_count && code == PV_OK; i++)
    if (!contract->providers[i].given && contract->status != PV_STATUS_DEPRECATED)
      code = ask_own(arena, contract, &contract->providers[i], err);
  return code;
}
