/* One run of one kernel: its buffers, what they must hold afterwards, its launches. */
#ifndef PV_ALONE_TRIAL_H
#define PV_ALONE_TRIAL_H

#include "base/arena.h"
#include "kernels/cpu/cpu.h"
#include "runtime/alone/alone.h"

enum { PV_TRIAL_OUTPUTS = 16, PV_TRIAL_LAUNCHES = 3, PV_TRIAL_ARGS = 512 };

typedef struct pv_trial_launch {
  const pv_kernel *kernel;
  unsigned number;
  size_t rows;
  _Alignas(8) unsigned char args[PV_TRIAL_ARGS];
} pv_trial_launch;

typedef struct pv_trial {
  pv_gpu *gpu;             /* NULL: there is no device, and `ops` computes all there is */
  const pv_kernel *kernel; /* the one on trial */
  const pv_cpu_path *ops;  /* say what the outputs must hold */
  pv_alone_case c;
  float max; /* of a rounded activation */
  pv_product product;
  bool unasked; /* what the outputs must hold is not: products and attention are left out */
  uint64_t seed, bytes;
  uint64_t operations; /* see pv_alone_result */
  pv_arena arena;
  pv_alone_output output[PV_TRIAL_OUTPUTS];
  size_t output_count;
  pv_trial_launch launch[PV_TRIAL_LAUNCHES];
  size_t launch_count;
  pv_code code; /* the first error; later calls do nothing */
  pv_error *err;
} pv_trial;

/* Memory of the host, zeros, until the trial ends. After an error: NULL; ask `code` before it is
 * used. */
void *pv_trial_room(pv_trial *t, size_t count, size_t size);
#define PV_TRIAL_NEW(t, count, type) ((type *)pv_trial_room((t), (count), sizeof(type)))

/* `count` numbers as the case wants them. */
float *pv_trial_reals(pv_trial *t, size_t count);

/* A copy in device memory, of exactly these bytes. */
uint64_t pv_trial_input(pv_trial *t, const void *bytes, size_t count);
/* Device memory that holds nothing meaningful; afterwards it must hold `want`, `words` of 32 bits.
 */
uint64_t pv_trial_output_at(pv_trial *t, const char *name, bool real, const void *want,
                            size_t words);
/* What the operation behind the last output was given: see pv_alone_output. */
void pv_trial_given(pv_trial *t, const void *first, const void *second);
/* As pv_trial_output_at, but it holds `before` first. */
uint64_t pv_trial_changed(pv_trial *t, const char *name, bool real, const void *before,
                          const void *want, size_t words);
/* Device memory that a later launch of the same trial reads. */
uint64_t pv_trial_between(pv_trial *t, size_t words);

/* `experts` x rows x k random weights of a type; `host` gets them. */
pv_cuda_rows pv_trial_rows(pv_trial *t, pv_type type, uint32_t k, uint32_t rows, uint32_t experts,
                           const unsigned char **host);
/* Rows of activations as inputs, unrounded and rounded. */
pv_cuda_acts pv_trial_acts(pv_trial *t, const float *x, uint32_t k, uint32_t rows, uint32_t share);
/* The same as outputs: what rows of `x` are rounded to. */
pv_cuda_acts pv_trial_rounded(pv_trial *t, pv_grain grain, const float *x, uint32_t k,
                              uint32_t rows);

/* out[t][r] = row r . x[t], by `ops`. `experts`, or NULL, of each row of out. */
void pv_trial_multiply(pv_trial *t, const pv_cuda_rows *rows, const unsigned char *host,
                       const float *x, uint32_t share, const int32_t *experts, uint32_t count,
                       float *out);

/* Whether the kernel on trial takes an argument of these sizes: asked before `ops` computes
 * anything, which has the same limits. */
bool pv_trial_takes(pv_trial *t, size_t rows, const void *sizes);

/* The form of routing of a case, which its data say. */
pv_route_form pv_trial_form(const pv_trial *t);

/* To be launched in this order. */
void pv_trial_launch_add(pv_trial *t, const pv_kernel *kernel, size_t rows, const void *args);

/* The families: cases for an argument. */
void pv_trial_embed(pv_trial *t);
void pv_trial_gemv(pv_trial *t);
void pv_trial_f64acc(pv_trial *t);
void pv_trial_gemm(pv_trial *t);
void pv_trial_wide(pv_trial *t);
void pv_trial_gate_up(pv_trial *t);
void pv_trial_down(pv_trial *t);
void pv_trial_norm(pv_trial *t);
void pv_trial_heads(pv_trial *t);
void pv_trial_attend(pv_trial *t);
void pv_trial_attend_step(pv_trial *t);
void pv_trial_route(pv_trial *t);
void pv_trial_group(pv_trial *t);
void pv_trial_add(pv_trial *t);
void pv_trial_swiglu(pv_trial *t);
void pv_trial_bias(pv_trial *t);
void pv_trial_gate(pv_trial *t);
void pv_trial_round(pv_trial *t);
void pv_trial_append(pv_trial *t);
void pv_trial_combine(pv_trial *t);
void pv_trial_argmax(pv_trial *t);
void pv_trial_scan(pv_trial *t);
void pv_trial_peak(pv_trial *t);

#endif
