/* What pv bench --profile says: the time of each row of a profile, beside its floor. */
#ifndef PV_PROBE_BENCH_PROFILE_H
#define PV_PROBE_BENCH_PROFILE_H

#include <jansson.h>

#include "runtime/profile/profile.h"

typedef struct pv_profiled {
  const char *name;  /* "prefill", "decode" */
  const char *title; /* "prefill of 128" */
  size_t size;       /* 128: of the prompt, or positions before the decoded tokens */
  size_t repeats;
  const pv_profile *profile;
  const pv_plan *plan;
  const pv_ceilings *ceilings;
} pv_profiled;

/* A table that `columns` columns hold, wherever there are 60 of them. */
void pv_profiled_print(const pv_profiled *p, unsigned columns);
/* Below all tables: what the floors are made of. */
void pv_profiled_print_ceilings(const pv_ceilings *ceilings, unsigned columns);

json_t *pv_profiled_json(const pv_profiled *p);
json_t *pv_profiled_ceilings_json(const pv_ceilings *ceilings);

/* A picture in a folder: NAME-SIZE.svg. */
pv_code pv_profiled_svg(const pv_profiled *p, const char *folder, pv_error *err);

#endif
