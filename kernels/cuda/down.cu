/* The down products of a position's chosen experts, their weighted sum by rank (product, then fma)
 * and the residual. Reference: mm, combine and add of kernels/cpu. Grid (hidden / 8,
 * rows of the batch), block 256, dynamic shared memory: for each rank one shared_layout without the
 * unrounded row, then used * 8 floats. */
#include "kernels/cuda/segments.cuh"

PV_KERNEL __launch_bounds__(256, 2) down(const pv_cuda_down a) {
  enum { ROWS = 8, COUNT = 4, UNITS = ROWS / COUNT }; /* a unit: COUNT rows of one rank */
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y, first = blockIdx.x * ROWS, hidden = a.rows.count;
  const lane_group group = group_of(a.rows.type, a.in.k);
  const unsigned rank_bytes = (a.in.k / PV_SEGMENT + 1) / 2 * (PAIR_BYTES + 16);
  uint8_t *acts = reinterpret_cast<uint8_t *>(shared);
  float *result = reinterpret_cast<float *>(acts + a.used * rank_bytes); /* [used][ROWS] */
  if (is_quantised(static_cast<int>(a.rows.type)))
    for (unsigned r = 0; r < a.used; r++)
      copy_acts(a.in, at * a.used + r, a.in.k / PV_SEGMENT,
                shared_layout(acts + r * rank_bytes, a.in.k));
  __syncthreads();
  for (unsigned begin = 0; begin < a.used * UNITS; begin += group.groups) {
    const unsigned unit = begin + group.index, rank = min(unit / UNITS, a.used - 1);
    const unsigned slot = at * a.used + rank, row = first + unit % UNITS * COUNT;
    const shared_acts in = shared_layout(acts + rank * rank_bytes, a.in.k);
    const act_row act = {
        in.q, in.d, in.sum, a.in.x + static_cast<size_t>(slot) * a.in.stride, a.in.k, PAIR_BYTES};
    const uint8_t *data = a.rows.data + a.experts[slot] * a.rows.expert_bytes;
    each_row<COUNT>(a.rows.type, {data, a.rows.row_bytes, row, row + COUNT}, act,
                    {group.lane, group.width, 0, 1}, [&](unsigned r, float y) {
                      if (unit < a.used * UNITS) result[rank * ROWS + r - first] = y;
                    });
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < a.used * ROWS; i += blockDim.x)
    a.out[(static_cast<size_t>(at) * a.used + i / ROWS) * hidden + first + i % ROWS] = result[i];
  const unsigned row = first + threadIdx.x;
  if (threadIdx.x >= ROWS) return;
  const float *weights = a.weights + static_cast<size_t>(at) * a.used;
  float sum = weights[0] * result[threadIdx.x];
  for (unsigned r = 1; r < a.used; r++)
    sum = pv_fma_f32(weights[r], result[r * ROWS + threadIdx.x], sum);
  const size_t place = static_cast<size_t>(at) * hidden + row;
  a.sum[place] = sum;
  a.total[place] = a.residual[place] + sum;
}
