/* The operation suite: what the shader proof.comp computes, over which inputs, and what the CPU
 * says. */
#ifndef PV_VULKAN_CASES_H
#define PV_VULKAN_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of inputs of 32 bits up to PV_OP_DOT, of 64 from PV_OP_LONG_FIRST on. */
typedef enum pv_op_code {
  PV_OP_SUM = 0,
  PV_OP_DIFFERENCE,
  PV_OP_PRODUCT,
  PV_OP_TWICE_ROUNDED, /* a b + c, rounded after each */
  PV_OP_QUOTIENT,
  PV_OP_ROOT,
  PV_OP_FUSED,  /* a b + c, rounded once */
  PV_OP_PLANES, /* fma(256, a, b) */
  PV_OP_WHOLE,  /* (a + 12582912) - 12582912 */
  PV_OP_TREE,   /* the sum of 256, one result for each group of them */
  PV_OP_HALF,   /* 16 bits number i of the array of words */
  PV_OP_BFLOAT,
  PV_OP_FOLDED,      /* float to int32: 4096 results in one number */
  PV_OP_FOLDED_LAST, /* float to uint32 */
  PV_OP_DOT,         /* four products of signed bytes, and their sum */
  PV_OP_LONG_FIRST = 16,
  PV_OP_SUM_LONG = PV_OP_LONG_FIRST,
  PV_OP_DIFFERENCE_LONG,
  PV_OP_PRODUCT_LONG,
  PV_OP_WIDENED,
  PV_OP_NARROWED,
  PV_OP_FROM_INT32,
  PV_OP_FROM_UINT32,
  PV_OP_FROM_INT64,
  PV_OP_FUSED_LONG,    /* a b + c, rounded once; b is a float32 */
  PV_OP_CONVERTED = 32 /* as PV_OP_FOLDED, one by one: the input is base + i */
} pv_op_code;

typedef enum pv_op_inputs {
  PV_INPUTS_NORMAL,    /* neither an operand nor a result is subnormal: others are not compared */
  PV_INPUTS_SUBNORMAL, /* operands or results are */
  PV_INPUTS_SMALL,     /* of |x| < 2^22 */
  PV_INPUTS_PLANES,    /* whole numbers of few bits, as sums of bytes are */
  PV_INPUTS_INDEX,     /* 0, 1, 2, ... as 16 bits each */
  PV_INPUTS_ANY,       /* any bits */
  PV_INPUTS_LONG,      /* float64, near each other too */
  PV_INPUTS_LONG_TIES, /* the same, and sums that lie beside the point half way between two */
  PV_INPUTS_EVERY      /* of the range, each once */
} pv_op_inputs;

typedef struct pv_operation {
  const char *name, *form; /* the form that the shaders use */
  pv_op_code code;
  pv_op_inputs inputs;
  uint32_t first;  /* of PV_INPUTS_EVERY: the first input, */
  uint64_t length; /* and how many, in whole 2^24 */
} pv_operation;

enum { PV_OP_CASES = 65536, PV_OP_GROUP = 256, PV_OP_FOLD = 4096 };

const pv_operation *pv_operations(size_t *count);
bool pv_op_is_long(pv_op_code code);
/* PV_OP_CASES inputs into each of three arrays, of 32 or 64 bits; equal in each run. */
void pv_op_inputs_make(const pv_operation *operation, void *a, void *b, void *c);
/* What the CPU gives for case `i` of those inputs; of PV_OP_TREE for group `i`. */
uint64_t pv_op_expected(const pv_operation *operation, const void *a, const void *b, const void *c,
                        uint32_t i);
/* Whether two results are the same: the same bits, or both no number. */
bool pv_op_same(const pv_operation *operation, uint64_t got, uint64_t want);
/* Whether a result counts: where no subnormals are asked for, none is looked at. */
bool pv_op_counts(const pv_operation *operation, uint64_t a, uint64_t b, uint64_t want);
/* Of PV_INPUTS_EVERY: one input, and PV_OP_FOLD of them from `first` on. */
uint32_t pv_op_converted(const pv_operation *operation, uint32_t bits);
uint32_t pv_op_folded(const pv_operation *operation, uint32_t first);

#endif
