/* Matrix-vector products, identities i16 and i8, for up to three matrices with the same
 * activations, and for the first of them total = add + out. The activations may be the RMSNorm of a
 * row, which every block then computes for itself: that is cheaper than another launch. gemv_64 and
 * gemv_128 are gemv for frequent types and rows of as many segments, gemv_few is for a few plain
 * rows. Reference: mm, rmsnorm and add of kernels/cpu. */
#ifndef PV_CUDA_GEMV_H
#define PV_CUDA_GEMV_H

#include "kernels/cuda/rmsnorm.h"

typedef struct pv_cuda_gemv {
  pv_cuda_job job[PV_CUDA_JOBS];
  pv_cuda_acts acts;
  pv_cuda_norm norm; /* norm.x not 0: the activations are this norm's result; 0, and norm.whole not:
                        they are acts.x, which nobody has rounded: in blocks of 256, by norm.max */
  PV_DEVICE(const int32_t) experts;
  PV_DEVICE(const float) add; /* not 0: total = add + out, for the first job */
  PV_DEVICE(float) total;
  pv_cuda_ahead ahead;
  uint32_t jobs;
} pv_cuda_gemv;
PV_LAYOUT(pv_cuda_gemv, 336, jobs, 328);

/* Shared memory that it declares at most, beside what a launch asks for. */
enum { PV_GEMV_DECLARED = 8 << 10 };

/* How many of the matrices are quantised. */
static inline uint32_t pv_cuda_quantised_jobs(const pv_cuda_job *job, uint32_t jobs) {
  uint32_t count = 0;
  for (uint32_t j = 0; j < jobs; j++) count += pv_cuda_quantised(job[j].rows.type);
  return count;
}

static inline bool pv_gemv_frequent(const pv_cuda_gemv *a) {
  for (uint32_t j = 0; j < a->jobs; j++)
    if (!pv_cuda_frequent(a->job[j].rows.type)) return false;
  return a->jobs > 0 && a->jobs <= PV_CUDA_JOBS;
}

/* Blocks of all jobs, each of its job's rows_per_block rows. */
static inline size_t pv_gemv_blocks(const pv_cuda_gemv *a) {
  size_t blocks = 0;
  for (uint32_t j = 0; j < a->jobs; j++)
    blocks += pv_cuda_parts(a->job[j].rows.count, a->job[j].rows_per_block);
  return blocks;
}

#endif

#define PV_WRITES_JOBS(argument) \
  PV_WRITES(argument, job[0].out), PV_WRITES(argument, job[1].out), PV_WRITES(argument, job[2].out)
#define PV_GEMV(x, shared, limit)                                                             \
  pv_cuda_gemv, PV_GRID(x, rows, 1), PV_CUDA_BLOCK, shared, "mm, rmsnorm, round, add", limit, \
      PV_WRITES_JOBS(pv_cuda_gemv), PV_WRITES(pv_cuda_gemv, total),                           \
      PV_WRITES(pv_cuda_gemv, norm.out), PV_WRITES_ACTS(pv_cuda_gemv, norm.acts)
/* rows: of the output */
PV_KERNEL(gemv,
          PV_GEMV(pv_gemv_blocks(a),
                  pv_cuda_act_shared(a->acts.k) + (a->norm.x != 0 ? a->acts.k * sizeof(float) : 0),
                  a->jobs > 0 && a->jobs <= PV_CUDA_JOBS && a->acts.k <= PV_K_MAX &&
                      (a->acts.k % PV_SEGMENT == 0 ||
                       pv_cuda_quantised_jobs(a->job, a->jobs) == 0)))
PV_KERNEL(gemv_64, PV_GEMV(pv_gemv_blocks(a), pv_cuda_act_shared(a->acts.k),
                           a->acts.k == 64 * PV_SEGMENT && pv_gemv_frequent(a)))
PV_KERNEL(gemv_128, PV_GEMV(pv_gemv_blocks(a), pv_cuda_act_shared(a->acts.k),
                            a->acts.k == 128 * PV_SEGMENT && pv_gemv_frequent(a)))
PV_KERNEL(gemv_few,
          PV_GEMV(a->job[0].rows.count + (a->norm.x != 0 ? 1 : 0),
                  a->norm.x != 0 ? a->acts.k * sizeof(float) : 0,
                  a->jobs == 1 && a->job[0].rows.type == PV_TYPE_F32 &&
                      a->job[0].rows_per_block == 1 && a->acts.share <= 1 && a->experts == 0))
