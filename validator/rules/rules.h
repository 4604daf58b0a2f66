/* Static rules: what can be said of a contract without running anything. */
#ifndef PV_RULES_RULES_H
#define PV_RULES_RULES_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/contract.h"

typedef enum pv_severity { PV_WARNING, PV_SEVERE } pv_severity;

/* One entry for each rule id that any reader or rule of pv reports. */
typedef struct pv_rule {
  const char *id;
  pv_severity severity;
  const char *title;   /* what must hold */
  const char *because; /* why */
  const char *fix;     /* what to do */
} pv_rule;
const pv_rule *pv_rule_list(size_t *count);  /* ordered by id */
const pv_rule *pv_rule_find(const char *id); /* NULL when there is none */

typedef struct pv_finding {
  const pv_rule *rule;
  char *file, *message, *hint; /* owned by the arena; hint may be "" */
  int64_t line, column;        /* 0 when the whole file is meant */
} pv_finding;

typedef struct pv_findings {
  pv_finding *items; /* owned by the arena */
  size_t count, severe;
} pv_findings;

/* Adds one finding; PV_ERR_NOMEM or, for an id that the list lacks, PV_ERR_INTERNAL. */
pv_code pv_findings_add(pv_arena *arena, pv_findings *findings, const char *rule, const char *file,
                        int64_t line, int64_t column, const char *hint, pv_error *err,
                        const char *fmt, ...) __attribute__((format(printf, 9, 10)));
/* An error of a reader as a finding. Errors without a rule id (I/O, memory) are returned. */
pv_code pv_findings_from_error(pv_arena *arena, pv_findings *findings, const pv_error *error,
                               pv_error *err);

/* All rules over a loaded contract, which is then bound to what the probe can check and to what its
 * providers said if they were asked (pv_bind_checks). Starts none of them. Looks for depends_on and
 * evidence beside the file. */
pv_code pv_rules_run(pv_arena *arena, const pv_known *known, pv_contract *contract,
                     pv_findings *findings, pv_error *err);

/* The older dialect of another project, read-only: a document that is not of pv's schema. */
pv_code pv_rules_dialect(pv_arena *arena, const char *file, const pv_yaml_node *root,
                         pv_findings *findings, pv_error *err);

#endif
