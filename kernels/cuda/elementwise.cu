#include "kernels/cuda/elementwise.h"

#include "kernels/cuda/common.cuh"

namespace {

/* Elements i .. i + count - 1 of a row of n, those beyond it zeros; at once where all rows begin at
 * a multiple of 16 bytes. */
template <unsigned count>
__device__ __forceinline__ void load(const float *row, uint64_t i, uint64_t n,
                                     float (&out)[count]) {
  if (n % 4 == 0 && i + count <= n) {
#pragma unroll
    for (unsigned j = 0; j < count; j += 4) {
      const float4 v = *reinterpret_cast<const float4 *>(row + i + j);
      out[j] = v.x, out[j + 1] = v.y, out[j + 2] = v.z, out[j + 3] = v.w;
    }
    return;
  }
#pragma unroll
  for (unsigned j = 0; j < count; j++) out[j] = i + j < n ? row[i + j] : 0.0f;
}

template <unsigned count>
__device__ __forceinline__ void store(float *row, uint64_t i, uint64_t n, const float (&v)[count]) {
  if (n % 4 == 0 && i + count <= n) {
#pragma unroll
    for (unsigned j = 0; j < count; j += 4)
      *reinterpret_cast<float4 *>(row + i + j) = {v[j], v[j + 1], v[j + 2], v[j + 3]};
    return;
  }
#pragma unroll
  for (unsigned j = 0; j < count; j++)
    if (i + j < n) row[i + j] = v[j];
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) add(const pv_cuda_add a) {
  begin_kernel();
  constexpr unsigned each = PV_ADD_EACH;
  const uint64_t i = (static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * each;
  float x[each], y[each];
  if (i >= a.n) return;
  load(a.a, i, a.n, x);
  load(a.b, i, a.n, y);
#pragma unroll
  for (unsigned j = 0; j < each; j++) x[j] += y[j];
  store(a.out, i, a.n, x);
}

/* What two products become; `of` is the function of an element of each. A quarter of a segment to
 * a thread. */
template <class Function>
__device__ __forceinline__ void activate(const pv_cuda_gate_up &a, const Function &of) {
  constexpr unsigned each = PV_ACTIVATION_EACH;
  const unsigned i = (blockIdx.x * blockDim.x + threadIdx.x) * each, n = a.gate.count;
  const unsigned segment = i / PV_SEGMENT, slot = blockIdx.y;
  const size_t row = static_cast<size_t>(slot) * n;
  float gate[each], up[each], y[each];
  load(a.gate_out + row, i, n, gate);
  load(a.up_out + row, i, n, up);
#pragma unroll
  for (unsigned j = 0; j < each; j++) y[j] = i + j < n ? of(gate[j], up[j]) : 0.0f;
  store(a.out + row, i, n, y);
  if (a.acts.q == nullptr) return;
  const rounded_quarter r = round_quarter(y, a.max, a.whole != 0);
  const size_t at = static_cast<size_t>(slot) * a.acts.segments + segment;
  if (segment < a.acts.segments)
    store_quarter(r, threadIdx.x % 4, a.acts.q + at * 64, a.acts.d + at, a.acts.sum + at);
}

PV_ENTRY __launch_bounds__(PV_ACTIVATION_BLOCK) swiglu(const pv_cuda_gate_up a) {
  begin_kernel();
  activate(a, [](float gate, float up) { return pv_swiglu_f32(gate, up); });
}

PV_ENTRY __launch_bounds__(PV_ACTIVATION_BLOCK) geglu(const pv_cuda_gate_up a) {
  begin_kernel();
  activate(a, [](float gate, float up) { return pv_geglu_f32(gate, up); });
}

PV_ENTRY __launch_bounds__(PV_ACTIVATION_BLOCK) swiglu_clamped(const pv_cuda_gate_up a) {
  begin_kernel();
  activate(a, [](float gate, float up) { return pv_swiglu_clamped_f32(gate, up); });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) gate(const pv_cuda_gate a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const size_t at = static_cast<size_t>(blockIdx.y) * a.n + i;
  if (i < a.n) a.out[at] = pv_gate_f32(a.x[at], a.logit[blockIdx.y]);
}

/* The sum by rank: product, then fma. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) combine(const pv_cuda_down a) {
  begin_kernel();
  constexpr unsigned each = PV_COMBINE_EACH;
  const unsigned i = (blockIdx.x * blockDim.x + threadIdx.x) * each, hidden = a.rows.count;
  if (i >= hidden) return;
  const size_t at = blockIdx.y, row = at * hidden;
  const float *weights = a.weights + at * a.used, *rows = a.out + row * a.used;
  float sum[each], x[each];
  load(rows, i, hidden, x);
#pragma unroll
  for (unsigned j = 0; j < each; j++) sum[j] = weights[0] * x[j];
#pragma unroll 4
  for (unsigned r = 1; r < a.used; r++) {
    load(rows + static_cast<size_t>(r) * hidden, i, hidden, x);
#pragma unroll
    for (unsigned j = 0; j < each; j++) sum[j] = pv_fma_f32(weights[r], x[j], sum[j]);
  }
  store(a.sum + row, i, hidden, sum);
  if (a.residual == nullptr) return;
  load(a.residual + row, i, hidden, x);
#pragma unroll
  for (unsigned j = 0; j < each; j++) x[j] += sum[j];
  store(a.total + row, i, hidden, x);
}
