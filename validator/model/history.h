/* The runs of one contract, as git, the published evidence and the local reports keep them, with
 * what each measured beside the gate that it was judged by. A value: all of it in one arena. */
#ifndef PV_MODEL_HISTORY_H
#define PV_MODEL_HISTORY_H

#include "validator/model/result.h"

typedef enum pv_run_origin {
  PV_RUN_COMMITTED, /* published, and git has it */
  PV_RUN_PUBLISHED, /* published, and not committed yet */
  PV_RUN_LOCAL,     /* never published: of the local reports folder */
  PV_RUN_PRESENT    /* the run that is being reported */
} pv_run_origin;
const char *pv_run_origin_name(pv_run_origin origin); /* "committed", "published", ... */

typedef struct pv_past_run {
  pv_run_origin origin;
  const char *place;     /* its folder, from the folder that has reports/ */
  const char *commit;    /* that put it there; NULL: none did */
  const char *committed; /* a commit that has it, as an id begins: "20261129T151112Z"; NULL: none */
  const char *unreadable; /* one sentence: then nothing but the above and, maybe, `id` is known */
  const char *id, *started;
  const char *version;        /* of the contract */
  const char *source;         /* the commit that was judged, with " (changed)"; "none" */
  const char *device, *model; /* model: SHA-256; NULL where none was needed */
  pv_summary summary;
  int exit_code;
} pv_past_run;

/* One number of one run. */
typedef struct pv_past_point {
  bool measured, gated, factored; /* which of these are known */
  double value;                   /* as the check measured it */
  double gate;                    /* the bound that it was judged by then */
  double margin; /* how many times better than its gate: 1 just passes (pv_gate_margin) */
} pv_past_point;

/* One falsifier of one criterion that is judged by a number, with one check. */
typedef struct pv_track {
  const char *falsifier, *check;
  const char *bound, *unit; /* name of the gate's parameter; its unit, "" when dimensionless */
  bool minimum, nines;      /* as of pv_gate */
  pv_past_point *points;    /* one for each run */
} pv_track;

typedef struct pv_past_verdict {
  bool known;
  pv_verdict verdict;
} pv_past_verdict;

typedef struct pv_past_criterion {
  const char *id;
  pv_past_verdict *verdicts; /* one for each run */
  pv_track *tracks;
  size_t track_count; /* 0: what judges it compares without a bound */
} pv_past_criterion;

typedef struct pv_history {
  const char *contract; /* its name */
  pv_past_run *runs;    /* oldest first */
  size_t run_count;
  size_t left_out;             /* older runs than those, which were not asked for */
  pv_past_criterion *criteria; /* in the order of the present contract, then those it lost */
  size_t criterion_count;
  const char *incomplete; /* why there may have been more runs than anybody can see here, or NULL */
} pv_history;

#endif
