/* The folder of one run: made beside its place, complete or not there at all. */
#ifndef PV_JUDGE_FOLDER_H
#define PV_JUDGE_FOLDER_H

#include "validator/store/evidence.h"

typedef struct pv_run_folder {
  char *parent;    /* "<root>/reports/runs/<contract>" */
  char *temporary; /* "<parent>/.<run id>" */
  char *final;     /* "<parent>/<run id>" */
  bool finished;   /* it has its name */
  bool named;      /* and a contract on the disk names it */
} pv_run_folder;

/* Makes the parent, and the temporary folder in it. Before the run, so that a folder that can not
 * be written is known before anything is computed. */
pv_code pv_run_folder_open(pv_arena *arena, const char *base, const char *contract,
                           const char *run_id, pv_run_folder *out, pv_error *err);

/* Renders everything into the temporary folder; evidence.json, which holds the digests of the
 * others, comes last. `shown` is the final folder's name in the reports. */
pv_code pv_run_folder_fill(pv_arena *arena, const pv_run_folder *folder, pv_evidence *evidence,
                           const char *shown, pv_error *err);

/* Gives the folder its name, for good. Refused when Ctrl-C was pressed meanwhile. */
pv_code pv_run_folder_finish(pv_run_folder *folder, pv_error *err);

/* Removes the temporary folder if it is still there; with `published`, the final one too, unless a
 * contract names it. */
void pv_run_folder_drop(pv_run_folder *folder, bool published);

#endif
