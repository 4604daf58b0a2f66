#include "kernels/cuda/down.h"

#include "kernels/cuda/segments.cuh"

namespace {

enum { ROWS = PV_DOWN_ROWS, COUNT = 4, UNITS = ROWS / COUNT }; /* a unit: COUNT rows of one rank */

/* Calls multiply(rows, act, store) for the units of this block; `group` of the block's lanes takes
 * one. */
template <class Multiply>
__device__ __forceinline__ void units(const pv_cuda_down &a, const shared_acts &in,
                                      const lane_group &group, float *result,
                                      const Multiply &multiply) {
  const unsigned at = blockIdx.y, first = blockIdx.x * ROWS, segments = a.in.k / PV_SEGMENT;
  for (unsigned begin = 0; begin < a.used * UNITS; begin += group.groups) {
    const unsigned unit = begin + group.index, rank = min(unit / UNITS, a.used - 1);
    const unsigned slot = at * a.used + rank, row = first + unit % UNITS * COUNT;
    const act_row act = {in.q + rank * segments / 2 * PV_CUDA_PAIR_BYTES,
                         in.d + rank * segments,
                         in.sum + rank * segments,
                         a.in.x + static_cast<size_t>(slot) * a.in.stride,
                         a.in.k,
                         PV_CUDA_PAIR_BYTES};
    const uint8_t *data = a.rows.data + a.experts[slot] * a.rows.expert_bytes;
    const row_range range = {data, a.rows.row_bytes, row, row + COUNT};
    multiply(range, act, [&](unsigned r, float y) {
      if (unit < a.used * UNITS) result[rank * ROWS + r - first] = y;
    });
  }
}

/* Calls products(in, result): the products of all ranks with the block's rows. `turns`: see
 * rounding. */
template <unsigned turns, class Products>
__device__ __forceinline__ void block(const pv_cuda_down &a, const Products &products) {
  begin_kernel();
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
  if (a.max != 0.0f) {
    rounding<turns> row(a.in.x + static_cast<size_t>(slots) * a.in.stride, a.used * a.in.k);
    prefetch_rows();
    row.store(a.max, in);
  } else {
    prefetch_rows();
    if (quantised) copy_acts(a.in, slots, a.used * segments, in);
  }
  weights[own] = weight;
  for (unsigned rank = threadIdx.x + blockDim.x; rank < a.used; rank += blockDim.x)
    weights[rank] = a.weights[slots + rank];
  __syncthreads();
  products(in, result);
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

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) down(const pv_cuda_down a) {
  const lane_group group = group_of(a.rows.type, a.in.k), alone = {group.lane, group.width, 0, 1};
  block<1>(a, [&](const shared_acts &in, float *result) {
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
  constexpr unsigned width = 16; /* lanes of a row: 24 segments are 12 pairs */
  const lane_group group = {threadIdx.x % width, width, threadIdx.x / width, PV_CUDA_BLOCK / width};
  block<3>(a, [&](const shared_acts &in, float *result) {
    units(a, in, group, result, [&](const row_range &rows, const act_row &act, const auto &store) {
      frequent_rows<24, true>(a.rows.type, rows, act, {group.lane, width, 0, 1}, store);
    });
  });
}
