#include "validator/rules/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { FIRST = 16 }; /* findings of a file with a nearest id: measuring distances is slow */

static bool is_criterion(const pv_contract *c, const char *id) {
  for (size_t i = 0; i < c->criterion_count; i++)
    if (strcmp(c->criteria[i].id, id) == 0) return true;
  return false;
}

static void suggest(const pv_contract *c, const char *id, char *hint, size_t room) {
  size_t least = 6;
  snprintf(hint, room, "correct the id, or write the criterion");
  for (size_t i = 0; i < c->criterion_count; i++) {
    const size_t d = pv_text_distance(id, c->criteria[i].id);
    if (d >= least) continue;
    least = d;
    snprintf(hint, room, "did you mean %s?", c->criteria[i].id);
  }
}

/* The place among the ids where this one stands first. */
static size_t first_place(const pv_strings *ids, size_t at) {
  size_t i = 0;
  while (i < at && strcmp(ids->items[i], ids->items[at]) != 0) i++;
  return i;
}

pv_code pv_rules_stage(pv_arena *arena, const pv_contract *c, const pv_stage *stage,
                       pv_findings *findings, pv_error *err) {
  const pv_strings *ids = &stage->criteria;
  pv_code code = PV_OK;
  for (size_t i = 0; i < ids->count && code == PV_OK; i++) {
    const char *id = ids->items[i];
    const pv_place *p = &ids->places[i];
    char hint[120] = "correct the id";
    if (!is_criterion(c, id)) {
      if (findings->count < FIRST) suggest(c, id, hint, sizeof hint);
      code = pv_findings_add(arena, findings, "PV041", c->path, p->line, p->column, hint, err,
                             "stage %s names the criterion '%.60s', which does not exist",
                             stage->id, id);
    } else if (first_place(ids, i) < i) {
      code = pv_findings_add(arena, findings, "PV041", c->path, p->line, p->column, "remove it",
                             err, "stage %s names the criterion '%.60s' twice", stage->id, id);
    }
  }
  return code;
}
