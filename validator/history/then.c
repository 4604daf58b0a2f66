#include "validator/history/then.h"

#include <string.h>

#include "validator/history/kept.h"
#include "validator/model/contract_load.h"

enum { VERSIONS_MAX = 4096 };

typedef struct reading {
  pv_arena *arena;
  const char *path; /* of the present contract, for errors that nobody sees */
  const char **names;
  size_t name_count, name_room;
  pv_then then;
} reading;

static bool take(void *context, const char *commit, const char *when, const char *blob,
                 const char *path) {
  reading *r = context;
  (void)commit, (void)when, (void)path;
  for (size_t i = 0; i < r->name_count; i++)
    if (strcmp(r->names[i], blob) == 0) return true;
  if (r->name_count == VERSIONS_MAX) return true; /* the older ones' gates stay unknown */
  if (!pv_arena_room(r->arena, &r->names, r->name_count, &r->name_room, sizeof *r->names))
    return false;
  const char *name = r->names[r->name_count] = pv_arena_strdup(r->arena, blob);
  r->name_count += name != NULL;
  return name != NULL;
}

/* One that this pv does not read is none: its gates are not known. */
static pv_code load(void *context, size_t index, const char *bytes, size_t length, pv_error *err) {
  reading *r = context;
  pv_contract *contract = NULL;
  (void)index;
  pv_code code = pv_contract_load_bytes(r->arena, r->path, bytes, length, &contract, NULL);
  if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "an earlier contract");
  if (code != PV_OK) return PV_OK;
  code = pv_subject_contract(contract, r->then.semantics[r->then.count], err);
  if (code == PV_OK) r->then.items[r->then.count++] = contract;
  return code;
}

/* Versions that say the same have the same gates, whatever their status. */
static bool is_of(const pv_contract *contract, const char *semantics, const pv_evidence *run) {
  return strcmp(contract->sha256, run->result->contract->sha256) == 0 ||
         strcmp(semantics, run->semantics) == 0;
}

pv_code pv_then_read(pv_arena *arena, const pv_contract *present, const char *folder,
                     const pv_evidence *const *runs, size_t count, pv_then *out, pv_error *err) {
  reading r = {.arena = arena, .path = present->path, .then = {.present = present}};
  char now[PV_SHA256_HEX];
  const char *slash = strrchr(present->path, '/');
  char *spec = pv_arena_printf(arena, ":(literal)%s", slash == NULL ? present->path : slash + 1);
  bool another = false, answered = true;
  if (spec == NULL) return pv_error_nomem(err, "earlier contracts");
  pv_code code = pv_subject_contract(present, now, err);
  for (size_t i = 0; code == PV_OK && i < count; i++) another |= !is_of(present, now, runs[i]);
  /* What git does not answer stays unknown. */
  if (code == PV_OK && another && folder != NULL) (void)pv_kept_log(folder, spec, take, &r);
  r.then.items = PV_ARENA_NEW(arena, r.name_count + 1, const pv_contract *);
  r.then.semantics = pv_arena_alloc(arena, r.name_count + 1, sizeof *r.then.semantics);
  if (r.then.items == NULL || r.then.semantics == NULL)
    return pv_error_nomem(err, "earlier contracts");
  const pv_kept_blobs blobs = {folder, r.names, r.name_count, load, &r};
  if (code == PV_OK) code = pv_kept_blobs_read(&blobs, &answered, err);
  if (code != PV_OK) return code;
  memcpy(r.then.semantics[r.then.count], now, sizeof now);
  *out = r.then;
  return PV_OK;
}

static const pv_known_check *check_of_today(const pv_contract *present, const char *name) {
  for (size_t i = 0; i < present->falsifier_count; i++)
    if (strcmp(present->falsifiers[i].check, name) == 0) return present->falsifiers[i].known;
  return NULL;
}

bool pv_then_gate(const pv_then *then, const pv_evidence *run, size_t index, pv_gate *out) {
  const pv_falsifier *judged = run->result->falsifiers[index].falsifier;
  const pv_contract *contract = NULL;
  pv_gate gate;
  if (is_of(then->present, then->semantics[then->count], run)) contract = then->present;
  for (size_t i = 0; i < then->count && contract == NULL; i++)
    if (is_of(then->items[i], then->semantics[i], run)) contract = then->items[i];
  const pv_falsifier *f = contract == NULL ? NULL : pv_contract_falsifier(contract, judged->id);
  if (f == NULL || strcmp(f->check, judged->check) != 0) return false;
  pv_falsifier bound = *f;
  bound.known = check_of_today(then->present, f->check);
  if (!pv_gate_find(&bound, &gate)) return false;
  const char *code = run->subjects[index].code;
  if (pv_falsifier_param(f, gate.name) == NULL &&
      (code == NULL || bound.known->digest == NULL || strcmp(code, bound.known->digest) != 0))
    return false;
  *out = gate;
  return true;
}
