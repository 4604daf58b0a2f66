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

static void take(pv_provider *p, const pv_asked *asked) {
  p->why = asked->why;
  p->verdict = asked->verdict;
  p->output = asked->output;
  p->known = asked->why == NULL ? asked->said.known : NULL;
  p->version = asked->why == NULL ? asked->said.version : NULL;
}

static pv_code ask_own(pv_arena *arena, const pv_contract *contract, pv_provider *p,
                       pv_error *err) {
  char real[PATH_MAX];
  pv_asked asked = {.why = "the call has to name its provider's program: --provider FILE"};
  if (p->program == NULL) {
    take(p, &asked);
    return PV_OK;
  }
  const char *path = pv_bind_path(arena, contract, p->program);
  if (path == NULL) return pv_error_nomem(err, "a provider");
  if (realpath(path, real) == NULL) return note(arena, p, strerror(errno), err);
  const char *why = unusable(real);
  if (why == NULL) why = pv_site_distrust(real);
  if (why != NULL) return note(arena, p, why, err);
  char *kept = pv_arena_strdup(arena, real);
  if (kept == NULL) return pv_error_nomem(err, "a provider");
  const pv_code code = pv_run_ask_provider(arena, kept, p->name, p->timeout_s, &asked, err);
  if (code != PV_OK) return code;
  p->path = kept;
  take(p, &asked);
  return PV_OK;
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

/* Refused, with the last line that it wrote, which may say why. */
static pv_code refuse(const char *file, const char *why, const char *output, pv_error *err) {
  size_t end = output == NULL ? 0 : strlen(output);
  while (end > 0 && output[end - 1] == '\n') end--;
  size_t begin = end;
  while (begin > 0 && output[begin - 1] != '\n') begin--;
  pv_error_set(err, PV_ERR_INPUT, "'%s': %s", file, why);
  if (end > begin)
    pv_error_hint(err, "it wrote: %.*s", (int)(end - begin < 200 ? end - begin : 200),
                  output + begin);
  else
    pv_error_hint(err, "docs/provider-protocol.md says what a provider answers");
  return PV_ERR_INPUT;
}

static pv_code ask_given(pv_arena *arena, pv_contract *contract, const char *file, pv_error *err) {
  char real[PATH_MAX];
  pv_asked asked = {0};
  if (realpath(file, real) == NULL)
    return pv_error_refuse(err, "--provider names a program", "there is no file '%s'", file);
  const char *why = unusable(real);
  if (why != NULL) return refuse(file, why, NULL, err);
  char *kept = pv_arena_strdup(arena, real);
  if (kept == NULL) return pv_error_nomem(err, "a provider");
  const pv_code code = pv_run_ask_provider(arena, kept, NULL, 0, &asked, err);
  if (code != PV_OK) return code;
  if (asked.why != NULL) return refuse(file, asked.why, asked.output, err);
  pv_provider *p = place_for(arena, contract, asked.said.name);
  if (p == NULL) return pv_error_nomem(err, "a provider");
  const char *slash = strrchr(real, '/');
  if (p->name == NULL) p->name = pv_arena_strdup(arena, asked.said.name);
  if (p->program == NULL) p->program = pv_arena_strdup(arena, slash == NULL ? real : slash + 1);
  if (p->name == NULL || p->program == NULL) return pv_error_nomem(err, "a provider");
  p->given = true;
  p->path = kept;
  take(p, &asked);
  return PV_OK;
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
