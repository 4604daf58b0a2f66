/* Attention of one decoded position, with the norms and RoPE of its heads and the append to the
 * cache: heads and attend in one launch, those that end in _128 for usual heads of that size alone;
 * attend_step_combine for the sum over chunks. Reference:
 * rmsnorm, rope, rope_neighbours, attend and round of kernels/cpu. */
#ifndef PV_CUDA_ATTEND_STEP_H
#define PV_CUDA_ATTEND_STEP_H

#include "kernels/cuda/attend.h"
#include "kernels/cuda/heads.h"

/* Both for one decoded position. */
typedef struct pv_cuda_attend_step {
  pv_cuda_heads heads;
  pv_cuda_attend attend;
  uint32_t whole;  /* a block has all chunks: what it makes is the result, and is rounded */
  uint32_t blocks; /* that share the chunks of a group of heads */
} pv_cuda_attend_step;
PV_LAYOUT(pv_cuda_attend_step, 288, blocks, 284);

/* Heads with a norm, in pairs i and i + dim / 2, and no more than attention to all positions. */
static inline bool pv_step_usual(const pv_cuda_attend_step *a, uint32_t dim) {
  return a->attend.dim == dim && a->heads.q_weight != 0 && a->heads.k_weight != 0 &&
         a->heads.neighbours == 0 && a->attend.window == 0 && a->attend.sinks == 0;
}

/* Shared memory of a block that has `chunks` chunks at once: their keys (each padded by eight, so
 * that four of them lie in different banks) and values, q of each head of the group, room for a row
 * of each warp and then for the scores, the newest key, and the weighted values of several chunks.
 */
enum { PV_STEP_PADDING = 8 };
static inline size_t pv_step_shared(size_t dim, size_t group, size_t chunks) {
  const size_t keys = chunks * PV_ATTENTION_CHUNK, rows = PV_CUDA_WARPS * dim,
               scores = group * keys;
  return sizeof(float) * (keys * (2 * dim + PV_STEP_PADDING) + (group + 1) * dim +
                          (rows > scores ? rows : scores) + (chunks > 1 ? chunks * dim : 0));
}

/* Chunks that a block of `group` heads has at once and puts together: they are no more than the
 * lanes of the narrow sums. Where each takes much memory a block has one. */
#define PV_STEP_WHOLE(group) ((group) == 1 ? 2u : 1u)
#define PV_STEP_WHOLE_SHARED (160u << 10)

static inline bool pv_step_whole(const pv_cuda_attend *a, uint32_t group) {
  return a->dim % PV_SEGMENT == 0 &&
         (a->chunks == 1 || (a->chunks <= PV_STEP_WHOLE(group) &&
                             pv_step_shared(a->dim, group, a->chunks) <= PV_STEP_WHOLE_SHARED));
}

/* Of a launch. */
static inline size_t pv_step_shared_of(const pv_cuda_attend_step *a, size_t group) {
  return pv_step_shared(a->attend.dim, group, a->whole ? a->attend.chunks : 1);
}

#endif

/* rows: 1 */
#define PV_ATTEND_STEP(group, limit)                                                            \
  pv_cuda_attend_step, PV_GRID(a->attend.heads / (group), a->blocks, 1), PV_CUDA_BLOCK,         \
      pv_step_shared_of(a, group), "rmsnorm, rope, attend, round",                              \
      PV_ATTEND_FITS(a->attend, group) && a->blocks > 0 && (limit) &&                           \
          (!a->whole || (a->blocks == 1 && pv_step_whole(&a->attend, group))),                  \
      PV_WRITES(pv_cuda_attend_step, heads.q_out), PV_WRITES(pv_cuda_attend_step, heads.k_out), \
      PV_WRITES(pv_cuda_attend_step, heads.keys), PV_WRITES(pv_cuda_attend_step, heads.values), \
      PV_WRITES(pv_cuda_attend_step, attend.top), PV_WRITES(pv_cuda_attend_step, attend.sum),   \
      PV_WRITES(pv_cuda_attend_step, attend.value), PV_WRITES(pv_cuda_attend_step, attend.out), \
      PV_WRITES_ACTS(pv_cuda_attend_step, attend.acts)
PV_KERNEL(attend_step_1, PV_ATTEND_STEP(1, true))
PV_KERNEL(attend_step_4, PV_ATTEND_STEP(4, true))
PV_KERNEL(attend_step_8, PV_ATTEND_STEP(8, true))
PV_KERNEL(attend_step_1_128, PV_ATTEND_STEP(1, pv_step_usual(a, 128)))
PV_KERNEL(attend_step_4_128, PV_ATTEND_STEP(4, pv_step_usual(a, 128)))
PV_KERNEL(attend_step_8_128, PV_ATTEND_STEP(8, pv_step_usual(a, 128)))
PV_KERNEL(attend_step_combine, pv_cuda_attend,
          PV_GRID((size_t)a->heads * a->dim / PV_SEGMENT, 1, 1), PV_CUDA_BLOCK, 0, "attend, round",
          PV_ATTEND_FITS(*a, 1) && a->dim % PV_SEGMENT == 0, PV_WRITES(pv_cuda_attend, out),
          PV_WRITES_ACTS(pv_cuda_attend, acts))
