/* What the two ways of pv compare share: by numbers, and by digests. */
#ifndef PV_PROBE_COMPARE_H
#define PV_PROBE_COMPARE_H

#include "runtime/probe/pair.h"

typedef enum pv_outcome { PV_EQUAL, PV_DIFFERENT, PV_VACUOUS, PV_INCOMPARABLE } pv_outcome;
const char *pv_outcome_word(pv_outcome outcome);
int pv_outcome_exit(pv_outcome outcome);

/* Why nothing follows from bits that differ: two functions, two models or two texts. NULL: it does.
 */
const char *pv_compare_why(const pv_source sides[2], bool other_model, bool other_ids);
/* ,"name":"text", or null. */
void pv_compare_json_text(const char *name, const char *text);

/* Two traces by their digests; prints, and says how it ends. */
pv_code pv_compare_digests(const pv_pair *pair, const char *stages, const char *layers, bool json,
                           int *exit_code, pv_error *err);

#endif
