#include "kernels/cuda/gate_up.h"

#include "kernels/cuda/route.cuh"
#include "kernels/cuda/segments.cuh"

namespace {

/* A block's rows of both matrices, those of the gate first: their types and lengths are the same.
 */
struct both_sides {
  const uint8_t *gate, *up;
  uint64_t row_bytes;
  unsigned count; /* of each */
  unsigned first, end;
  __device__ __forceinline__ const uint8_t *at(unsigned i) const { /* past the end: the last one */
    const unsigned row = min(i, end - 1);
    return row < count ? gate + row * row_bytes : up + (row - count) * row_bytes;
  }
};

/* The activations of a row, copied to shared memory when the experts are known. */
struct copied {
  __device__ __forceinline__ copied(const pv_cuda_gate_up &, unsigned) {}
  __device__ __forceinline__ act_row take(const pv_cuda_gate_up &a, unsigned row,
                                          void *shared) const {
    const bool quantised =
        is_quantised(static_cast<int>(a.gate.type)) || is_quantised(static_cast<int>(a.up.type));
    return load_acts(a.in, row, shared, quantised);
  }
};

/* The same of 64 rounded segments, asked for when it is made: a thread has a quarter of a segment,
 * and some have a scale or a sum. */
struct awaited {
  uint4 q;
  uint32_t common;
  __device__ __forceinline__ awaited(const pv_cuda_gate_up &a, unsigned row) {
    static_assert(PV_CUDA_BLOCK == 256, "a quarter of 64 segments to a thread");
    const size_t at = static_cast<size_t>(row) * a.in.segments;
    const int32_t *from = threadIdx.x < 64 ? reinterpret_cast<const int32_t *>(a.in.d) : a.in.sum;
    q = reinterpret_cast<const uint4 *>(a.in.q + at * 64)[threadIdx.x];
    common = static_cast<uint32_t>(from[at + threadIdx.x % 64]);
  }
  __device__ __forceinline__ act_row take(const pv_cuda_gate_up &a, unsigned, void *shared) const {
    const shared_acts to = shared_layout(shared, 64 * PV_SEGMENT);
    const unsigned i = threadIdx.x;
    *reinterpret_cast<uint4 *>(to.q + i / 8 * PV_CUDA_PAIR_BYTES + i % 8 * 16) = q;
    if (i < 64)
      to.d[i] = pv_f32_bits(common);
    else if (i < 128)
      to.sum[i - 64] = static_cast<int>(common);
    __syncthreads();
    return {to.q, to.d, to.sum, nullptr, 64 * PV_SEGMENT, PV_CUDA_PAIR_BYTES};
  }
};

/* Calls multiply(gate, up, count, take, result): the block's `count` rows of either matrix, at most
 * `each`, whose activations take() brings; where rows are a segment the result is rounded. */
template <unsigned each, class Acts, class Multiply>
__device__ __forceinline__ void experts(const pv_cuda_gate_up &a, const Multiply &multiply) {
  extern __shared__ uint4 shared[];
  __shared__ float result[2][PV_SEGMENT];
  __shared__ __align__(16) uint32_t key[PV_EXPERTS_MAX];
  __shared__ int chosen[PV_EXPERTS_MAX];
  begin_kernel();
  const unsigned slot = blockIdx.y, first = blockIdx.x * each, ffn = a.gate.count;
  const unsigned row = slot / a.route.used, rank = slot % a.route.used;
  if (first >= ffn && rank > 0) return;
  const Acts acts(a, row);
  choose(a.route, row, key, chosen);
  if (first >= ffn) {
    if (threadIdx.x < 32) keep_route(a.route, row, chosen, reinterpret_cast<float *>(key));
    return;
  }
  const unsigned count = min(each, ffn - first);
  const auto rows_of = [&](const pv_cuda_rows &rows) {
    return rows.data + chosen[rank] * rows.expert_bytes + first * rows.row_bytes;
  };
  const uint8_t *gate = rows_of(a.gate), *up = rows_of(a.up);
  prefetch(gate, count * a.gate.row_bytes, threadIdx.x, blockDim.x);
  prefetch(up, count * a.up.row_bytes, threadIdx.x, blockDim.x);
  multiply(
      gate, up, count, [&]() { return acts.take(a, row, shared); }, result);
  __syncthreads();
  if (threadIdx.x >= each) return;
  const unsigned i = first + threadIdx.x;
  float y = 0.0f;
  if (i < ffn) {
    const size_t at = static_cast<size_t>(slot) * ffn + i;
    const float g = result[0][threadIdx.x], u = result[1][threadIdx.x];
    y = pv_swiglu_f32(g, u);
    a.gate_out[at] = g;
    a.up_out[at] = u;
    a.out[at] = y;
  }
  if constexpr (each == PV_SEGMENT)
    store_rounded(round_segment(y, a.max), threadIdx.x, a.acts, slot, blockIdx.x);
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gate_up(const pv_cuda_gate_up a) {
  experts<PV_SEGMENT, copied>(a, [&](const uint8_t *gate, const uint8_t *up, unsigned count,
                                     const auto &take, float(&result)[2][PV_SEGMENT]) {
    const act_row act = take();
#pragma unroll 1
    for (int side = 0; side < 2; side++) {
      const pv_cuda_rows &rows = side == 0 ? a.gate : a.up;
      each_row(rows.type, {side == 0 ? gate : up, rows.row_bytes, 0, count}, act,
               group_of(rows.type, a.in.k), [&](unsigned r, float y) { result[side][r] = y; });
    }
  });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gate_up_64(const pv_cuda_gate_up a) {
  experts<PV_GATE_UP_64_EACH, awaited>(
      a, [&](const uint8_t *gate, const uint8_t *up, unsigned count, const auto &take,
             float(&result)[2][PV_SEGMENT]) {
        const both_sides rows = {gate, up, a.gate.row_bytes, count, 0, 2 * count};
        const lane_group group = {threadIdx.x % 32, 32, threadIdx.x / 32, PV_CUDA_WARPS};
        with_frequent(a.gate.type, [&](auto is) {
          const first_rows<is.type, UNDER_WAY<is.type>> first(rows, group, 64);
          frequent_rows<64>(rows, first, take(), group, [&](unsigned r, float y) {
            result[r < count ? 0 : 1][r < count ? r : r - count] = y;
          });
        });
      });
}
