/* Many runs of many contracts over models on devices: the newest of each, and what there is not.
 * Texts are owned by the arena of whoever gathered them. */
#ifndef PV_MODEL_CAMPAIGN_H
#define PV_MODEL_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Runs of one contract over one model on one device. */
typedef struct pv_campaign_cell {
  const char *contract, *model, *model_sha256;    /* the model's are "" of a run that needed none */
  const char *device;                             /* "cpu" for none */
  size_t runs;                                    /* 0: nobody ran it, and the rest is not there */
  const char *run_id, *started, *outcome, *place; /* of the newest; the place from the folder */
  int exit_code;
  const char *stale; /* why the newest no longer holds here; NULL: it does, or `unknown` says why */
  const char *unknown; /* nobody can say whether it does */
} pv_campaign_cell;

/* A falsifier over which the newest runs on two devices disagree. */
typedef struct pv_campaign_difference {
  const char *contract, *model, *falsifier;
  const char *device[2], *verdict[2];
} pv_campaign_difference;

typedef struct pv_campaign_broken {
  const char *place, *why;
} pv_campaign_broken;

typedef struct pv_campaign {
  size_t runs, contracts, models, devices; /* different ones */
  pv_campaign_cell *cells; /* by contract, model, device; with those that nobody ran */
  size_t cell_count, missing, stale;
  pv_campaign_difference *differences;
  size_t difference_count;
  pv_campaign_broken *broken; /* evidence that does not count */
  size_t broken_count;
} pv_campaign;

#endif
