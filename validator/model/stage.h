/* The status of a stage: nobody types it. */
#ifndef PV_MODEL_STAGE_H
#define PV_MODEL_STAGE_H

#include "validator/model/result.h"

/* What the verdicts of the result's criteria make of a stage. An id that the result lacks never
 * holds. */
pv_stage_result pv_stage_derive(const pv_result *result, const pv_stage *stage);

#endif
