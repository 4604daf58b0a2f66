/* Whether the weights that make one element of a stage are numbers. */
#ifndef PV_FORWARD_WEIGHTS_H
#define PV_FORWARD_WEIGHTS_H

#include <stdbool.h>

#include "runtime/forward/backend.h"

/* An element of a stage: the token id decides the row of the embedding, the expert (-1: not known)
 * that of the experts' tensors. */
typedef struct pv_stage_element {
  pv_stage_id stage;
  uint32_t layer, id;
  size_t index; /* in the row of the stage */
  int64_t expert;
} pv_stage_element;

typedef struct pv_bad_weight {
  bool present;
  uint64_t element; /* of the tensor, in the order of the file */
  double value;
} pv_bad_weight;

/* The first weight that is no finite number, of those that the element is a product of. Other
 * weights of the tensor are not looked at: they may be bad and have nothing to do with it. */
pv_bad_weight pv_stage_bad_weight(const pv_model *model, const pv_stage_element *element);

#endif
