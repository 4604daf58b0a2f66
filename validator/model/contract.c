#include "validator/model/contract.h"

#include <string.h>

#include "base/text.h"

bool pv_strings_has(const pv_strings *list, const char *item) {
  return pv_text_find(item, list->items, list->count, sizeof *list->items) != NULL;
}

const pv_criterion *pv_contract_criterion(const pv_contract *c, const char *id) {
  return pv_text_find(id, c->criteria, c->criterion_count, sizeof *c->criteria);
}

const pv_falsifier *pv_contract_falsifier(const pv_contract *c, const char *id) {
  return pv_text_find(id, c->falsifiers, c->falsifier_count, sizeof *c->falsifiers);
}

const char *pv_contract_where(const pv_contract *c, const pv_falsifier *f) {
  const char *where = NULL;
  for (size_t i = 0; i < f->criteria.count; i++) {
    const pv_criterion *criterion = pv_contract_criterion(c, f->criteria.items[i]);
    if (criterion == NULL || criterion->where == NULL) return NULL;
    where = criterion->where;
  }
  return where;
}

const pv_stage *pv_contract_stage(const pv_contract *c, const char *id) {
  return pv_text_find(id, c->stages, c->stage_count, sizeof *c->stages);
}

const pv_provider *pv_contract_provider_of(const pv_contract *c, const char *check) {
  const size_t length = strcspn(check, "/");
  for (size_t i = 0; check[length] == '/' && i < c->provider_count; i++)
    if (strlen(c->providers[i].name) == length && strncmp(c->providers[i].name, check, length) == 0)
      return &c->providers[i];
  return NULL;
}

const pv_provider *pv_contract_provider(const pv_contract *c, const char *name) {
  return pv_text_find(name, c->providers, c->provider_count, sizeof *c->providers);
}

const pv_param *pv_falsifier_param(const pv_falsifier *f, const char *name) {
  return pv_text_find(name, f->with, f->with_count, sizeof *f->with);
}
