/* From a case of the operation to what a kernel is given. */
#ifndef PV_GUEST_TRIAL_H
#define PV_GUEST_TRIAL_H

#include "runtime/guest/device.h"

enum { PV_GUEST_INDICES = 1024 }; /* of one row that is written */

typedef struct pv_guest_case {
  pv_op_case c;
  char text[160]; /* "k=2048 rows=33 batch=2, outliers" */
  pv_guest_value numbers[PV_GUEST_VALUES];
  pv_op_values values[PV_OP_TENSORS]; /* inputs as the kernel gets them; outputs: want and bound */
  pv_guest_trial trial;
} pv_guest_case;

/* Sizes, constants and limits of a case: `*fits` false where the descriptor's limits
 * leave it out. */
pv_code pv_guest_case_fits(const pv_guest_descriptor *d, const pv_op_case *c, pv_guest_case *out,
                           bool *fits, pv_error *err);

/* Inputs, buffers, steps and what the outputs must hold, in the arena. `change`, or NULL, is asked
 * after the inputs were made, before they are rounded to what the kernel gets. `*fits` false: the
 * data can not be given in this form. */
typedef struct pv_guest_change {
  void (*inputs)(void *context, const pv_operation *op, pv_op_values *values);
  void *context;
} pv_guest_change;
pv_code pv_guest_case_make(const pv_guest_descriptor *d, const pv_guest_signature *signatures,
                           const pv_guest_change *change, pv_arena *arena, pv_guest_case *out,
                           bool *fits, pv_error *err);

#endif
