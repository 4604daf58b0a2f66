/* The bound that a falsifier judges by: the contract's parameter, else the check's default. */
#ifndef PV_RENDER_GATE_H
#define PV_RENDER_GATE_H

#include <stdbool.h>

#include "reports/render/render.h"

typedef struct pv_gate {
  const char *name; /* of the parameter: "tolerance", "min_cosine", "max_ulp", ... */
  const char *text; /* the value as written */
  const char *unit; /* "" when dimensionless */
  double value;
  bool minimum; /* what is measured must not lie below it */
  bool nines;   /* a minimum just below 1, its largest value: a cosine */
} pv_gate;

/* False when the check compares without a bound, or computes its own. */
bool pv_gate_find(const pv_falsifier *falsifier, pv_gate *out);
/* "≤ 1e-6", "≥ 150 tokens/s"; a cosine with its distance from 1: "≥ 0.99999999 (1 − 1e-8)". */
void pv_gate_put(pv_text *out, const pv_gate *gate);
/* What was measured, in the terms of the gate; `gate` may be NULL. */
void pv_gate_put_measured(pv_text *out, const pv_gate *gate, double measured);
/* How many times better than its gate a measurement is: 1 just passes, less does not. Of a cosine
 * the distances from 1 are compared. Infinite where nothing is left of what the gate bounds; false
 * where no such factor exists: a gate of 0 or of a cosine of 1, a measurement that is no number. */
bool pv_gate_margin(const pv_gate *gate, double measured, double *out);

#endif
