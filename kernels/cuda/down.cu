/* The down products of a position's chosen experts, their weighted sum by rank (product, then fma)
 * and the residual. Reference: mm, combine and add of kernels/cpu. Grid (hidden / 8 rounded up,
 * rows of the batch), block 256, dynamic shared memory used * 8 floats. */
#include "kernels/cuda/segments.cuh"

enum { ROWS = 8 };

PV_KERNEL __launch_bounds__(256) down(const pv_cuda_down a) {
  extern __shared__ float result[]; /* [used][ROWS] */
  const unsigned at = blockIdx.y, first = blockIdx.x * ROWS, hidden = a.rows.count;
  const unsigned width = group_width(a.rows.type, a.in.k), lane = threadIdx.x % width;
  for (unsigned i = threadIdx.x / width; i < (a.used * ROWS + 31) / 32 * 32;
       i += blockDim.x / width) {
    const unsigned rank = min(i / ROWS, a.used - 1), row = min(first + i % ROWS, hidden - 1);
    const unsigned slot = at * a.used + rank;
    const size_t place = static_cast<size_t>(slot) * a.in.segments;
    const act_row act = {a.in.q + place * 64,
                         a.in.d + place,
                         a.in.sum + place,
                         a.in.x + static_cast<size_t>(slot) * a.in.stride,
                         a.in.k,
                         128};
    const uint8_t *data = a.rows.data + a.experts[slot] * a.rows.expert_bytes;
    const float y = row_dot(a.rows.type, data + row * a.rows.row_bytes, act, lane, width);
    if (lane == 0 && i < a.used * ROWS) result[i] = y;
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < a.used * ROWS; i += blockDim.x)
    if (first + i % ROWS < hidden)
      a.out[(static_cast<size_t>(at) * a.used + i / ROWS) * hidden + first + i % ROWS] = result[i];
  const unsigned row = first + threadIdx.x;
  if (threadIdx.x >= ROWS || row >= hidden) return;
  const float *weights = a.weights + static_cast<size_t>(at) * a.used;
  float sum = weights[0] * result[threadIdx.x];
  for (unsigned r = 1; r < a.used; r++)
    sum = pv_fma_f32(weights[r], result[r * ROWS + threadIdx.x], sum);
  const size_t place = static_cast<size_t>(at) * hidden + row;
  a.sum[place] = sum;
  a.total[place] = a.residual[place] + sum;
}
