/* The CPU kernels: one table of functions per code path, with a member for each operation. Every
 * path computes the same bits (see kernels/arith/act.h); they differ in speed alone. */
#ifndef PV_CPU_CPU_H
#define PV_CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/arith/act.h"
#include "kernels/arith/rope.h"
#include "kernels/quant/quant.h"

/* What a matrix product computes (the matrix part of a numerics identity). */
typedef enum pv_product { PV_PRODUCT_I16, PV_PRODUCT_I8, PV_PRODUCT_F64ACC } pv_product;

/* In which blocks a row is rounded: as those of the weights that it meets. */
typedef enum pv_grain { PV_GRAIN_32, PV_GRAIN_256, PV_GRAINS } pv_grain;

static inline pv_grain pv_grain_of(pv_type type) {
  return pv_type_get(type)->block_elements == 256 ? PV_GRAIN_256 : PV_GRAIN_32;
}

/* A rounded row. Each 256 elements of `q`, each 8 of `d` and `sum` and each 16 of `offset` are
 * permuted (pv_act_slot, pv_segment_slot, pv_half_slot): segments lie side by side in the lanes of
 * a register, in the order that the weights' formats give with the fewest shuffles. The last 256
 * are padded with zeros. */
typedef struct pv_planes {
  int16_t *q;      /* K rounded up to 256 */
  float *d;        /* as many / 32: the scale of the block that a segment is in */
  int32_t *sum;    /* as many / 32 sums of q over a segment */
  int32_t *offset; /* as many / 16: 32 * sum of q over half a segment, what Q6_K's weights are too
                      large by while they count from 0 instead of -32 */
} pv_planes;

/* One row of K activations, ready for the types of weights whose grain was asked for. The pointers
 * belong to the caller. */
typedef struct pv_act {
  const float *x; /* K, as they were: for weights that are not quantised, and for f64acc */
  pv_planes by[PV_GRAINS];
} pv_act;

/* Bits of the number of a segment in its 256, reversed: 0 4 2 6 1 5 3 7. Neighbours in this order
 * are what the fold adds first. */
static inline size_t pv_segment_slot(size_t s) {
  return (s & ~(size_t)7) + 4 * (s & 1) + (s & 2) + (s >> 2 & 1);
}

/* Place of half `h` of segment s: the even segments' first halves beside the odd ones' second, then
 * the other halves, so that adding the two eights gives whole segments. */
static inline size_t pv_half_slot(size_t s, size_t h) {
  return 2 * (s & ~(size_t)7) + 8 * ((s ^ h) & 1) + pv_segment_slot(s & 7);
}

/* Place of element i: four bytes of a half segment share a lane of 32 bits in two registers, bytes
 * 0 and 2 in one, 1 and 3 in the other. */
static inline size_t pv_act_slot(size_t i) {
  const size_t lane = pv_half_slot(i / 32 % 8, i / 16 % 2);
  return (i & ~(size_t)255) + 128 * (lane / 8) + 32 * (i / 4 % 4) + 16 * (i % 2) + 2 * (lane % 8) +
         i / 2 % 2;
}

/* K rounded up to whole 256. */
static inline size_t pv_act_padded(size_t k) {
  return (k + 255) & ~(size_t)255;
}

/* A product of `row_count` consecutive rows with `act_count` activation rows:
 * out[t][first_out + r] = row r . act t. */
typedef struct pv_mm {
  pv_type type;
  pv_product product;
  const unsigned char *rows; /* first row */
  uint64_t row_bytes;
  size_t row_count, k;
  const pv_act *acts;
  float *const *out;
  size_t first_out, act_count;
} pv_mm;

/* Grouped-query attention of one query head at one position over the cache. */
typedef struct pv_attend {
  const float *q;     /* head_dim */
  const float *k, *v; /* position 0 of the KV head; position p is at p * stride */
  size_t stride;
  size_t head_dim;  /* a multiple of 8, at most PV_HEAD_DIM_MAX */
  size_t positions; /* 1.. */
  float scale;
  const float *sink; /* one more logit, without a value; NULL: none */
  float *out;        /* head_dim */
  float *scratch;    /* pv_attend_scratch(head_dim, positions) floats */
} pv_attend;
size_t pv_attend_scratch(size_t head_dim, size_t positions);

typedef struct pv_cpu_path {
  const char *name; /* "scalar", "avx2", "vnni" */
  /* Fills the planes of a row. */
  void (*round)(pv_product product, pv_grain grain, const float *x, size_t k, const pv_planes *out);
  /* `count` weights of a row of the token embedding. */
  void (*gather)(pv_type type, const void *row, uint64_t count, float *out);
  void (*mm)(const pv_mm *mm);
  void (*rmsnorm)(const float *x, const float *weight, size_t n, float eps, float *out);
  /* cos and sin of a position for i < n / 2. */
  void (*angles)(const pv_rope *rope, size_t n, size_t position, float *cos, float *sin);
  /* In place over one head: pairs turned by cos[i], sin[i]: (i, i + n/2), and (2 i, 2 i + 1). */
  void (*rope)(float *x, size_t n, const float *cos, const float *sin);
  void (*rope_neighbours)(float *x, size_t n, const float *cos, const float *sin);
  size_t (*attend_scratch)(size_t head_dim, size_t positions); /* in floats */
  void (*attend)(const pv_attend *attend);
  void (*swiglu)(const float *gate, const float *up, size_t n, float *out);
  void (*geglu)(const float *gate, const float *up, size_t n, float *out);
  void (*swiglu_clamped)(const float *gate, const float *up, size_t n, float *out);
  /* x * sigmoid(logit) */
  void (*gate)(const float *x, float logit, size_t n, float *out);
  void (*bias)(const float *x, const float *bias, size_t n, float *out);
  void (*scale)(const float *x, float factor, size_t n, float *out);
  void (*add)(const float *a, const float *b, size_t n, float *out);
  /* out = sum over ranks of weight[r] * row[r], rank 0 first: product, then fma. */
  void (*combine)(const float *const *rows, const float *weight, size_t ranks, size_t n,
                  float *out);
  /* The `used` best of n router logits by (value, index), and their weights. */
  void (*route)(pv_route_form form, const float *logits, size_t n, size_t used, int32_t *indices,
                float *weights);
  /* The first by (value, index). */
  int32_t (*argmax)(const float *x, size_t n);
} pv_cpu_path;

extern const pv_cpu_path pv_cpu_scalar;
#ifdef PV_HAVE_AVX2
extern const pv_cpu_path pv_cpu_avx2, pv_cpu_vnni;
#endif

/* The path of that name if this machine can run it, else NULL. NULL asks for the fastest. */
const pv_cpu_path *pv_cpu_path_get(const char *name);

#endif
