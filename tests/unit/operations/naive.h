/* Kernels as one writes them first, in float32 from the formula, and the same with a defect. */
#ifndef PV_TESTS_OPERATIONS_NAIVE_H
#define PV_TESTS_OPERATIONS_NAIVE_H

#include "runtime/operations/operations.h"

typedef enum defect {
  SOUND,
  PAIRWISE,         /* sums in pairs: sound */
  BLOCKED,          /* sums of 32 lanes: sound */
  DROPPED,          /* the last element of a row */
  HALF_SUM,         /* sums of binary16 */
  BF16_SUM,         /* sums of bfloat16 */
  TF32_FACTORS,     /* factors cut to 11 bits */
  WRONG_SCALE,      /* a block's scales are those of its first */
  NO_MINIMUM,       /* of Q4_K and Q5_K */
  NO_EPS,           /* of norms */
  NO_WEIGHT,        /* the second input counts as 1 */
  SHIFTED,          /* one column late, one position too many, the other neighbour */
  LAST_ROW_MISSING, /* is what it was: 0 */
  FLUSHED,          /* subnormals are 0 */
  APPROXIMATE       /* exp and roots are 2 units in the last place off */
} defect;

typedef struct naive {
  float *real[PV_OP_TENSORS]; /* [rows][row] of outputs */
  int32_t *index[PV_OP_TENSORS];
  unsigned char *bytes[PV_OP_TENSORS];
} naive;

/* Space for the outputs in the arena, computed. */
void naive_run(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
               pv_arena *arena, naive *out);

/* A case made, expected and judged. */
typedef struct judged {
  size_t cases, compared, exact, unjudged, wrong, cases_wrong;
  double worst;
  char where[192]; /* the first wrong one, or the worst */
} judged;
void naive_judge(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n, defect d,
                 judged *out);
/* All cases of it; numerics as in "float32", "float32 ftz", "float32 approx". */
judged naive_judge_all(const char *operation, const char *numerics, defect d);

#endif
