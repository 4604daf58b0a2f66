/* What pv perplexity prints. */
#ifndef PV_PROBE_PERPLEXITY_REPORT_H
#define PV_PROBE_PERPLEXITY_REPORT_H

#include "runtime/perplexity/perplexity.h"

typedef struct pv_perplexity_report {
  const pv_perplexity_spec *spec;
  const pv_perplexity_result *result;
  pv_fit fit;
  pv_cost cost; /* of two sides */
} pv_perplexity_report;

void pv_perplexity_text(const pv_perplexity_report *report);
pv_code pv_perplexity_json(const pv_perplexity_report *report, pv_error *err);

#endif
