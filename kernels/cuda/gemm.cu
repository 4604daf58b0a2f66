/* Products of matrices in blocks of 32 weights with many rows of activations, identities i16 and
 * i8, on 8-bit integer tensor cores: the same integers as gemv.cu, and the same folds.
 *
 * A block owns PV_GEMM_ROWS rows of the matrix and a tile of up to 32 rows of activations; a warp
 * owns 16 of the former, all of the latter, and either the even or the odd segments, since the last
 * step of a fold over several values adds the sum of the odd ones to the sum of the even ones. A
 * segment is one product of depth 32 for each of the two planes of an activation. What a value
 * costs is its eight float and integer instructions, so all else is shared: a warp's weights and
 * scales by the 32 rows, scales unpacked once for a block. Rows of activations that belong to one
 * expert form the tiles.
 *
 * A warp meets its segments, the leaves of the fold's tree, in bit-reversed order, in which the
 * fold is a binary counter of partial sums: of pairs and of fours in registers, of more in shared
 * memory, where each thread has its own place. Scales are unpacked for LEAVES leaves at a time. */
#include "kernels/cuda/gemm.h"

#include "kernels/cuda/tile.cuh"

namespace {

enum {
  ROWS = PV_GEMM_ROWS,
  TILE = PV_CUDA_TILE,
  LEAVES = PV_GEMM_LEAVES,
  THREADS = PV_GEMM_THREADS,
  TOKEN_STRIDE = PV_GEMM_TOKEN_STRIDE
};

__device__ __forceinline__ void mma_32(int (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                       uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%10, %10, %10, %10};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(0));
}

/* Q8_0 has a path of its own: other types are unpacked by what their headers say (general.cuh). */
enum paths { GENERAL, OWN };

/* What a thread loads of one segment of its two rows, before it is needed. In the order of an
 * operand of mma_32: bytes 8t.. of row g, of row g + 8; bytes 8t + 4.. the same. `rows` point at
 * byte 8t of each. */
struct raw_rows {
  uint32_t w[4];
};

__device__ __forceinline__ void load_rows(const uint8_t *const (&rows)[2], unsigned s,
                                          raw_rows &out) {
#pragma unroll
  for (int r = 0; r < 2; r++) {
    uint32_t two[2];
    load_words(rows[r] + s * static_cast<unsigned>(sizeof(pv_block_q8_0)) + 2, two);
    out.w[r] = two[0];
    out.w[r + 2] = two[1];
  }
}

/* Both rows of a type without a path of its own. */
struct general_rows_of {
  pv_scales by[2];
  bool minimum;
};

__device__ __forceinline__ void load_general_rows(unsigned type, const uint8_t *const (&rows)[2],
                                                  unsigned s, unsigned t, uint32_t (&a)[4],
                                                  general_rows_of &out) {
  with_general_type(type, [&](auto is) {
    using form = format<is.type>;
    if constexpr (form::segments == 1) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const auto *block = block_at<is.type>(rows[r], s);
        a[r] = form::four(block, 0, 2 * t);
        a[r + 2] = form::four(block, 0, 2 * t + 1);
        out.by[r] = form::scales(block, 0);
        out.by[r].m = added_minimum<is.type>(out.by[r]);
      }
      out.minimum = has_minimum<is.type>();
    }
  });
}

/* The values of one segment: 16 rows times 8 rows of activations, x their bytes. `token` has the
 * scales and the sums of the thread's two, d those of the rows g and g + 8. */
__device__ __forceinline__ void values(const uint32_t (&a)[4], const float2 &d, const uint4 &x,
                                       const float4 &token, float (&out)[4]) {
  int high[4], low[4];
  mma_32(high, a, x.x, x.y);
  mma_32(low, a, x.z, x.w);
#pragma unroll
  for (int c = 0; c < 4; c++)
    out[c] = (c % 2 ? token.y : token.x) *
             ((c / 2 ? d.y : d.x) * static_cast<float>(256 * high[c] + low[c]));
}

__device__ __forceinline__ void values(const uint32_t (&a)[4], const general_rows_of &by,
                                       const uint4 &x, const float4 &token, float (&out)[4]) {
  int high[4], low[4];
  mma_32(high, a, x.x, x.y);
  mma_32(low, a, x.z, x.w);
#pragma unroll
  for (int c = 0; c < 4; c++) {
    const pv_scales &of = by.by[c / 2];
    float v = of.d * static_cast<float>(256 * high[c] + low[c]);
    if (by.minimum) v = pv_fma_f32(of.m, c % 2 ? token.w : token.z, v);
    out[c] = (c % 2 ? token.y : token.x) * v;
  }
}

/* The fold's tree over the segments of one parity: `places` leaves, of which `there` are there.
 * Leaf i of the even ones is segment 2 i. */
struct tree {
  unsigned segments, places, shift, log_chunks; /* chunks of up to LEAVES leaves */
  __device__ __forceinline__ explicit tree(unsigned n)
      : segments(n),
        places(power_above((n + 1) / 2)),
        shift(__clz(static_cast<int>(places)) + 1),
        log_chunks(places > LEAVES ? 31 - __clz(static_cast<int>(places / LEAVES)) : 0) {}
  /* The one that is met as number i. */
  __device__ __forceinline__ unsigned leaf(unsigned i) const {
    return places > 1 ? __brev(i) >> shift : 0;
  }
  __device__ __forceinline__ unsigned there(unsigned parity) const {
    return (segments + 1 - parity) / 2;
  }
};

/* Shared memory of a block; see pv_gemm_shared. Entries are of a segment: those of a leaf are
 * neighbours. */
struct tables {
  float2 *d;      /* [2 LEAVES][ROWS / 2], the pairs of rows g and g + 8 of each 16 */
  float4 *tokens; /* [2 LEAVES][TOKEN_STRIDE], of the rows 2 i and 2 i + 1: d, d, sum, sum */
  float4 *upper;  /* [levels][4][THREADS] */
  __device__ __forceinline__ explicit tables(uint4 *shared)
      : d(reinterpret_cast<float2 *>(shared)),
        tokens(reinterpret_cast<float4 *>(d + LEAVES * ROWS)),
        upper(tokens + 2 * LEAVES * TOKEN_STRIDE) {}
};

/* Fills the tables with what the leaves of the chunk that begins with number i need. */
template <paths path>
__device__ __forceinline__ void fill_tables(const work &w, const tree &f, unsigned begin,
                                            const tables &to) {
  const unsigned leaves = min(f.places, static_cast<unsigned>(LEAVES)), first = f.leaf(begin);
#pragma unroll 4
  for (unsigned i = threadIdx.x; i < 2 * leaves * TILE; i += THREADS) {
    const unsigned u = i % (2 * leaves), n = i / (2 * leaves);
    const unsigned s = min(2 * ((u / 2 << f.log_chunks) + first) + u % 2, f.segments - 1);
    const size_t at = static_cast<size_t>(w.begin[n]) + s;
    float *token = &to.tokens[u * TOKEN_STRIDE + n / 2].x + n % 2;
    token[0] = __ldg(w.a.acts.d + at);
    token[2] = static_cast<float>(__ldg(w.a.acts.sum + at));
  }
  if constexpr (path == OWN)
#pragma unroll 4
    for (unsigned i = threadIdx.x; i < 2 * leaves * ROWS; i += THREADS) {
      const unsigned u = i / ROWS, r = i % ROWS, pair = r / 16 * 8 + r % 8, half = r % 16 / 8;
      const unsigned s = min(2 * ((u / 2 << f.log_chunks) + first) + u % 2, f.segments - 1);
      float *d = &to.d[u * (ROWS / 2) + pair].x;
      d[half] = half_at(w.row(r) + s * sizeof(pv_block_q8_0));
    }
}

/* The rows of a warp, and a thread's place among them. */
template <paths path, int columns>
struct warp_side {
  const uint8_t *rows[2];   /* a thread's, from their byte 8t on */
  const uint4 *q;           /* bytes of activations */
  unsigned at[columns];     /* of the thread's row of each column, from its place in segment 0 */
  unsigned t, parity, pair; /* `pair` of rows in the tables */
  raw_rows raw;
  uint4 x[columns];

  __device__ __forceinline__ void load(unsigned s) {
    if constexpr (path == OWN) load_rows(rows, s, raw);
#pragma unroll
    for (int j = 0; j < columns; j++) x[j] = __ldg(q + (at[j] + 4 * s));
  }

  /* acc = the values of the leaf's segment, or acc += them. Leaf `next` is loaded meanwhile. */
  template <bool begin>
  __device__ __forceinline__ void leaf(const work &w, const tables &from, unsigned log_chunks,
                                       unsigned now, unsigned next, float (&acc)[4 * columns]) {
    const unsigned u = 2 * (now >> log_chunks) + parity, s = 2 * next + parity;
    raw_rows a = raw;
    float2 d;
    general_rows_of general;
    if constexpr (path == GENERAL) {
      load_general_rows(w.type, rows, 2 * now + parity, t, a.w, general);
    } else {
      load_rows(rows, s, raw);
      d = from.d[u * (ROWS / 2) + pair];
    }
    const float4 *tokens = from.tokens + u * TOKEN_STRIDE + t;
#pragma unroll
    for (int j = 0; j < columns; j++) {
      float v[4];
      if constexpr (path == GENERAL)
        values(a.w, general, x[j], tokens[4 * j], v);
      else
        values(a.w, d, x[j], tokens[4 * j], v);
      x[j] = __ldg(q + (at[j] + 4 * s));
#pragma unroll
      for (int c = 0; c < 4; c++) acc[4 * j + c] = begin ? v[c] : acc[4 * j + c] + v[c];
    }
  }

  /* The sum of the leaves that are met as numbers i and i + 1. Only leaves of the upper half, at
   * odd i, can be absent. */
  __device__ __forceinline__ void two_leaves(const work &w, const tables &from, const tree &f,
                                             unsigned i, float (&acc)[4 * columns]) {
    const unsigned there = f.there(parity), even = f.leaf(i), odd = f.leaf(i + 1);
    const unsigned after = min(f.leaf(i + 2), there - 1);
    const bool both = f.places > 1 && odd < there;
    leaf<true>(w, from, f.log_chunks, even, both ? odd : after, acc);
    if (both) leaf<false>(w, from, f.log_chunks, odd, after, acc);
  }
};

/* acc = stack + acc where the counter carries, else stack = acc; whether it does. */
template <int n>
__device__ __forceinline__ bool carry(bool carries, float (&stack)[n], float (&acc)[n]) {
#pragma unroll
  for (int c = 0; c < n; c++)
    if (carries)
      acc[c] += stack[c];
    else
      stack[c] = acc[c];
  return carries;
}

/* The levels in shared memory, from that of eight leaves on. */
template <int columns>
__device__ __forceinline__ void carry_upper(unsigned bits, unsigned levels, float4 *upper,
                                            float (&acc)[4 * columns]) {
  bool carries = true;
  for (unsigned level = 0; carries && level < levels; level++) {
    carries = bits >> level & 1u;
#pragma unroll
    for (int j = 0; j < columns; j++) {
      float4 *place = upper + (4 * level + j) * THREADS + threadIdx.x;
      const float4 v = *place;
      float *sum = acc + 4 * j;
      if (carries)
        sum[0] += v.x, sum[1] += v.y, sum[2] += v.z, sum[3] += v.w;
      else
        *place = make_float4(sum[0], sum[1], sum[2], sum[3]);
    }
  }
}

/* The sum over the segments of one parity; threads of a block stay together. */
template <paths path, int columns>
__device__ __forceinline__ void parity_sum(const work &w, const tables &shared,
                                           float (&acc)[4 * columns]) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4;
  const tree f(w.a.acts.k / PV_SEGMENT);
  warp_side<path, columns> side;
  side.t = lane % 4;
  side.parity = warp % 2;
  side.pair = warp / 2 * 8 + g;
  side.q = reinterpret_cast<const uint4 *>(w.a.acts.q);
#pragma unroll
  for (int r = 0; r < 2; r++)
    side.rows[r] = w.row(warp / 2 * 16 + 8 * r + g) + (path == GENERAL ? 0 : 8 * side.t);
#pragma unroll
  for (int j = 0; j < columns; j++) side.at[j] = w.begin[8 * j + g] * 4 + side.t;

  const unsigned leaves = min(f.places, static_cast<unsigned>(LEAVES));
  const unsigned levels = f.places >= 16 ? 28 - static_cast<unsigned>(__clz(f.places)) : 0;
  const bool any = f.there(side.parity) > 0;
  float two[4 * columns], four[4 * columns];
  if (any) side.load(side.parity);
  for (unsigned c = 0; c < f.places; c += leaves) {
    __syncthreads();
    fill_tables<path>(w, f, c, shared);
    __syncthreads();
    if (!any) continue;
#pragma unroll 1
    for (unsigned i = c; i < c + leaves; i += 4) {
      side.two_leaves(w, shared, f, i, acc);
      if (f.places <= 2) continue;
      side.two_leaves(w, shared, f, i + 2, two);
#pragma unroll
      for (int k = 0; k < 4 * columns; k++) acc[k] += two[k];
      if (carry((i & 4u) != 0, four, acc)) carry_upper<columns>(i >> 3, levels, shared.upper, acc);
    }
  }
}

/* Both parities' sums, added and stored. */
template <paths path, int columns>
__device__ __forceinline__ void tile_products(const work &w, const tables &shared) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  float acc[4 * columns] = {};
  parity_sum<path, columns>(w, shared, acc);
  __syncthreads();
  float *odd = reinterpret_cast<float *>(shared.d) + warp / 2 * 32 + lane;
  if (warp % 2 == 1)
#pragma unroll
    for (int c = 0; c < 4 * columns; c++) odd[c * (THREADS / 2)] = acc[c];
  __syncthreads();
  if (warp % 2 == 1) return;
  const bool several = w.a.acts.k > PV_SEGMENT;
#pragma unroll
  for (int c = 0; c < 4 * columns; c++) {
    const unsigned n = c / 4 * 8 + 2 * t + c % 2, row = w.first + warp / 2 * 16 + g + c % 4 / 2 * 8;
    if (n >= w.tile.count || row >= w.count) continue;
    w.out[static_cast<size_t>(w.slot(n)) * w.count + row] =
        several ? acc[c] + odd[c * (THREADS / 2)] : acc[c];
  }
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_GEMM_THREADS, 512 / PV_GEMM_THREADS) gemm(const pv_cuda_gemm a) {
  extern __shared__ uint4 dynamic[];
  __shared__ unsigned begin[TILE];
  pv_cuda_tile tile;
  begin_kernel();
  if (!tile_of(a, tile)) return;
  const work w = work_of<ROWS>(a, tile, begin);
  const tables shared(dynamic);
  if (w.type != PV_TYPE_Q8_0) return tile_products<GENERAL, 4>(w, shared);
  switch ((w.tile.count + 7) / 8) {
    case 1:
      return tile_products<OWN, 1>(w, shared);
    case 2:
      return tile_products<OWN, 2>(w, shared);
    case 3:
      return tile_products<OWN, 3>(w, shared);
    default:
      return tile_products<OWN, 4>(w, shared);
  }
}
