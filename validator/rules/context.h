/* What one rule of a family gets; for the files of this room. */
#ifndef PV_RULES_CONTEXT_H
#define PV_RULES_CONTEXT_H

#include "validator/rules/rules.h"

typedef struct pv_rules_context {
  pv_arena *arena;
  const pv_known *known;
  const pv_contract *c;
  pv_findings *findings;
  pv_error *err;
} pv_rules_context;

#define REPORT(x, rule, place, hint, ...)                                                        \
  pv_findings_add((x)->arena, (x)->findings, rule, (x)->c->path, (place)->line, (place)->column, \
                  hint, (x)->err, __VA_ARGS__)

/* What a contract says of its providers, without starting one. */
pv_code pv_rules_providers(const pv_rules_context *x);
/* The check of a falsifier that nobody has. */
pv_code pv_rules_no_check(const pv_rules_context *x, const pv_falsifier *f);
/* A declared fault of a falsifier whose provider was asked. */
pv_code pv_rules_foreign_fault(const pv_rules_context *x, const pv_falsifier *f, size_t index);

#endif
