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

/* Calls multiply(job, rows, begun, act, store). `begun` is what start(rows) has asked for, of rows
 * that are known before the kernel before has ended. `known`: see norm_row; `plain`: whether a job
 * may have plain rows, which take activations as they are. */
template <unsigned known, bool plain, class Start, class Multiply>
__device__ __forceinline__ void products(const pv_cuda_gemv &a, const part &mine,
                                         const Start &start, const Multiply &multiply) {
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y;
  row_range rows = mine.rows;
  const pv_cuda_job &job = a.job[mine.job];
  decltype(start(rows)) begun;
  if (a.experts == nullptr) {
    prefetch(rows.at(rows.first), min(rows.end - rows.first, 64u) * rows.row_bytes, threadIdx.x,
             blockDim.x);
    begun = start(rows);
  }
  begin_kernel();
  if (a.experts != nullptr) {
    rows.data += a.experts[at] * job.rows.expert_bytes;
    begun = start(rows);
  }
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
  multiply(job, rows, begun, act, [&](unsigned r, float y) {
    job.out[place + r] = y;
    if (!adds) return;
    const bool first = known > 0 && r == early;
    a.total[place + r] = (first ? addend : a.add[place + r]) + y;
  });
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv(const pv_cuda_gemv a) {
  products<0, true>(
      a, part_of(a), [](const row_range &) { return 0; },
      [&](const pv_cuda_job &job, const row_range &rows, int, const act_row &act,
          const auto &store) {
        each_row(job.rows.type, rows, act, group_of(job.rows.type, a.acts.k), store);
      });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_64(const pv_cuda_gemv a) {
  const part mine = part_of(a);
  const lane_group group = {threadIdx.x % 32, 32, threadIdx.x / 32, PV_CUDA_WARPS};
  with_frequent(a.job[mine.job].rows.type, [&](auto is) {
    using first_row = first_rows<is.type, 1>;
    products<64 * PV_SEGMENT, false>(
        a, mine, [&](const row_range &rows) { return first_row(rows, group, 64); },
        [&](const pv_cuda_job &, const row_range &rows, const first_row &first, const act_row &act,
            const auto &store) { short_rows<is.type, 64>(rows, first, act, group, store); });
  });
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_128(const pv_cuda_gemv a) {
  const part mine = part_of(a);
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  with_frequent(a.job[mine.job].rows.type, [&](auto is) {
    using pieces = two_pieces<is.type>;
    products<128 * PV_SEGMENT, false>(
        a, mine,
        [&](const row_range &rows) { return pieces(rows.at(rows.first + warp), 128, lane); },
        [&](const pv_cuda_job &, const row_range &rows, pieces row, const act_row &act,
            const auto &store) {
#pragma unroll 1
          for (unsigned first = rows.first; first < rows.end; first += PV_CUDA_WARPS) {
            const unsigned r = first + warp;
            if (first > rows.first) row = pieces(rows.at(r), 128, lane);
            const float y = row.dot(act, 128, lane);
            if (lane == 0 && r < rows.end) store(r, y);
          }
        });
  });
}

/* A block has one row, and rounds nothing; one more block keeps the norm. */
PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 2) gemv_few(const pv_cuda_gemv a) {
  extern __shared__ uint4 shared[];
  const unsigned at = blockIdx.y, r = blockIdx.x, count = a.job[0].rows.count;
  const row_range rows = {a.job[0].rows.data, a.job[0].rows.row_bytes, r, r + 1};
  const bool keeps = r == count;
  if (!keeps) prefetch(rows.at(r), rows.row_bytes, threadIdx.x, blockDim.x);
  const float_weights first(rows.at(keeps ? 0 : r), a.acts.k);
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
  float_row(rows, first, {nullptr, nullptr, nullptr, x, a.acts.k, 0}, [&](unsigned, float y) {
    a.job[0].out[place + r] = y;
    if (a.add != nullptr) a.total[place + r] = a.add[place + r] + y;
  });
}
