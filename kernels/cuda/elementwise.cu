/* Element by element, for identities and batches whose products are not fused with them.
 * Reference: swiglu, combine and add of kernels/cpu. */
#include "kernels/cuda/common.cuh"

/* out = a + b. Grid (n / 256 rounded up, 1), block 256. */
PV_KERNEL __launch_bounds__(256) add(const pv_cuda_add a) {
  begin_kernel();
  const uint64_t i = static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < a.n) a.out[i] = a.a[i] + a.b[i];
}

/* SwiGLU and the rounding of its result. Grid (ffn / 256 rounded up, slots), block 256. */
PV_KERNEL __launch_bounds__(256) swiglu(const pv_cuda_gate_up a) {
  begin_kernel();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, slot = blockIdx.y;
  const size_t at = static_cast<size_t>(slot) * a.gate.count + i;
  float y = 0.0f;
  if (i < a.gate.count) a.out[at] = y = pv_swiglu_f32(a.gate_out[at], a.up_out[at]);
  if (a.acts.q != nullptr && i / PV_SEGMENT < a.acts.segments)
    store_rounded(round_segment(y, a.max), threadIdx.x % 32, a.acts, slot, i / PV_SEGMENT);
}

/* Weighted sum by rank: product, then fma; and the residual. Grid (hidden / 256 rounded up, rows),
 * block 256. */
PV_KERNEL __launch_bounds__(256) combine(const pv_cuda_down a) {
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
