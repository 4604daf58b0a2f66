/* Matrix-vector products, identities i16 and i8: out[r] = row r . activations, for up to three
 * matrices with the same activations, and for the first of them total = add + out.
 * Reference: mm of kernels/cpu. Grid (blocks of rows_per_block rows, over all jobs; rows of the
 * batch), block 256, dynamic shared memory act_shared_bytes(k). */
#include "kernels/cuda/segments.cuh"

PV_KERNEL __launch_bounds__(256) gemv(const pv_cuda_gemv a) {
  extern __shared__ uint4 shared[];
  unsigned block = blockIdx.x, which = 0;
  const unsigned at = blockIdx.y;
  for (; which + 1 < a.jobs; which++) {
    const unsigned blocks = (a.job[which].rows.count + a.rows_per_block - 1) / a.rows_per_block;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_job &job = a.job[which];
  const unsigned width = group_width(job.rows.type, a.acts.k), lane = threadIdx.x % width;
  const act_row act = load_acts(a.acts, at / a.acts.share, reinterpret_cast<uint8_t *>(shared),
                                is_quantised(static_cast<int>(job.rows.type)));
  const uint8_t *data = job.rows.data;
  if (a.experts != nullptr) data += a.experts[at] * job.rows.expert_bytes;
  const unsigned end = min((block + 1) * a.rows_per_block, job.rows.count);
  for (unsigned first = block * a.rows_per_block; first < end; first += blockDim.x / width) {
    const unsigned r = first + threadIdx.x / width, row = r < end ? r : end - 1;
    const float y = row_dot(job.rows.type, data + row * job.rows.row_bytes, act, lane, width);
    if (lane != 0 || r >= end) continue;
    const size_t place = static_cast<size_t>(at) * job.rows.count + r;
    job.out[place] = y;
    if (a.add != nullptr && which == 0) a.total[place] = a.add[place] + y;
  }
}
