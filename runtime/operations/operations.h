/* Operations that somebody's kernel may stand for: sizes, tensors, cases, and what the outputs must
 * hold. The values are exact (float64 over the weights as they decode); the bound says how far a
 * kernel may be from them that computes as it declares, in any order: docs/numerics.md. No model
 * and no kernel is needed. One file a family, one row each in its table. */
#ifndef PV_OPERATIONS_OPERATIONS_H
#define PV_OPERATIONS_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "kernels/quant/quant.h"
#include "runtime/alone/alone.h"
#include "runtime/operations/formats.h"

enum { PV_OP_SIZES = 6, PV_OP_TENSORS = 8, PV_OP_SCALARS = 2 };

typedef enum pv_op_element {
  PV_OP_REAL,    /* numbers, which a kernel may be given in any pv_format (formats.h) */
  PV_OP_WEIGHTS, /* rows of blocks of a pv_type */
  PV_OP_PACKED,  /* rows of blocks of a pv_format that the operation itself reads or makes */
  PV_OP_INDEX    /* int32 */
} pv_op_element;
typedef enum pv_op_role { PV_OP_IN, PV_OP_OUT, PV_OP_CHANGED /* read, then written */ } pv_op_role;

/* `rows` and `row` are expressions over the sizes: names and numbers, joined by * and /. */
typedef struct pv_op_tensor {
  const char *name; /* "weights", "x", "y"; NULL past the last */
  pv_op_element element;
  pv_op_role role;
  const char *rows, *row; /* how many rows, and elements of one: "batch", "k" */
  const char *about;
} pv_op_tensor;

/* A number that is no tensor: eps, a base of angles. */
typedef struct pv_op_scalar {
  const char *name; /* NULL past the last */
  double value;     /* of every case; a caller may replace it in the case */
} pv_op_scalar;

typedef struct pv_op_case {
  uint32_t size[PV_OP_SIZES];   /* in the order of the operation's `size` */
  double scalar[PV_OP_SCALARS]; /* the same */
  pv_alone_data data;
  uint64_t seed;
} pv_op_case;

/* How a kernel computes, as its descriptor declares it. */
typedef struct pv_op_numerics {
  const char
      *name; /* "float32", "tf32", "float16", "bfloat16": sums and what lies between, in any
                order; "i16", "i8", "f32-f64acc": an identity of ours, the definition's bits */
  const char *about;
  bool is_identity;
  pv_product product; /* of an identity */
  int bits;           /* of a sum's significand: 24, 11, 8 */
  double unit;        /* largest relative rounding of one addition: 2^-24, 2^-11, 2^-8 */
  int factor_bits;    /* of each factor of a product; more than `bits`: as they are */
  double factor;      /* its relative rounding; 0: none */
  double least, most; /* half a unit of subnormal numbers; largest finite number */
  bool approx, ftz;   /* approximate exp, division, roots; subnormals flushed: set by the caller */
} pv_op_numerics;

/* One tensor of one case. All arrays are in the arena that made them. */
typedef struct pv_op_values {
  size_t rows, row; /* of elements */
  pv_format format; /* PV_OP_REAL: how the kernel stores them; F32 until a caller says otherwise,
                       before pv_operation_expect: a stored number is then rounded once more */
  float *real;      /* PV_OP_REAL, [rows][row]; a caller may round them to what its kernel gets.
                       NULL of an output */
  unsigned char *bytes; /* PV_OP_WEIGHTS, PV_OP_PACKED */
  size_t row_bytes;
  int32_t *index; /* PV_OP_INDEX */

  /* Of what is written, after pv_operation_expect: [rows][parts]. `parts` is `row`, but of
   * PV_OP_PACKED as many numbers as pv_format_numbers takes from a row. */
  size_t parts;
  double *want, *bound; /* see pv_op_excess */
  int32_t *want_index;  /* see pv_op_index_fits; -1: not judged */
  const double *key;    /* of candidates, [rows][keys]; NULL: only `want_index` will do */
  size_t keys;
  double slack; /* how far apart keys of a tie may be */
} pv_op_values;

typedef struct pv_operation pv_operation;
struct pv_operation {
  const char *name, *about, *formula;
  const char *size[PV_OP_SIZES]; /* names; NULL past the last */
  pv_op_scalar scalar[PV_OP_SCALARS];
  pv_op_tensor tensor[PV_OP_TENSORS];
  pv_type type;     /* of PV_OP_WEIGHTS */
  pv_format packed; /* of PV_OP_PACKED */
  int kind;         /* within a family */
  const pv_op_case *cases;
  size_t case_count;
  /* Why the sizes make no case, or NULL. May be NULL itself. */
  const char *(*refuse)(const pv_operation *op, const pv_op_case *c);
  /* Inputs, and what is changed, into arrays that are there. */
  void (*fill)(const pv_operation *op, const pv_op_case *c, uint64_t *state, pv_op_values *values);
  /* `want` and `bound` or `want_index`, into arrays that are there. */
  pv_code (*expect)(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                    pv_arena *arena, pv_op_values *values, pv_error *err);
};

/* NULL past the last; NULL for an unknown name. */
const pv_operation *pv_operation_at(size_t n);
const pv_operation *pv_operation_find(const char *name);
size_t pv_operation_tensors(const pv_operation *op);

/* False past the last. The first dozen have every kind of data and of size; `*out` may then be
 * changed (sizes, scalars, data) and is refused by pv_operation_make where that makes no case. */
bool pv_operation_case_at(const pv_operation *op, size_t index, pv_op_case *out);
/* "k=2048 rows=33 batch=2, outliers" */
void pv_operation_case_text(const pv_operation *op, const pv_op_case *c, char *out, size_t size);
/* A size or a scalar of the case by its name; false: unknown. */
bool pv_operation_number(const pv_operation *op, const pv_op_case *c, const char *name,
                         double *out);

/* The tensors of a case, values[i] of tensor i; `values` has PV_OP_TENSORS. Equal cases are equal
 * in every bit. PV_ERR_INPUT: sizes that make no case; PV_ERR_LIMIT: more than 2^31 bytes. */
pv_code pv_operation_make(const pv_operation *op, const pv_op_case *c, pv_arena *arena,
                          pv_op_values *values, pv_error *err);
/* What the outputs must hold, given the inputs as they now are. PV_ERR_UNSUPPORTED: an identity
 * that does not define the operation. */
pv_code pv_operation_expect(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n,
                            pv_arena *arena, pv_op_values *values, pv_error *err);

/* NULL past the last. */
const pv_op_numerics *pv_op_numerics_at(size_t n);
bool pv_op_numerics_find(const char *name, pv_op_numerics *out);

/* Bound -1: not judged. */
#define PV_OP_ANY (-1.0)
/* How many bounds `got` is from `want`: at most 1 is right. Bound 0: equal, zeros of either sign; a
 * NaN for a NaN. Bound infinity: any number that is not finite. PV_OP_ANY: 0. */
double pv_op_excess(double got, double want, double bound);
/* Whether rank i of a row may hold got[i]: the index wanted or one whose key is as good, and none
 * before it in the row. `got` is the whole row. */
bool pv_op_index_fits(const pv_op_values *v, size_t row, const int32_t *got, size_t i);

#endif
