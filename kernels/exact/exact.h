/* The arbiter's kernels: float64 over dequantised weights, written to be read next to the formulas,
 * with libm and without the tricks of the fast kernels, so that they are an independent witness.
 * One member for each operation, as in kernels/cpu/cpu.h. */
#ifndef PV_EXACT_EXACT_H
#define PV_EXACT_EXACT_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/arith/act.h"
#include "kernels/arith/rope.h"
#include "kernels/quant/quant.h"

typedef struct pv_exact_act {
  const double *x; /* a row of k activations */
} pv_exact_act;

/* out[t][first_out + r] = row r . act t */
typedef struct pv_exact_mm {
  pv_type type;
  const unsigned char *rows; /* first row */
  uint64_t row_bytes;
  size_t row_count, k; /* k: at most PV_EXACT_K_MAX */
  const pv_exact_act *acts;
  double *const *out;
  size_t first_out, act_count;
} pv_exact_mm;

/* One query head at one position over the cache. */
typedef struct pv_exact_attend {
  const double *q;     /* head_dim */
  const double *k, *v; /* position 0 of the KV head; position p is at p * stride */
  size_t stride, head_dim, positions;
  double scale;      /* of the scores; 0: 1 / sqrt(head_dim) */
  const float *sink; /* one more logit, without a value; NULL: none */
  double *out;       /* head_dim */
  double *scratch;   /* attend_scratch(head_dim, positions) numbers */
} pv_exact_attend;

typedef struct pv_exact_kernels {
  void (*gather)(pv_type type, const void *row, uint64_t count, double *out);
  void (*mm)(const pv_exact_mm *mm);
  void (*rmsnorm)(const double *x, const float *weight, size_t n, double eps, double *out);
  void (*angles)(const pv_rope *rope, size_t n, size_t position, double *cos, double *sin);
  void (*rope)(double *x, size_t n, const double *cos, const double *sin);
  void (*rope_neighbours)(double *x, size_t n, const double *cos, const double *sin);
  size_t (*attend_scratch)(size_t head_dim, size_t positions);
  void (*attend)(const pv_exact_attend *attend);
  void (*swiglu)(const double *gate, const double *up, size_t n, double *out);
  void (*geglu)(const double *gate, const double *up, size_t n, double *out);
  void (*swiglu_clamped)(const double *gate, const double *up, size_t n, double *out);
  void (*gate)(const double *x, double logit, size_t n, double *out);
  void (*bias)(const double *x, const float *bias, size_t n, double *out);
  void (*scale)(const double *x, double factor, size_t n, double *out);
  void (*add)(const double *a, const double *b, size_t n, double *out);
  void (*combine)(const double *const *rows, const double *weight, size_t ranks, size_t n,
                  double *out);
  void (*route)(pv_route_form form, const double *logits, size_t n, size_t used, int32_t *indices,
                double *weights);
  int32_t (*argmax)(const double *x, size_t n);
} pv_exact_kernels;

#define PV_EXACT_EXPERTS_MAX 1024
#define PV_EXACT_K_MAX       65536
#define PV_EXACT_HEAD_MAX    256 /* head_dim, see the metadata of an architecture */

extern const pv_exact_kernels pv_exact;

#endif
