#include "validator/model/contract.h"

#include <string.h>

/* The entry of `table` with this name, which each begins with; NULL when there is none. */
static const void *find(const void *table, size_t count, size_t size, const char *name) {
  for (size_t i = 0; i < count; i++) {
    const char *at = (const char *)table + i * size, *own;
    memcpy(&own, at, sizeof own);
    if (own != NULL && strcmp(own, name) == 0) return at;
  }
  return NULL;
}

bool pv_strings_has(const pv_strings *list, const char *item) {
  return find(list->items, list->count, sizeof *list->items, item) != NULL;
}

const pv_criterion *pv_contract_criterion(const pv_contract *c, const char *id) {
  return find(c->criteria, c->criterion_count, sizeof *c->criteria, id);
}

const pv_falsifier *pv_contract_falsifier(const pv_contract *c, const char *id) {
  return find(c->falsifiers, c->falsifier_count, sizeof *c->falsifiers, id);
}

const pv_stage *pv_contract_stage(const pv_contract *c, const char *id) {
  return find(c->stages, c->stage_count, sizeof *c->stages, id);
}

const pv_param *pv_falsifier_param(const pv_falsifier *f, const char *name) {
  return find(f->with, f->with_count, sizeof *f->with, name);
}
