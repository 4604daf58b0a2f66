#include "kernels/cuda/gemv.h"

#include "kernels/cuda/norm.cuh"

namespace {

/* What this block does: rows of one job, for row `at` of the output. */
struct part {
  unsigned job;
  row_range rows;
};

__device__ __forceinline__ part part_of(const pv_cuda_gemv &a) {
  unsigned block = blockIdx.x, which = 0;
  for (; which + 1 < a.jobs; which++) {
    const pv_cuda_job &job = a.job[which];
    const unsigned blocks = (job.rows.count + job.rows_per_block - 1) / job.rows_per_block;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_job &job = a.job[which];
  const unsigned first = block * job.rows_per_block;
  return {
      which,
      {job.rows.data, job.rows.row_bytes, first, min(first + job.rows_per_block, job.rows.count)}};
}

/* Calls multiply(job, rows, act, store). `known`: see norm_row; `plain`: whether a job may have
 * plain rows, which take activations as they are. */
template <unsigned known, bool plain, class Multiply>
__device__ __forceinline__ void products(const pv_cuda_gemv &a, const Multiply &multiply) {
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y;
  part mine = part_of(a);
  row_range &rows = mine.rows;
  const pv_cuda_job &job = a.job[mine.job];
  if (a.experts == nullptr)
    prefetch(rows.at(rows.first), min(rows.end - rows.first, 64u) * rows.row_bytes, threadIdx.x,
             blockDim.x);
  begin_kernel();
  if (a.experts != nullptr) rows.data += a.experts[at] * job.rows.expert_bytes;
  /* What the first row of each warp is added to is asked for before its product is there. */
  const size_t place = static_cast<size_t>(at) * job.rows.count;
  const bool adds = a.add != nullptr && mine.job == 0;
  const unsigned early = min(rows.first + threadIdx.x / 32, rows.end - 1);
  const float addend = known > 0 && adds ? a.add[place + early] : 0.0f;
  act_row act;
  if (a.norm.x != nullptr) {
    const unsigned k = known > 0 ? known : a.acts.k;
    shared_acts to = shared_layout(shared, k);
    if (!plain) to.x = nullptr;
    norm_row<known>(a.norm, at, to, blockIdx.x == 0);
    __syncthreads();
    act = {to.q, to.d, to.sum, to.x, k, PV_CUDA_PAIR_BYTES};
  } else if (a.norm.whole != 0) {
    const shared_acts to = shared_layout(shared, a.acts.k);
    const float *x = a.acts.x + static_cast<size_t>(at / a.acts.share) * a.acts.stride;
    rounding<known == 128 * PV_SEGMENT ? 2 : 1> row(x, a.acts.k);
    row.store(a.norm.max, to);
    __syncthreads();
    act = {to.q, to.d, to.sum, x, a.acts.k, PV_CUDA_PAIR_BYTES};
  } else {
    act = load_acts(a.acts, at / a.acts.share, shared,
                    !plain || is_quantised(static_cast<int>(job.rows.type)));
  }
  prefetch_ahead(a.ahead);
  multiply(job, rows, act, [&](unsigned r, float y) {
    job.out[place + r] = y;
    if (!adds) return;
    const bool first = known > 0 && r == early;
    a.total[place + r] = (first ? addend : a.add[place + r]) + y;
  });
}

template <unsigned segments>
__device__ __forceinline__ void frequent(const pv_cuda_gemv &a) {
  products<segments * PV_SEGMENT, false>(
      a, [](const pv_cuda_job &job, const row_range &rows, const act_row &act, const auto &store) {
        const lane_group group = {threadIdx.x % 32, 32, threadIdx.x / 32, PV_CUDA_WARPS};
        frequent_rows<segments, false>(job.rows.type, rows, act, group, store);
      });
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv(const pv_cuda_gemv a) {
  products<0, true>(
      a, [&](const pv_cuda_job &job, const row_range &rows, const act_row &act, const auto &store) {
        each_row(job.rows.type, rows, act, group_of(job.rows.type, a.acts.k), store);
      });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_64(const pv_cuda_gemv a) {
  frequent<64>(a);
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_128(const pv_cuda_gemv a) {
  frequent<128>(a);
}

/* A block has one row, and rounds nothing; one more block keeps the norm. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_few(const pv_cuda_gemv a) {
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y, r = blockIdx.x, count = a.job[0].rows.count;
  const row_range rows = {a.job[0].rows.data, a.job[0].rows.row_bytes, r, r + 1};
  const bool keeps = r == count;
  if (!keeps) prefetch(rows.at(r), rows.row_bytes, threadIdx.x, blockDim.x);
  begin_kernel();
  float *x = a.acts.x + static_cast<size_t>(at) * a.acts.stride;
  if (a.norm.x != nullptr) {
    shared_acts to = {};
    if (!keeps) x = to.x = reinterpret_cast<float *>(shared);
    if (a.norm.n == 2048)
      norm_row<2048>(a.norm, at, to, keeps);
    else
      norm_row<0>(a.norm, at, to, keeps);
    __syncthreads();
  }
  if (keeps) return;
  prefetch_ahead(a.ahead);
  const size_t place = static_cast<size_t>(at) * count;
  plain_row<PV_TYPE_F32>(rows, {nullptr, nullptr, nullptr, x, a.acts.k, 0}, [&](unsigned, float y) {
    a.job[0].out[place + r] = y;
    if (a.add != nullptr) a.total[place + r] = a.add[place + r] + y;
  });
}
