/* Products of quantised matrices with many rows of activations, identities i16 and i8, on 8-bit
 * integer tensor cores: the same integers as gemv.cu, and the same folds.
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

#include "kernels/cuda/segments.cuh"

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

__device__ __forceinline__ uint32_t word_at(const uint8_t *p) { /* p even */
  const uint16_t *half = reinterpret_cast<const uint16_t *>(p);
  return __ldg(half) | static_cast<uint32_t>(__ldg(half + 1)) << 16;
}

/* The number of a type without a path of its own; see general.cuh. */
constexpr int GENERAL = -1;

/* The scales of two rows, g and g + 8 of a warp's 16, as they lie in shared memory: `of` a segment,
 * `d` of the block that it and its neighbour lie in.
 *
 *   Q4_K, Q5_K   of: sc and m (a float)    d: d and -dmin
 *   Q6_K         of: sc of both halves     d: d / 4, see q6_bytes
 *   Q8_0         of: d (a float) */
struct scales {
  int4 of;
  float4 d;
};

/* Scales of the segments s (even) and s + 1 of a row of n segments. */
template <int type>
__device__ __forceinline__ void scales_of(const uint8_t *row, unsigned s, unsigned n, int2 (&of)[2],
                                          float2 &d) {
  if constexpr (type == PV_TYPE_Q8_0) {
#pragma unroll
    for (unsigned i = 0; i < 2; i++)
      of[i].x = static_cast<int>(pv_bits_f32(
          half_at(row + static_cast<size_t>(min(s + i, n - 1)) * sizeof(pv_block_q8_0))));
  } else if constexpr (type == PV_TYPE_Q6_K) {
    const uint8_t *block = row + static_cast<size_t>(s / 8) * sizeof(pv_block_q6_k);
    const uint32_t four = word_at(block + q6_scales + 2 * (s % 8));
#pragma unroll
    for (unsigned i = 0; i < 2; i++)
      of[i] = make_int2(static_cast<int8_t>(four >> (16 * i)),
                        static_cast<int8_t>(four >> (16 * i + 8)));
    d.x = 0.25f * half_at(block + q6_d);
  } else {
    const uint4 head =
        __ldg(reinterpret_cast<const uint4 *>(row + static_cast<size_t>(s / 8) * k4_bytes(type)));
    uint32_t sc, m;
    k4_scales(head, s % 8, sc, m);
#pragma unroll
    for (unsigned i = 0; i < 2; i++)
      of[i] = make_int2(static_cast<int>(sc >> (8 * i) & 255u),
                        static_cast<int>(pv_bits_f32(static_cast<float>(m >> (8 * i) & 255u))));
    d = make_float2(half_value(static_cast<uint16_t>(head.x)),
                    -half_value(static_cast<uint16_t>(head.x >> 16)));
  }
}

/* What a thread loads of one segment of its two rows, before it is needed. */
template <int type>
struct raw_rows {
  uint32_t w[4];
};
template <>
struct raw_rows<PV_TYPE_Q5_K> {
  uint32_t w[4], fifth[4];
};
template <>
struct raw_rows<PV_TYPE_Q6_K> {
  uint32_t w[4], high[4];
};

/* In the order of an operand of mma_32: bytes 8t.. of row g, of row g + 8; bytes 8t + 4.. the same.
 * `rows` point at byte 8t of each. */
template <int type>
__device__ __forceinline__ void load_rows(const uint8_t *const (&rows)[2], unsigned s,
                                          raw_rows<type> &out) {
  const unsigned j = s % 8;
  const auto put = [](uint32_t(&to)[4], int r, const uint2 &two) {
    to[r] = two.x;
    to[r + 2] = two.y;
  };
  const auto even = [](const uint8_t *p) {
    uint32_t two[2];
    load_words(p, two);
    return make_uint2(two[0], two[1]);
  };
#pragma unroll
  for (int r = 0; r < 2; r++) {
    if constexpr (type == PV_TYPE_Q8_0) {
      put(out.w, r, even(rows[r] + s * static_cast<unsigned>(sizeof(pv_block_q8_0)) + 2));
    } else if constexpr (type == PV_TYPE_Q6_K) {
      const uint8_t *block = rows[r] + s / 8 * static_cast<unsigned>(sizeof(pv_block_q6_k));
      put(out.w, r, even(block + (j / 4 * 64 + j % 2 * 32)));
      put(out.high, r, even(block + (128 + j / 4 * 32)));
    } else if constexpr (type != GENERAL) {
      const uint8_t *block = rows[r] + s / 8 * static_cast<unsigned>(k4_bytes(type));
      const uint2 *nibbles =
          reinterpret_cast<const uint2 *>(block + j / 2 * 32) + (type == PV_TYPE_Q4_K ? 2 : 6);
      put(out.w, r, __ldg(nibbles));
      if constexpr (type == PV_TYPE_Q5_K)
        put(out.fifth, r, __ldg(reinterpret_cast<const uint2 *>(block) + 2));
    }
  }
}

/* Signed bytes of 4 (q - 32): the lowest four bits of q in `low` from bit `shift` on, the other two
 * in `high`, where `two` gives their shift. A quarter of d makes up for the 4: both are exact. */
__device__ __forceinline__ uint32_t q6_bytes(uint32_t low, uint32_t high, unsigned j) {
  const uint32_t four = j % 4 < 2 ? low << 2 : low >> 2;
  const uint32_t two = high << (6 - j % 4 * 2);
  return (four & 0x3c3c3c3cu) | ((two & 0xc0c0c0c0u) ^ 0x80808080u);
}

/* The integers of a segment. */
template <int type>
__device__ __forceinline__ void unpack_rows(const raw_rows<type> &raw, unsigned s,
                                            uint32_t (&a)[4]) {
  const unsigned j = s % 8;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if constexpr (type == PV_TYPE_Q8_0)
      a[i] = raw.w[i];
    else if constexpr (type == PV_TYPE_Q6_K)
      a[i] = q6_bytes(raw.w[i], raw.high[i], j);
    else
      a[i] = raw.w[i] >> (j % 2 * 4) & 0x0f0f0f0fu;
    if constexpr (type == PV_TYPE_Q5_K) a[i] |= (raw.fifth[i] >> j & 0x01010101u) << 4;
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
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const auto *block = block_at<is.type>(rows[r], s / form::segments);
      a[r] = form::four(block, s % form::segments, 2 * t);
      a[r + 2] = form::four(block, s % form::segments, 2 * t + 1);
      out.by[r] = form::scales(block, s % form::segments);
      out.by[r].m = added_minimum<is.type>(out.by[r]);
    }
    out.minimum = has_minimum<is.type>();
  });
}

/* What is there of an operand in the first or the second half of a segment. */
__device__ __forceinline__ void half_of(const uint32_t (&a)[4], bool is, uint32_t (&out)[4]) {
#pragma unroll
  for (int i = 0; i < 4; i++) out[i] = is ? a[i] : 0;
}

/* The values of one segment: 16 rows times 8 rows of activations, x their bytes. `token` has the
 * scales and the sums of the thread's two. */
template <int type>
__device__ __forceinline__ void values(const uint32_t (&a)[4], unsigned t, const scales &by,
                                       const uint4 &x, const float4 &token, float (&out)[4]) {
  int high[2][4], low[2][4];
  if constexpr (type == PV_TYPE_Q6_K) {
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
      uint32_t of[4];
      half_of(a, t / 2 == half, of);
      mma_32(high[half], of, x.x, x.y);
      mma_32(low[half], of, x.z, x.w);
    }
  } else {
    mma_32(high[0], a, x.x, x.y);
    mma_32(low[0], a, x.z, x.w);
  }
#pragma unroll
  for (int c = 0; c < 4; c++) {
    const int of[2] = {c / 2 ? by.of.z : by.of.x, c / 2 ? by.of.w : by.of.y};
    const float d = c / 2 ? by.d.z : by.d.x;
    float v;
    if constexpr (type == PV_TYPE_Q6_K) {
      const float h = static_cast<float>(of[0] * high[0][c] + of[1] * high[1][c]);
      const float l = static_cast<float>(of[0] * low[0][c] + of[1] * low[1][c]);
      v = d * pv_fma_f32(256.0f, h, l);
    } else {
      const int dot = 256 * high[0][c] + low[0][c];
      if constexpr (type == PV_TYPE_Q8_0)
        v = pv_f32_bits(static_cast<uint32_t>(of[0])) * static_cast<float>(dot);
      else /* m times a sum is exact before it is rounded; + 0 as the integer has no -0 */
        v = pv_fma_f32(
            c / 2 ? by.d.w : by.d.y,
            pv_fma_f32(pv_f32_bits(static_cast<uint32_t>(of[1])), c % 2 ? token.w : token.z, 0.0f),
            d * static_cast<float>(of[0] * dot));
    }
    out[c] = (c % 2 ? token.y : token.x) * v;
  }
}

__device__ __forceinline__ void values(const uint32_t (&a)[4], unsigned t,
                                       const general_rows_of &by, const uint4 &x,
                                       const float4 &token, float (&out)[4]) {
  constexpr uint32_t one = 0x01010101u;
  int high[2][4], low[2][4], first[2][4] = {};
  uint32_t of[4];
#pragma unroll
  for (unsigned half = 0; half < 2; half++) {
    half_of(a, t / 2 == half, of);
    mma_32(high[half], of, x.x, x.y);
    mma_32(low[half], of, x.z, x.w);
  }
  if (by.minimum) { /* the sum of the first half of the activations */
    half_of({one, one, one, one}, t < 2, of);
    mma_32(first[0], of, x.x, x.y);
    mma_32(first[1], of, x.z, x.w);
  }
#pragma unroll
  for (int c = 0; c < 4; c++) {
    const int of_high[2] = {high[0][c], high[1][c]}, of_low[2] = {low[0][c], low[1][c]};
    out[c] =
        general_value(by.by[c / 2], by.minimum, of_high, of_low, c % 2 ? token.y : token.x,
                      256 * first[0][c] + first[1][c], static_cast<int>(c % 2 ? token.w : token.z));
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

/* Shared memory of a block; see pv_gemm_shared. Entries of `of` and of `tokens` are of a segment:
 * those of a leaf are neighbours. */
struct tables {
  int4 *of;       /* [2 LEAVES][ROWS / 2], the pairs of rows g and g + 8 of each 16 */
  float4 *d;      /* [LEAVES][ROWS / 2] */
  float4 *tokens; /* [2 LEAVES][TOKEN_STRIDE], of the rows 2 i and 2 i + 1: d, d, sum, sum */
  float4 *upper;  /* [levels][4][THREADS] */
  __device__ __forceinline__ explicit tables(uint4 *shared)
      : of(reinterpret_cast<int4 *>(shared)),
        d(reinterpret_cast<float4 *>(of + LEAVES * ROWS)),
        tokens(d + LEAVES * ROWS / 2),
        upper(tokens + 2 * LEAVES * TOKEN_STRIDE) {}
};

/* What a block works on. */
struct work {
  const pv_cuda_gemm &a;
  pv_cuda_tile tile;
  const uint8_t *data; /* of the expert */
  uint64_t row_bytes;
  unsigned type, first, count; /* rows of the matrix: the block's first, and all */
  const unsigned *begin;       /* shared: first segment of each of the tile's rows of activations */
  __device__ __forceinline__ const uint8_t *row(unsigned i) const { /* past the end: the last */
    return data + min(first + i, count - 1) * row_bytes;
  }
  __device__ __forceinline__ unsigned slot(unsigned n) const { /* the same */
    const unsigned at = tile.first + min(n, tile.count - 1);
    return a.slots != nullptr ? a.slots[at] : at;
  }
};

/* Fills the tables with what the leaves of the chunk that begins with number i need. */
template <int type>
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
  if constexpr (type != GENERAL)
#pragma unroll 4
    for (unsigned i = threadIdx.x; i < leaves * ROWS; i += THREADS) {
      const unsigned q = i / ROWS, r = i % ROWS, pair = r / 16 * 8 + r % 8, half = r % 16 / 8;
      const unsigned leaf = min((q << f.log_chunks) + first, f.there(0) - 1);
      int2 of[2] = {};
      float2 d = {};
      scales_of<type>(w.row(r), 2 * leaf, f.segments, of, d);
#pragma unroll
      for (unsigned odd = 0; odd < 2; odd++)
        reinterpret_cast<int2 *>(to.of + (2 * q + odd) * (ROWS / 2) + pair)[half] = of[odd];
      reinterpret_cast<float2 *>(to.d + q * (ROWS / 2) + pair)[half] = d;
    }
}

/* The rows of a warp, and a thread's place among them. */
template <int type, int columns>
struct warp_side {
  const uint8_t *rows[2];   /* a thread's, from their byte 8t on */
  const uint4 *q;           /* bytes of activations */
  unsigned at[columns];     /* of the thread's row of each column, from its place in segment 0 */
  unsigned t, parity, pair; /* `pair` of rows in the tables */
  raw_rows<type> raw;
  uint4 x[columns];

  __device__ __forceinline__ void load(unsigned s) {
    load_rows<type>(rows, s, raw);
#pragma unroll
    for (int j = 0; j < columns; j++) x[j] = __ldg(q + (at[j] + 4 * s));
  }

  /* acc = the values of the leaf's segment, or acc += them. Leaf `next` is loaded meanwhile. */
  template <bool begin>
  __device__ __forceinline__ void leaf(const work &w, const tables &from, unsigned log_chunks,
                                       unsigned now, unsigned next, float (&acc)[4 * columns]) {
    const unsigned q_leaf = now >> log_chunks, u = 2 * q_leaf + parity, s = 2 * next + parity;
    uint32_t a[4];
    scales by;
    general_rows_of general;
    if constexpr (type == GENERAL) {
      load_general_rows(w.type, rows, 2 * now + parity, t, a, general);
    } else {
      unpack_rows<type>(raw, 2 * now + parity, a);
      load_rows<type>(rows, s, raw);
      by.of = from.of[u * (ROWS / 2) + pair];
      if constexpr (type != PV_TYPE_Q8_0) by.d = from.d[q_leaf * (ROWS / 2) + pair];
    }
    const float4 *tokens = from.tokens + u * TOKEN_STRIDE + t;
#pragma unroll
    for (int j = 0; j < columns; j++) {
      float v[4];
      if constexpr (type == GENERAL)
        values(a, t, general, x[j], tokens[4 * j], v);
      else
        values<type>(a, t, by, x[j], tokens[4 * j], v);
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
template <int type, int columns>
__device__ __forceinline__ void parity_sum(const work &w, const tables &shared,
                                           float (&acc)[4 * columns]) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4;
  const tree f(w.a.acts.k / PV_SEGMENT);
  warp_side<type, columns> side;
  side.t = lane % 4;
  side.parity = warp % 2;
  side.pair = warp / 2 * 8 + g;
  side.q = reinterpret_cast<const uint4 *>(w.a.acts.q);
#pragma unroll
  for (int r = 0; r < 2; r++)
    side.rows[r] = w.row(warp / 2 * 16 + 8 * r + g) + (type == GENERAL ? 0 : 8 * side.t);
#pragma unroll
  for (int j = 0; j < columns; j++) side.at[j] = w.begin[8 * j + g] * 4 + side.t;

  const unsigned leaves = min(f.places, static_cast<unsigned>(LEAVES));
  const unsigned levels = f.places >= 16 ? 28 - static_cast<unsigned>(__clz(f.places)) : 0;
  const bool any = f.there(side.parity) > 0;
  float two[4 * columns], four[4 * columns];
  if (any) side.load(side.parity);
  for (unsigned c = 0; c < f.places; c += leaves) {
    __syncthreads();
    fill_tables<type>(w, f, c, shared);
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
template <int type, int columns>
__device__ __forceinline__ void tile_products(const work &w, const tables &shared, float *out) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  float acc[4 * columns] = {};
  parity_sum<type, columns>(w, shared, acc);
  __syncthreads();
  float *odd = reinterpret_cast<float *>(shared.of) + warp / 2 * 32 + lane;
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
    out[static_cast<size_t>(w.slot(n)) * w.count + row] =
        several ? acc[c] + odd[c * (THREADS / 2)] : acc[c];
  }
}

template <int type>
__device__ __forceinline__ void tile_of_type(const work &w, const tables &shared, float *out) {
  switch ((w.tile.count + 7) / 8) {
    case 1:
      return tile_products<type, 1>(w, shared, out);
    case 2:
      return tile_products<type, 2>(w, shared, out);
    case 3:
      return tile_products<type, 3>(w, shared, out);
    default:
      return tile_products<type, 4>(w, shared, out);
  }
}

}  // namespace

PV_ENTRY __launch_bounds__(PV_GEMM_THREADS, 512 / PV_GEMM_THREADS) gemm(const pv_cuda_gemm a) {
  extern __shared__ uint4 dynamic[];
  __shared__ unsigned begin[TILE];
  begin_kernel();
  pv_cuda_tile tile = {0, blockIdx.y * TILE,
                       min(static_cast<unsigned>(TILE), a.count - blockIdx.y * TILE)};
  if (a.tiles != nullptr) {
    if (blockIdx.y >= *a.tile_count) return;
    tile = a.tiles[blockIdx.y];
  }
  unsigned block = blockIdx.x, which = 0;
  for (; which + 1 < a.jobs; which++) {
    const unsigned blocks = (a.job[which].rows.count + ROWS - 1) / ROWS;
    if (block < blocks) break;
    block -= blocks;
  }
  const pv_cuda_rows &rows = a.job[which].rows;
  float *out = a.job[which].out;
  const work w = {a,
                  tile,
                  rows.data + tile.expert * rows.expert_bytes,
                  rows.row_bytes,
                  rows.type,
                  block * ROWS,
                  rows.count,
                  begin};
  if (threadIdx.x < TILE) begin[threadIdx.x] = w.slot(threadIdx.x) / a.acts.share * a.acts.segments;
  __syncthreads();
  const tables shared(dynamic);
  prefetch(w.row(0), min(static_cast<unsigned>(ROWS), w.count - w.first) * w.row_bytes, threadIdx.x,
           THREADS);
  if (!has_own_path(static_cast<int>(w.type))) return tile_products<GENERAL, 4>(w, shared, out);
  with_type(w.type, [&](auto is) {
    if constexpr (is_quantised(is.type) && has_own_path(is.type))
      tile_of_type<is.type>(w, shared, out);
  });
}
