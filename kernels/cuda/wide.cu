/* A block makes 16 rows of output for 16 rows of the matrix; a warp has 4 times 8 of them, and its
 * lane l all wide lanes l + 32 j of each. It takes these j by j, in the order in which the first
 * steps of the fold are a binary counter of partial sums; the lanes of the warp are folded last.
 * Activations and weights come through shared memory, STEPS terms of each wide lane at a time,
 * while the terms before are multiplied.
 *
 * Sums start from -0: fma(a, b, -0) is a * b, and x + -0 is x, so that a lane without a term, where
 * a row is shorter than PV_WIDE_LANES, adds nothing. */
#include "kernels/cuda/wide.h"

#include "kernels/cuda/types.cuh"

namespace {

constexpr unsigned TILE = PV_WIDE_TILE, STEPS = PV_WIDE_STEPS, LANES = 32, ROWS = 4, COLUMNS = 8,
                   OUT = ROWS * COLUMNS, RUNS = PV_WIDE_LANES / LANES, LEVELS = 3;

template <class Element>
using terms = Element[STEPS][TILE][LANES];

template <int type>
struct stage {
  terms<float> x;
  terms<typename format<type>::block> w;
};

/* Starts to copy the terms from column `begin` on; at(r) is where row r lies. */
template <class Element, class At>
__device__ __forceinline__ void copy(terms<Element> &to, unsigned begin, unsigned k, const At &at) {
  constexpr unsigned four = 16 / sizeof(Element), pieces = LANES / four; /* of 16 bytes */
#pragma unroll
  for (unsigned i = 0; i < STEPS * TILE * pieces; i += PV_CUDA_BLOCK) {
    const unsigned of = i + threadIdx.x, piece = of % pieces, step = of / pieces % STEPS,
                   r = of / pieces / STEPS;
    const unsigned column = begin + step * PV_WIDE_LANES;
    /* Past the end: anything, nobody takes it. */
    copy_sixteen(&to[step][r][piece * four], reinterpret_cast<const Element *>(at(r)) +
                                                 (column < k ? column : 0) + piece * four);
  }
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
__device__ __forceinline__ void products(const pv_cuda_wide &a, uint4 *memory) {
  stage<type> *stages = reinterpret_cast<stage<type> *>(memory); /* one is read, one written */
  const unsigned lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  const unsigned row = blockIdx.y * TILE, column = blockIdx.x * TILE;
  const unsigned my_row = warp % (TILE / ROWS) * ROWS, my_column = warp / (TILE / ROWS) * COLUMNS;
  const unsigned pieces = (a.k + STEPS * PV_WIDE_LANES - 1) / (STEPS * PV_WIDE_LANES);
  /* The first column of a stage. */
  const auto begin_of = [&](unsigned s) {
    return s % pieces * STEPS * PV_WIDE_LANES + (__brev(s / pieces) >> (32 - LEVELS)) * LANES;
  };
  const auto load = [&](unsigned s) {
    stage<type> &to = stages[s % 2];
    copy(to.x, begin_of(s), a.k, [&](unsigned r) {
      return a.x + static_cast<size_t>(min(row + r, a.count - 1)) * a.stride;
    });
    copy(to.w, begin_of(s), a.k, [&](unsigned r) {
      return a.rows.data + min(column + r, a.rows.count - 1) * a.rows.row_bytes;
    });
  };
  float sum[OUT], stack[LEVELS][OUT] = {};
  load(0);
#pragma unroll 1
  for (unsigned s = 0; s < RUNS * pieces; s++) {
    const unsigned run = s / pieces, piece = s % pieces, begin = begin_of(s);
    const unsigned steps =
        begin < a.k ? min((a.k - begin + PV_WIDE_LANES - 1) / PV_WIDE_LANES, STEPS) : 0;
    const stage<type> &now = stages[s % 2];
    wait_for_sixteens();
    __syncthreads();
    if (s + 1 < RUNS * pieces) load(s + 1);
    if (piece == 0)
#pragma unroll
      for (float &of : sum) of = -0.0f;
#pragma unroll 4
    for (unsigned t = 0; t < steps; t++) {
      float u[ROWS], v[COLUMNS];
#pragma unroll
      for (unsigned r = 0; r < ROWS; r++) u[r] = now.x[t][my_row + r][lane];
#pragma unroll
      for (unsigned c = 0; c < COLUMNS; c++)
        v[c] = format<type>::value(&now.w[t][my_column + c][lane]);
#pragma unroll
      for (unsigned n = 0; n < OUT; n++)
        sum[n] = pv_fma_f32(v[n % COLUMNS], u[n / COLUMNS], sum[n]);
    }
    bool carry = piece + 1 == pieces;
#pragma unroll
    for (unsigned level = 0; level < LEVELS; level++) {
      if (!carry) continue;
      carry = run >> level & 1u;
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
  extern __shared__ uint4 shared[];
  begin_kernel();
  with_type(a.rows.type, [&](auto is) {
    if constexpr (!is_quantised(is.type)) products<is.type>(a, shared);
  });
}
