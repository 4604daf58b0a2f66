#include "kernels/cuda/elementwise.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) add(const pv_cuda_add a) {
  begin_kernel();
  const uint64_t i = static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < a.n) a.out[i] = a.a[i] + a.b[i];
}

/* What two products become; `of` is the function of an element of each. */
template <class Function>
__device__ __forceinline__ void activate(const pv_cuda_gate_up &a, const Function &of) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, slot = blockIdx.y;
  const size_t at = static_cast<size_t>(slot) * a.gate.count + i;
  float y = 0.0f;
  if (i < a.gate.count) a.out[at] = y = of(a.gate_out[at], a.up_out[at]);
  if (a.acts.q != nullptr && i / PV_SEGMENT < a.acts.segments)
    store_rounded(round_segment(y, a.max), threadIdx.x % 32, a.acts, slot, i / PV_SEGMENT);
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) swiglu(const pv_cuda_gate_up a) {
  begin_kernel();
  activate(a, [](float gate, float up) { return pv_swiglu_f32(gate, up); });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) geglu(const pv_cuda_gate_up a) {
  begin_kernel();
  activate(a, [](float gate, float up) { return pv_geglu_f32(gate, up); });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) swiglu_clamped(const pv_cuda_gate_up a) {
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
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, at = blockIdx.y, hidden = a.rows.count;
  if (i >= hidden) return;
  const float *weights = a.weights + static_cast<size_t>(at) * a.used;
  const float *rows = a.out + static_cast<size_t>(at) * a.used * hidden + i;
  float sum = weights[0] * rows[0];
  for (unsigned r = 1; r < a.used; r++)
    sum = pv_fma_f32(weights[r], rows[static_cast<size_t>(r) * hidden], sum);
  const size_t place = static_cast<size_t>(at) * hidden + i;
  a.sum[place] = sum;
  if (a.residual != nullptr) a.total[place] = a.residual[place] + sum;
}
