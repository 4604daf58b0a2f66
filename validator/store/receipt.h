/* Receipts: published evidence of earlier runs, maybe of other machines, that still holds because
 * every digest it names is unchanged. */
#ifndef PV_STORE_RECEIPT_H
#define PV_STORE_RECEIPT_H

#include "validator/store/evidence.h"

typedef struct pv_receipts {
  pv_evidence *items; /* sound ones, newest first */
  size_t count;
  pv_strings broken; /* "nvidia-h100: report.md was changed" */
} pv_receipts;

/* Reads every run below `folder` ("reports/published/<contract>"); no folder is no receipt. */
pv_code pv_receipts_load(pv_arena *arena, const char *folder, pv_receipts *out, pv_error *err);

/* The id of the newest run below `folder`, or NULL. What can not be listed or read is passed over,
 * and nothing is verified. */
pv_code pv_receipts_newest(pv_arena *arena, const char *folder, const char **out, pv_error *err);

/* Fills each NOT_RUN result from the newest receipt that holds for its subject: PASS stays PASS, a
 * FAIL that still holds stays FAIL. Where receipts about the same model and prompts exist but none
 * holds the result is STALE and says what changed. Where all are about others it stays NOT_RUN,
 * says so, and is marked `judged_elsewhere`. Only what a run measured itself is a receipt, never
 * another receipt. A NOT_RUN that compared something stays: what stands in for a device looked at
 * it. So does one whose contract names the interpreter: no digest is about that; and one that
 * another part of the run judges. */
pv_code pv_receipts_apply(pv_arena *arena, const pv_receipts *receipts, const pv_subject *subjects,
                          pv_falsifier_result *results, size_t count, pv_error *err);

#endif
