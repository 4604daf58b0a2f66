#include "kernels/cuda/elementwise.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) add(const pv_cuda_add a) {
  begin_kernel();
  const uint64_t i = static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < a.n) a.out[i] = a.a[i] + a.b[i];
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) swiglu(const pv_cuda_gate_up a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, slot = blockIdx.y;
  const size_t at = static_cast<size_t>(slot) * a.gate.count + i;
  float y = 0.0f;
  if (i < a.gate.count) a.out[at] = y = pv_swiglu_f32(a.gate_out[at], a.up_out[at]);
  if (a.acts.q != nullptr && i / PV_SEGMENT < a.acts.segments)
    store_rounded(round_segment(y, a.max), threadIdx.x % 32, a.acts, slot, i / PV_SEGMENT);
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
  a.total[place] = a.residual[place] + sum;
}
