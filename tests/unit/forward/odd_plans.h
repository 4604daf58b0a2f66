/* Plans of no architecture: every operation, in orders that no file has. */
#ifndef PV_TESTS_FORWARD_ODD_PLANS_H
#define PV_TESTS_FORWARD_ODD_PLANS_H

#include "runtime/model/model.h"

enum { ODD_PLANS = 3 };
extern const pv_plan odd_plans[ODD_PLANS];
extern const pv_shape odd_shapes[ODD_PLANS];

/* Random weights for a plan: matrices of more than eight rows are Q8_0, or where `mixed` every
 * third of them F32, as all else is. To be freed by odd_model_free. */
pv_model *odd_model(const pv_plan *plan, const pv_shape *shape, bool mixed);
void odd_model_free(pv_model *model);

#endif
