#include "validator/rules/stages.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { FIRST = 16 }; /* findings of a file with a nearest id: measuring distances is slow */

pv_code pv_rules_stage(pv_arena *arena, const pv_contract *c, const pv_stage *stage,
                       pv_findings *findings, pv_error *err) {
  const pv_strings *ids = &stage->criteria;
  pv_code code = PV_OK;
  for (size_t i = 0; i < ids->count && code == PV_OK; i++) {
    const char *id = ids->items[i];
    const pv_place *p = &ids->places[i];
    const pv_strings before = {.items = ids->items, .count = i};
    if (pv_contract_criterion(c, id) == NULL) {
      char hint[120] = "correct the id";
      const char *near = NULL;
      if (findings->count < FIRST) {
        near = pv_text_nearest(id, c->criteria, c->criterion_count, sizeof *c->criteria, 6);
        snprintf(hint, sizeof hint, near != NULL ? "did you mean %s?" : "%s",
                 near != NULL ? near : "correct the id, or write the criterion");
      }
      code = pv_findings_add(arena, findings, "PV041", c->path, p->line, p->column, hint, err,
                             "stage %s names the criterion '%.60s', which does not exist",
                             stage->id, id);
    } else if (pv_strings_has(&before, id)) {
      code = pv_findings_add(arena, findings, "PV041", c->path, p->line, p->column, "remove it",
                             err, "stage %s names the criterion '%.60s' twice", stage->id, id);
    }
  }
  return code;
}
