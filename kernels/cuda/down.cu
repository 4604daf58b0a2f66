#include "kernels/cuda/down.h"

#include "kernels/cuda/segments.cuh"

namespace {

enum { ROWS = PV_DOWN_ROWS, COUNT = 4, UNITS = ROWS / COUNT }; /* a unit: COUNT rows of one rank */

/* A unit of this block; past the last one, rows of the last rank. */
struct unit_of {
  unsigned rank, slot;
  row_range rows;
  bool lives;
  __device__ __forceinline__ unit_of(const pv_cuda_down &a, unsigned unit)
      : rank(min(unit / UNITS, a.used - 1)),
        slot(blockIdx.y * a.used + rank),
        lives(unit < a.used * UNITS) {
    const unsigned row = blockIdx.x * ROWS + unit % UNITS * COUNT;
    rows = {a.rows.data + a.experts[slot] * a.rows.expert_bytes, a.rows.row_bytes, row,
            row + COUNT};
  }
  /* Its activations, of those of all ranks. */
  __device__ __forceinline__ act_row act(const pv_cuda_down &a, const shared_acts &in) const {
    const unsigned segments = a.in.k / PV_SEGMENT;
    return {in.q + rank * segments / 2 * PV_CUDA_PAIR_BYTES,
            in.d + rank * segments,
            in.sum + rank * segments,
            a.in.x + static_cast<size_t>(slot) * a.in.stride,
            a.in.k,
            PV_CUDA_PAIR_BYTES};
  }
  __device__ __forceinline__ void store(float *result, unsigned r, float y) const {
    if (lives) result[rank * ROWS + r - blockIdx.x * ROWS] = y;
  }
};

/* Calls multiply(rows, act, store) for the units of this block; `group` of the block's lanes takes
 * one. */
template <class Multiply>
__device__ __forceinline__ void units(const pv_cuda_down &a, const shared_acts &in,
                                      const lane_group &group, float *result,
                                      const Multiply &multiply) {
  for (unsigned begin = 0; begin < a.used * UNITS; begin += group.groups) {
    const unit_of unit(a, begin + group.index);
    multiply(unit.rows, unit.act(a, in), [&](unsigned r, float y) { unit.store(result, r, y); });
  }
}

__device__ __forceinline__ int nothing() {
  return 0;
}

/* Calls products(in, result, begun): the products of all ranks with the block's rows. `begun` is
 * what start() has asked for while activations were under way. `turns`: see rounding. */
template <unsigned turns, class Start, class Products>
__device__ __forceinline__ void block(const pv_cuda_down &a, const Start &start,
                                      const Products &products) {
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y, first = blockIdx.x * ROWS, hidden = a.rows.count;
  const size_t place = static_cast<size_t>(at) * hidden + first + threadIdx.x % ROWS;
  const float residual = a.residual != nullptr ? a.residual[place] : 0.0f;
  /* The slots of a position are neighbours: their activations are copied like one long row. */
  const unsigned segments = a.in.k / PV_SEGMENT;
  const bool quantised = is_quantised(static_cast<int>(a.rows.type));
  const shared_acts in = shared_layout(shared, a.used * a.in.k);
  float *result = quantised ? in.x : reinterpret_cast<float *>(shared); /* [used][ROWS] */
  float *weights = result + a.used * ROWS;
  const unsigned own = min(threadIdx.x, a.used - 1), slots = at * a.used;
  const float weight = a.weights[slots + own];
  const auto prefetch_rows = [&]() {
    for (unsigned rank = threadIdx.x / 32; rank < a.used; rank += blockDim.x / 32) {
      const uint8_t *rows = a.rows.data + a.experts[slots + rank] * a.rows.expert_bytes;
      prefetch(rows + first * a.rows.row_bytes, ROWS * a.rows.row_bytes, threadIdx.x % 32, 32);
    }
  };
  const bool rounds = a.max != 0.0f;
  rounding<turns> row(a.in.x + static_cast<size_t>(slots) * a.in.stride,
                      rounds ? a.used * a.in.k : 0);
  prefetch_rows();
  const auto begun = start();
  if (rounds)
    row.store(a.max, in);
  else if (quantised)
    copy_acts(a.in, slots, a.used * segments, in);
  weights[own] = weight;
  for (unsigned rank = threadIdx.x + blockDim.x; rank < a.used; rank += blockDim.x)
    weights[rank] = a.weights[slots + rank];
  __syncthreads();
  products(in, result, begun);
  prefetch_ahead(a.ahead);
  __syncthreads();
  for (unsigned i = threadIdx.x; i < a.used * ROWS; i += blockDim.x)
    a.out[(static_cast<size_t>(at) * a.used + i / ROWS) * hidden + first + i % ROWS] = result[i];
  if (threadIdx.x >= ROWS) return;
  float sum = weights[0] * result[threadIdx.x];
  for (unsigned r = 1; r < a.used; r++)
    sum = pv_fma_f32(weights[r], result[r * ROWS + threadIdx.x], sum);
  a.sum[place] = sum;
  if (a.residual != nullptr) a.total[place] = residual + sum;
}

/* Lanes of a row of 24 segments, which are 12 pairs. */
constexpr unsigned WIDTH_24 = 16, GROUPS_24 = PV_CUDA_BLOCK / WIDTH_24;

/* Rows of Q4_K, of which the first are asked for before activations are rounded. */
__device__ __forceinline__ void q4_k_rows(const pv_cuda_down &a, const lane_group &alone,
                                          unsigned mine) {
  using begun_rows = first_rows<PV_TYPE_Q4_K, 2>;
  const auto start = [&]() { return begun_rows(unit_of(a, mine).rows, alone, 24); };
  block<3>(a, start, [&](const shared_acts &in, float *result, begun_rows first) {
#pragma unroll 1
    for (unsigned begin = 0; begin < a.used * UNITS; begin += GROUPS_24) {
      const unit_of unit(a, begin + mine);
      if (begin > 0) first = begun_rows(unit.rows, alone, 24);
      double_rows<PV_TYPE_Q4_K, 24>(unit.rows, first, unit.act(a, in), alone,
                                    [&](unsigned r, float y) { unit.store(result, r, y); });
    }
  });
}

/* Rows of Q6_K: registers are too few for both. */
__device__ __forceinline__ void q6_k_rows(const pv_cuda_down &a, const lane_group &alone,
                                          unsigned mine) {
  const lane_group group = {alone.lane, alone.width, mine, GROUPS_24};
  block<3>(a, nothing, [&](const shared_acts &in, float *result, int) {
    units(a, in, group, result, [&](const row_range &rows, const act_row &act, const auto &store) {
      short_rows<PV_TYPE_Q6_K, 24>(rows, {rows, alone, 24}, act, alone, store);
    });
  });
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) down(const pv_cuda_down a) {
  begin_kernel();
  const lane_group group = group_of(a.rows.type, a.in.k), alone = {group.lane, group.width, 0, 1};
  block<1>(a, nothing, [&](const shared_acts &in, float *result, int) {
    /* Two loops: what one keeps in registers is none of the other's. */
    if (has_own_path(static_cast<int>(a.rows.type)))
      units(a, in, group, result,
            [&](const row_range &rows, const act_row &act, const auto &store) {
              own_rows(a.rows.type, rows, act, alone, store);
            });
    else
      units(a, in, group, result,
            [&](const row_range &rows, const act_row &act, const auto &store) {
              general_rows(a.rows.type, rows, act, alone, store);
            });
  });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) down_24(const pv_cuda_down a) {
  begin_kernel();
  const lane_group alone = {threadIdx.x % WIDTH_24, WIDTH_24, 0, 1};
  const unsigned mine = threadIdx.x / WIDTH_24;
  if (a.rows.type == PV_TYPE_Q4_K)
    q4_k_rows(a, alone, mine);
  else
    q6_k_rows(a, alone, mine);
}
