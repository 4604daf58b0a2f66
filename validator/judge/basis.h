/* What verdicts rest on here, and what receipts still say of those that were not run. */
#ifndef PV_JUDGE_BASIS_H
#define PV_JUDGE_BASIS_H

#include "validator/judge/trial.h"
#include "validator/store/subject.h"

/* One for each falsifier: the digests that a receipt must match, from the probe's hello, from the
 * contract, and by hashing what lies here. */
pv_code pv_basis_subjects(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                          const pv_run_hello *hello, pv_subject **out, pv_error *err);

/* The same with the digests of the files that falsifiers name, and nothing else: before the run. */
pv_code pv_basis_files(pv_arena *arena, const pv_request *request, pv_subject **out, pv_error *err);
/* PV_ERR_CONFLICT when one of these files is another one after the run. */
pv_code pv_basis_unchanged(const pv_request *request, const pv_subject *before,
                           const pv_subject *after, pv_error *err);

/* Fills what was not run from receipts, where the site has a place that may be trusted. Receipts
 * that do not count are told in `notes`. */
pv_code pv_basis_receipts(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                          const pv_subject *subjects, pv_run_outcome *outcome, pv_strings *notes,
                          pv_error *err);

/* Says in `notes` when the model that lies here was never seen on a device: the contract was earned
 * with another one, and what is missing is no fault of it, but a machine. */
pv_code pv_basis_unseen(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                        const pv_run_outcome *outcome, pv_strings *notes, pv_error *err);

#endif
