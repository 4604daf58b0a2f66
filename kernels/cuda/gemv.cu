#include "kernels/cuda/gemv.h"

#include "kernels/cuda/norm.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv(const pv_cuda_gemv a) {
  extern __shared__ uint4 shared[];
  unsigned block = blockIdx.x, which = 0;
  const unsigned at = blockIdx.y;
  for (; which + 1 < a.jobs; which++) {
    const pv_cuda_job &job = a.job[which];
    const unsigned blocks = (job.rows.count + job.rows_per_block - 1) / job.rows_per_block;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_job &job = a.job[which];
  const unsigned first = block * job.rows_per_block;
  row_range rows = {job.rows.data, job.rows.row_bytes, first,
                    min(first + job.rows_per_block, job.rows.count)};
  if (a.experts == nullptr)
    prefetch(rows.at(first), min(rows.end - first, 64u) * rows.row_bytes, threadIdx.x, blockDim.x);
  begin_kernel();
  if (a.experts != nullptr) rows.data += a.experts[at] * job.rows.expert_bytes;
  act_row act;
  if (a.norm.x != nullptr) {
    const shared_acts to = shared_layout(shared, a.acts.k);
    norm_row(a.norm, at, &to, blockIdx.x == 0);
    __syncthreads();
    act = {to.q, to.d, to.sum, to.x, a.acts.k, PV_CUDA_PAIR_BYTES};
  } else {
    act =
        load_acts(a.acts, at / a.acts.share, shared, is_quantised(static_cast<int>(job.rows.type)));
  }
  prefetch_ahead(a.ahead);
  const size_t place = static_cast<size_t>(at) * job.rows.count;
  const bool adds = a.add != nullptr && which == 0;
  const auto store = [&](unsigned r, float y) {
    job.out[place + r] = y;
    if (adds) a.total[place + r] = a.add[place + r] + y;
  };
  if (job.rows.type == PV_TYPE_F32 && job.rows_per_block == 1)
    plain_row<PV_TYPE_F32>(rows, act, store);
  else
    each_row(job.rows.type, rows, act, group_of(job.rows.type, a.acts.k), store);
}
