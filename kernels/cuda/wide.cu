/* A block makes 16 rows of output for 16 rows of the matrix; a warp has 4 times 8 of them, and its
 * lane l all wide lanes l + 32 j of each. It takes these j by j, in the order in which the first
 * steps of the fold are a binary counter of partial sums; the lanes of the warp are folded last.
 * Activations and weights come through shared memory, STEPS terms of each wide lane at a time; what
 * comes next is under way in registers meanwhile.
 *
 * Sums start from -0: fma(a, b, -0) is a * b, and x + -0 is x, so that a lane without a term, where
 * a row is shorter than PV_WIDE_LANES, adds nothing. */
#include "kernels/cuda/wide.h"

#include "kernels/cuda/types.cuh"

namespace {

constexpr unsigned TILE = PV_WIDE_TILE, STEPS = 8, LANES = 32, ROWS = 4, COLUMNS = 8,
                   OUT = ROWS * COLUMNS, RUNS = PV_WIDE_LANES / LANES, LEVELS = 3,
                   EACH = TILE * STEPS * LANES / 4 / PV_CUDA_BLOCK; /* loads of a thread */

struct terms {
  float x[STEPS][TILE][LANES], w[STEPS][TILE][LANES];
};

/* Elements i .. i + 3, i a multiple of 4. */
template <int type>
__device__ __forceinline__ float4 load_four(const uint8_t *row, unsigned i) {
  using block = typename format<type>::block;
  struct alignas(4 * sizeof(block)) four {
    block of[4];
  };
  const four v = reinterpret_cast<const four *>(row)[i / 4];
  return {format<type>::value(&v.of[0]), format<type>::value(&v.of[1]),
          format<type>::value(&v.of[2]), format<type>::value(&v.of[3])};
}

/* The fold of OUT sums over the lanes of a warp: lane l gets that of sum l. */
__device__ __forceinline__ float fold_each(float (&v)[OUT], unsigned lane) {
#pragma unroll
  for (unsigned s = LANES / 2; s > 0; s /= 2)
#pragma unroll
    for (unsigned i = 0; i < OUT / 2; i++) {
      if (i >= s) break;
      const bool upper = lane & s;
      const float keep = upper ? v[i + s] : v[i], give = upper ? v[i] : v[i + s];
      v[i] = keep + __shfl_xor_sync(every_lane, give, s);
    }
  return v[0];
}

template <int type>
__device__ __forceinline__ void products(const pv_cuda_wide &a, terms &now) {
  const unsigned lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  const unsigned row = blockIdx.y * TILE, column = blockIdx.x * TILE;
  const unsigned my_row = warp % (TILE / ROWS) * ROWS, my_column = warp / (TILE / ROWS) * COLUMNS;
  /* What a thread copies: four neighbouring elements of one step of every fourth row. */
  const unsigned four = threadIdx.x % (LANES / 4) * 4, step = threadIdx.x / (LANES / 4) % STEPS,
                 first = threadIdx.x / (LANES / 4 * STEPS);
  const float *x[EACH];
  const uint8_t *w[EACH];
#pragma unroll
  for (unsigned e = 0; e < EACH; e++) {
    const unsigned r = first + TILE / EACH * e;
    x[e] = a.x + static_cast<size_t>(min(row + r, a.count - 1)) * a.stride;
    w[e] = a.rows.data + min(column + r, a.rows.count - 1) * a.rows.row_bytes;
  }
  const unsigned pieces = (a.k + STEPS * PV_WIDE_LANES - 1) / (STEPS * PV_WIDE_LANES);
  const auto run_of = [](unsigned i) { return __brev(i) >> (32 - LEVELS); };
  float4 next_x[EACH], next_w[EACH];
  const auto load = [&](unsigned stage) {
    unsigned i = (stage % pieces * STEPS + step) * PV_WIDE_LANES + run_of(stage / pieces) * LANES;
    i = (i < a.k ? i : 0) + four; /* past the end: anything, nobody takes it */
#pragma unroll
    for (unsigned e = 0; e < EACH; e++) {
      next_x[e] = *reinterpret_cast<const float4 *>(x[e] + i);
      next_w[e] = load_four<type>(w[e], i);
    }
  };
  float sum[OUT], stack[LEVELS][OUT] = {};
  load(0);
#pragma unroll 1
  for (unsigned stage = 0; stage < RUNS * pieces; stage++) {
    const unsigned i = stage / pieces, piece = stage % pieces, run = run_of(i) * LANES;
    __syncthreads();
#pragma unroll
    for (unsigned e = 0; e < EACH; e++) {
      const unsigned r = first + TILE / EACH * e;
      *reinterpret_cast<float4 *>(&now.x[step][r][four]) = next_x[e];
      *reinterpret_cast<float4 *>(&now.w[step][r][four]) = next_w[e];
    }
    __syncthreads();
    if (stage + 1 < RUNS * pieces) load(stage + 1);
    const unsigned begin = piece * STEPS * PV_WIDE_LANES + run;
    const unsigned steps =
        begin < a.k ? min((a.k - begin + PV_WIDE_LANES - 1) / PV_WIDE_LANES, STEPS) : 0;
    if (piece == 0)
#pragma unroll
      for (float &s : sum) s = -0.0f;
    const auto add = [&](unsigned t) {
      float u[ROWS], v[COLUMNS];
#pragma unroll
      for (unsigned r = 0; r < ROWS; r++) u[r] = now.x[t][my_row + r][lane];
#pragma unroll
      for (unsigned c = 0; c < COLUMNS; c++) v[c] = now.w[t][my_column + c][lane];
#pragma unroll
      for (unsigned n = 0; n < OUT; n++)
        sum[n] = pv_fma_f32(v[n % COLUMNS], u[n / COLUMNS], sum[n]);
    };
#pragma unroll 4
    for (unsigned t = 0; t < steps; t++) add(t);
    bool carry = piece + 1 == pieces;
#pragma unroll
    for (unsigned level = 0; level < LEVELS; level++) {
      if (!carry) continue;
      carry = i >> level & 1u;
#pragma unroll
      for (unsigned n = 0; n < OUT; n++) {
        if (carry)
          sum[n] = stack[level][n] + sum[n];
        else
          stack[level][n] = sum[n];
      }
    }
  }
  const float y = fold_each(sum, lane);
  const unsigned r = row + my_row + lane / COLUMNS, c = column + my_column + lane % COLUMNS;
  if (r < a.count && c < a.rows.count) a.out[static_cast<size_t>(r) * a.rows.count + c] = y;
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK, 1) wide(const pv_cuda_wide a) {
  __shared__ __align__(16) terms now;
  begin_kernel();
  with_type(a.rows.type, [&](auto is) {
    if constexpr (!is_quantised(is.type)) products<is.type>(a, now);
  });
}
