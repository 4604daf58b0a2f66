/* Tables that stay within a number of bytes and say how many rows they left out. */
#ifndef PV_RENDER_TALLY_H
#define PV_RENDER_TALLY_H

#include <stdbool.h>

#include "base/text.h"

typedef struct pv_tally {
  size_t begin, budget, omitted;
} pv_tally;

static inline pv_tally pv_tally_begin(const pv_text *out, size_t budget) {
  return (pv_tally){out->length, budget, 0};
}

/* True when one more row fits; a row never spans more than a few KB, since values are clipped. */
static inline bool pv_tally_row(pv_tally *tally, const pv_text *out) {
  if (tally->omitted == 0 && out->length - tally->begin < tally->budget) return true;
  tally->omitted++;
  return false;
}

#endif
