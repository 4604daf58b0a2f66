/* One line on a terminal that says what is being run. Everything takes NULL and does nothing. */
#ifndef PV_RUN_PROGRESS_H
#define PV_RUN_PROGRESS_H

#include <stdint.h>

#include "validator/model/contract.h"

typedef struct pv_progress pv_progress;

/* NULL unless `wanted` and stderr is a terminal. */
pv_progress *pv_progress_open(bool wanted, size_t answered, size_t total);
void pv_progress_begin(pv_progress *progress, const pv_falsifier *falsifier);
void pv_progress_part(pv_progress *progress, int64_t done, int64_t total);
void pv_progress_answer(pv_progress *progress);
/* Wipes the line and frees. */
void pv_progress_close(pv_progress *progress);

#endif
