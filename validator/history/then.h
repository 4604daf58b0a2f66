/* Contracts as they were: what a gate was at the time of a run. */
#ifndef PV_HISTORY_THEN_H
#define PV_HISTORY_THEN_H

#include "reports/render/gate.h"
#include "validator/store/evidence.h"

typedef struct pv_then {
  const pv_contract *present;
  const pv_contract **items;        /* earlier ones, the last first */
  char (*semantics)[PV_SHA256_HEX]; /* pv_subject_contract of each, and behind them the present's */
  size_t count;
} pv_then;

/* Every version of the contract that git has of the file in `folder`, if one of the runs is about
 * another than the present one. `folder` NULL: git has none. */
pv_code pv_then_read(pv_arena *arena, const pv_contract *present, const char *folder,
                     const pv_evidence *const *runs, size_t count, pv_then *out, pv_error *err);

/* The gate that falsifier `index` of the run was judged by. False: it has none, or its contract is
 * not known any more, or the gate was the check's own default and the check is not known to be the
 * one of today. */
bool pv_then_gate(const pv_then *then, const pv_evidence *run, size_t index, pv_gate *out);

#endif
