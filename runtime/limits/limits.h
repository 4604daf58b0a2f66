/* Is another engine's run what its identity explains? One side, computed or recorded, is led
 * through the walk; each stage is made again from the side's own inputs in float64, products over
 * activations rounded as the identity says, and every element must lie within the limit of its
 * operation. Nothing is said of a stage that was not recorded, or whose inputs were not. The limits
 * and where they come from: docs/numerics.md. */
#ifndef PV_LIMITS_LIMITS_H
#define PV_LIMITS_LIMITS_H

#include "kernels/foreign/foreign.h"
#include "runtime/limits/structure.h"
#include "runtime/walk/walk.h"

typedef struct pv_limits_spec {
  const pv_model *model;
  const pv_source *source;
  const pv_foreign *identity;
  const uint32_t *ids;
  size_t count; /* positions: they are one batch */
  unsigned threads;
  double factor; /* of every limit; 1: as they are */
  /* Which stages are judged; NULL: all. The others are what these are made from all the same.
   * `layer` is 0 outside the layers. */
  bool (*want)(const void *context, pv_stage_id stage, uint32_t layer);
  const void *want_context;
  pv_walk_progress *progress;
} pv_limits_spec;

typedef enum pv_limits_why {
  PV_LIMITS_WITHIN,
  PV_LIMITS_BEYOND,    /* further off than the limit */
  PV_LIMITS_NO_NUMBER, /* where the operation has one, or a number where it has none */
  PV_LIMITS_WIDTH,     /* as many elements as no row of this model has: got and exact */
  PV_LIMITS_STRUCTURE  /* and more: PV_LIMITS_STRUCTURE + what of structure.h is wrong */
} pv_limits_why;

typedef struct pv_limits_place {
  pv_limits_why why; /* WITHIN: there is none */
  pv_stage_id stage;
  uint32_t layer;
  size_t position, index;
  double got, exact, limit;
  double ratio; /* of the distance to the limit; infinite without a figure */
} pv_limits_place;

typedef struct pv_limits_stage {
  uint64_t elements, beyond; /* judged, and those not within */
  double ratio;              /* largest */
  uint64_t first, last;      /* positions of those not within */
} pv_limits_stage;

typedef struct pv_limits_result {
  const pv_plan *plan;
  uint32_t layers;
  pv_limits_stage (*stages)[PV_STAGES_MAX]; /* [layer]; outside the layers in layer 0; owned */
  pv_limits_place first, worst;             /* in the order of computation; by ratio */
  uint64_t judged, beyond;                  /* elements */
  uint64_t unjudged;                        /* recorded tensors without inputs for any row */
  uint64_t absent;                          /* tensors that were not recorded; of those wanted */
  double wide; /* mean binary logarithm of the limits: how much they allow */
} pv_limits_result;

pv_code pv_limits(const pv_limits_spec *spec, pv_limits_result *out, pv_error *err);
void pv_limits_free(pv_limits_result *result);

/* In words. */
const char *pv_limits_text(pv_limits_why why);

/* How far an element may be from `exact`, of which `largest` is the largest in its row or head.
 * `bound`: of a product, what its identity allows; of an embedding, what its scale may differ by.
 */
double pv_limits_of(pv_op op, const pv_foreign *identity, size_t position, double exact,
                    double largest, double bound);

#endif
