/* Products with many rows of activations of matrices in blocks of 256 weights, identities i16 and
 * i8, on 8-bit integer tensor cores. A block's value begins with one exact integer (act.h), so that
 * sub-scales are multiplied among integers, and floats are met once in 256 weights.
 *
 * A block of threads owns PV_GEMM_256_ROWS rows of the matrix and a tile of up to 32 rows of
 * activations, a warp 16 of the former and all of the latter. The elements of 256 meet in steps of
 * 32, of which each thread brings 8 neighbours; which, is what a type's layout makes cheap
 * (`unit`).
 *
 *   Q4_K, Q5_K   a step is a segment: its two sums, over the planes of the activations, are
 *                multiplied with its sub-scale and added up.
 *   others       weights are multiplied with their sub-scales first: 16 bits, so two planes of
 * bytes as the activations have. Three sums are left: of high by high bytes, of both mixed
 *                products, of low by low ones.
 *
 * The sums of minima of Q4_K and Q5_K are products of depth 8 with the three signed digits of the
 * sums of activations; those of other types are made like the others.
 *
 * Activations come through shared memory in stages, weights from where they are, both while the
 * ones before are multiplied. A warp meets its blocks, the leaves of the fold's tree, in
 * bit-reversed order, in which the fold is a binary counter of partial sums, in shared memory from
 * those of two leaves on. */
#include "kernels/cuda/gemm_256.h"

#include "kernels/cuda/stages.cuh"
#include "kernels/cuda/tile.cuh"

namespace {

constexpr unsigned THREADS = PV_GEMM_256_THREADS, WARPS = PV_GEMM_256_WARPS,
                   STAGES = PV_GEMM_256_STAGES, STAGE = PV_GEMM_256_STAGE,
                   TOKEN = PV_GEMM_256_TOKEN, SIDE = PV_GEMM_256_SIDE, TILE = PV_CUDA_TILE,
                   BEHIND = 2; /* how many leaves a warp may be ahead of another */

/* The number of a type without a path of its own; see general.cuh. */
constexpr int GENERAL = -1;

__host__ __device__ constexpr bool is_whole(int type) {
  return pv_cuda_whole(static_cast<uint32_t>(type));
}

/* Whether a step's sums are multiplied with the sub-scale, and not its weights. */
__host__ __device__ constexpr bool scales_sums(int type) {
  return type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K;
}

enum signs { UNSIGNED, SIGNED };

/* c = a b, or c += a b: 16 rows of a, 8 of b, 32 bytes each; b is signed. */
template <signs of_a, bool begins>
__device__ __forceinline__ void mma_32(int (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                       uint32_t b1) {
#define PV_MMA(type)                                                                          \
  asm("mma.sync.aligned.m16n8k32.row.col.s32." type                                           \
      ".s8.s32 {%0, %1, %2, %3}, "                                                            \
      "{%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"                                     \
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])                                        \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "r"(begins ? 0 : c[0]), \
        "r"(begins ? 0 : c[1]), "r"(begins ? 0 : c[2]), "r"(begins ? 0 : c[3]))
  if constexpr (of_a == SIGNED)
    PV_MMA("s8");
  else
    PV_MMA("u8");
#undef PV_MMA
}

/* The same, 16 bytes each, of which a has no sign. */
__device__ __forceinline__ void mma_16(int (&c)[4], const uint32_t (&a)[2], uint32_t b) {
  asm("mma.sync.aligned.m16n8k16.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%7, %7, %7, %7};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(b), "r"(0));
}

/* Which eight elements of 256 thread t of a warp's four brings to a step. */
template <int type>
__device__ __forceinline__ constexpr unsigned unit(unsigned step, unsigned t) {
  return type == PV_TYPE_Q6_K ? 16 * (t / 2) + 4 * (step / 2) + 2 * (t % 2) + step % 2
                              : 4 * step + t;
}

/* Products of two rows, g and g + 8 of a warp's 16, with their sub-scales, as mma_32 takes them. */
struct planes {
  uint32_t low[4], high[4];
};

/* Two rows of a type: what a thread has loaded of them. begin() unpacks the scales of 256 weights
 * and step() the weights of one step; what they are done with is loaded anew, of block `next`. */
template <int type>
struct side;

/* Blocks that are alike but for the fifth bits. */
template <int type>
struct k4_side {
  const uint8_t *rows[2];
  uint4 head[2];
  uint2 q[2][4], fifth[2]; /* a thread's bytes 8 t .. 8 t + 7 of each 32 */
  uint2 bits[2];
  uint32_t x[2], m[2], sc[2][2];
  unsigned t;

  __device__ __forceinline__ const uint8_t *block(int r, unsigned i) const {
    return rows[r] + i * static_cast<unsigned>(k4_bytes(type));
  }
  __device__ __forceinline__ void load_head(unsigned i) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      head[r] = __ldg(reinterpret_cast<const uint4 *>(block(r, i)));
      if constexpr (type == PV_TYPE_Q5_K)
        fifth[r] = __ldg(reinterpret_cast<const uint2 *>(block(r, i)) + 2 + t);
    }
  }
  __device__ __forceinline__ void load_pair(unsigned i, int p) {
#pragma unroll
    for (int r = 0; r < 2; r++)
      q[r][p] = __ldg(reinterpret_cast<const uint2 *>(block(r, i)) +
                      (type == PV_TYPE_Q4_K ? 2 : 6) + 4 * p + t);
  }
  __device__ __forceinline__ void load(unsigned i) {
    load_head(i);
#pragma unroll
    for (int p = 0; p < 4; p++) load_pair(i, p);
  }
  __device__ __forceinline__ void begin(unsigned next) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const uint4 h = head[r];
      x[r] = h.x;
      sc[r][0] = h.y & 0x3f3f3f3fu;
      sc[r][1] = (h.w & 0x0f0f0f0fu) | (h.y >> 2 & 0x30303030u);
      const uint32_t upper = (h.w >> 4 & 0x0f0f0f0fu) | (h.z >> 2 & 0x30303030u);
      m[r] = t == 0 ? h.z & 0x3f3f3f3fu : t == 1 ? upper : 0;
      if constexpr (type == PV_TYPE_Q5_K) bits[r] = fifth[r];
    }
    load_head(next);
  }
  __device__ __forceinline__ void step(unsigned s, unsigned next, uint32_t (&a)[4]) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const uint2 v = q[r][s / 2];
      a[r] = v.x >> (s % 2 * 4) & 0x0f0f0f0fu;
      a[r + 2] = v.y >> (s % 2 * 4) & 0x0f0f0f0fu;
      if constexpr (type == PV_TYPE_Q5_K) {
        a[r] |= (bits[r].x >> s & 0x01010101u) << 4;
        a[r + 2] |= (bits[r].y >> s & 0x01010101u) << 4;
      }
    }
    if (s % 2 == 1) load_pair(next, s / 2);
  }
  __device__ __forceinline__ int scale(int r, unsigned s) const {
    return static_cast<int>(sc[r][s / 4] >> (s % 4 * 8) & 255u);
  }
  __device__ __forceinline__ float d(int r) const {
    return half_value(static_cast<uint16_t>(x[r]));
  }
  __device__ __forceinline__ float less(int r) const { /* what minima are multiplied with */
    return -half_value(static_cast<uint16_t>(x[r] >> 16));
  }
};
template <>
struct side<PV_TYPE_Q4_K> : k4_side<PV_TYPE_Q4_K> {};
template <>
struct side<PV_TYPE_Q5_K> : k4_side<PV_TYPE_Q5_K> {};

/* A thread has 16 weights of each of four quarters, which share a sub-scale. */
template <>
struct side<PV_TYPE_Q6_K> {
  const uint8_t *rows[2];
  uint32_t low[2][2][4], high[2][4]; /* low: quarters 0, 2 and 1, 3 */
  uint16_t four[2][4], bits[2], d_bits[2];
  int sc[2][4], add[2][4];
  unsigned t;

  __device__ __forceinline__ const uint8_t *block(int r, unsigned i) const {
    return rows[r] + i * static_cast<unsigned>(sizeof(pv_block_q6_k));
  }
  __device__ __forceinline__ void load_low(unsigned i, int p) {
#pragma unroll
    for (int r = 0; r < 2; r++)
      load_words(block(r, i) + t / 2 * 64 + p * 32 + t % 2 * 16, low[r][p]);
  }
  __device__ __forceinline__ void load_high(unsigned i) {
#pragma unroll
    for (int r = 0; r < 2; r++) load_words(block(r, i) + 128 + t * 16, high[r]);
  }
  __device__ __forceinline__ void load_scales(unsigned i) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const uint16_t *p = reinterpret_cast<const uint16_t *>(block(r, i) + q6_scales + t / 2 * 8);
#pragma unroll
      for (int j = 0; j < 4; j++) four[r][j] = __ldg(p + j);
      bits[r] = __ldg(reinterpret_cast<const uint16_t *>(block(r, i) + q6_d));
    }
  }
  __device__ __forceinline__ void load(unsigned i) {
    load_scales(i);
    load_low(i, 0);
    load_low(i, 1);
    load_high(i);
  }
  __device__ __forceinline__ void begin(unsigned next) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      d_bits[r] = bits[r];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        sc[r][j] = static_cast<int8_t>(four[r][j] >> (t % 2 * 8));
        add[r][j] = sc[r][j] * (-32 * 65537) + 32768;
      }
    }
    load_scales(next);
  }
  /* Two products share a register: 2^15 keeps the lower one from borrowing of the upper one. */
  __device__ __forceinline__ void step(unsigned s, unsigned next, planes &out) {
    const unsigned quarter = s / 2;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int r = i % 2, word = static_cast<int>(s % 2 * 2) + i / 2;
      const uint32_t l = low[r][quarter % 2][word] >> (quarter / 2 * 4), h = high[r][word];
      const uint32_t two = quarter == 3 ? h >> 2 : h << (4 - 2 * quarter);
      const uint32_t q = (l & 0x0f0f0f0fu) | (two & 0xf0f0f0f0u);
      const uint32_t even = (q & 0x003f003fu) * sc[r][quarter] + add[r][quarter];
      const uint32_t odd = (q >> 8 & 0x003f003fu) * sc[r][quarter] + add[r][quarter];
      out.low[i] = __byte_perm(even, odd, 0x6240);
      out.high[i] = __byte_perm(even, odd, 0x7351) ^ 0x00008080u;
    }
    if (s == 5) load_low(next, 0);
    if (s == 7) {
      load_low(next, 1);
      load_high(next);
    }
  }
  __device__ __forceinline__ float d(int r) const {
    return half_value(d_bits[r]);
  }
};

/* By what the header of the type says; nothing is loaded before. */
template <>
struct side<GENERAL> {
  const uint8_t *rows[2];
  pv_scales by[2];
  bool minimum;
  unsigned t, type, now;

  __device__ __forceinline__ void load(unsigned i) { now = i; }
  __device__ __forceinline__ void begin(unsigned) {}
  __device__ __forceinline__ void step(unsigned s, unsigned next, planes &out) {
    uint32_t q[4];
    with_general_type(type, [&](auto is) {
      if constexpr (is_whole(is.type)) {
        using form = format<is.type>;
#pragma unroll
        for (int r = 0; r < 2; r++) {
          const auto *block = block_at<is.type>(rows[r], now);
          q[r] = form::four(block, s, 2 * t);
          q[r + 2] = form::four(block, s, 2 * t + 1);
          by[r] = form::scales(block, s);
          by[r].m = added_minimum<is.type>(by[r]);
        }
        minimum = has_minimum<is.type>();
      }
    });
    if (s == 7) now = next;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int sc = t < 2 ? by[i % 2].sc[0] : by[i % 2].sc[1];
      int w[4];
#pragma unroll
      for (int j = 0; j < 4; j++) w[j] = (static_cast<int>(q[i] << (24 - 8 * j)) >> 24) * sc;
      out.low[i] =
          __byte_perm(__byte_perm(w[0], w[1], 0x0040), __byte_perm(w[2], w[3], 0x0040), 0x5410);
      out.high[i] =
          __byte_perm(__byte_perm(w[0], w[1], 0x0051), __byte_perm(w[2], w[3], 0x0051), 0x5410);
    }
  }
  /* The minima of a step's weights. */
  __device__ __forceinline__ void minima(uint32_t (&a)[4]) const {
#pragma unroll
    for (int i = 0; i < 4; i++)
      a[i] = static_cast<uint32_t>(t < 2 ? by[i % 2].lo[0] : by[i % 2].lo[1]) * 0x01010101u;
  }
  __device__ __forceinline__ float d(int r) const {
    return by[r].d;
  }
};

/* A stage as its readers see it. */
struct stage_view {
  const uint4 *x; /* the thread's first 16 bytes of row g */
  const uint32_t
      *side; /* [7][SIDE]: digits of the sums of segments 0..3 and 4..7, thrice; scales */
  __device__ __forceinline__ uint4 at(int column, unsigned step) const {
    return x[column * (8 * TOKEN / 16) + step * 4];
  }
  __device__ __forceinline__ float2 scales(int column, unsigned t) const {
    return *reinterpret_cast<const float2 *>(side + 6 * SIDE + 8 * column + 2 * t);
  }
};

/* acc += the values of a leaf. */
template <int type, int columns>
__device__ __forceinline__ void add_scaled_sums(side<type> &w, const stage_view &now, unsigned next,
                                                unsigned g, float (&acc)[4 * columns]) {
  int high[columns][4], low[columns][4];
  w.begin(next);
#pragma unroll
  for (unsigned s = 0; s < 8; s++) {
    uint32_t a[4];
    w.step(s, next, a);
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const uint4 v = now.at(j, s);
      int h[4], l[4];
      mma_32<SIGNED, true>(h, a, v.x, v.y);
      mma_32<SIGNED, true>(l, a, v.z, v.w);
#pragma unroll
      for (int c = 0; c < 4; c++) {
        const int sc = w.scale(c / 2, s);
        high[j][c] = s == 0 ? sc * h[c] : high[j][c] + sc * h[c];
        low[j][c] = s == 0 ? sc * l[c] : low[j][c] + sc * l[c];
      }
    }
  }
#pragma unroll
  for (int j = 0; j < columns; j++) {
    const float2 dx = now.scales(j, w.t);
    int m[3][4];
#pragma unroll
    for (unsigned digit = 0; digit < 3; digit++)
      mma_16(m[digit], w.m, now.side[(2 * digit + w.t % 2) * SIDE + 8 * j + g]);
#pragma unroll
    for (int c = 0; c < 4; c++) {
      const float minima = static_cast<float>((m[2][c] << 16) + (m[1][c] << 8) + m[0][c]);
      const float sum = w.d(c / 2) * exact_sum(high[j][c], low[j][c]);
      acc[4 * j + c] += (c % 2 ? dx.y : dx.x) * pv_fma_f32(w.less(c / 2), minima, sum);
    }
  }
}

template <int type, int columns>
__device__ __forceinline__ void add_scaled_weights(side<type> &w, const stage_view &now,
                                                   unsigned next, float (&acc)[4 * columns]) {
  int both_high[columns][4], mixed[columns][4], both_low[columns][4], least[columns][2][4];
  w.begin(next);
#pragma unroll
  for (unsigned s = 0; s < 8; s++) {
    planes a;
    uint32_t minima[4];
    w.step(s, next, a);
    if constexpr (type == GENERAL) w.minima(minima);
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const uint4 v = now.at(j, s);
      if (s == 0) {
        mma_32<SIGNED, true>(both_high[j], a.high, v.x, v.y);
        mma_32<SIGNED, true>(mixed[j], a.high, v.z, v.w);
        mma_32<UNSIGNED, true>(both_low[j], a.low, v.z, v.w);
      } else {
        mma_32<SIGNED, false>(both_high[j], a.high, v.x, v.y);
        mma_32<SIGNED, false>(mixed[j], a.high, v.z, v.w);
        mma_32<UNSIGNED, false>(both_low[j], a.low, v.z, v.w);
      }
      mma_32<UNSIGNED, false>(mixed[j], a.low, v.x, v.y);
      if constexpr (type == GENERAL) {
        if (s == 0) least[j][0][0] = least[j][0][1] = least[j][0][2] = least[j][0][3] = 0;
        if (s == 0) least[j][1][0] = least[j][1][1] = least[j][1][2] = least[j][1][3] = 0;
        mma_32<UNSIGNED, false>(least[j][0], minima, v.x, v.y);
        mma_32<UNSIGNED, false>(least[j][1], minima, v.z, v.w);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < columns; j++) {
    const float2 dx = now.scales(j, w.t);
#pragma unroll
    for (int c = 0; c < 4; c++) {
      float v = w.d(c / 2) * exact_sum((both_high[j][c] << 8) + mixed[j][c], both_low[j][c]);
      if constexpr (type == GENERAL) {
        const float minima = static_cast<float>(256 * least[j][0][c] + least[j][1][c]);
        if (w.minimum) v = pv_fma_f32(w.by[c / 2].m, minima, v);
      }
      acc[4 * j + c] += (c % 2 ? dx.y : dx.x) * v;
    }
  }
}

/* The leaves of a row in the order in which a warp meets them. Only leaves of the upper half, at
 * odd numbers, can be absent. */
struct tree {
  unsigned leaves, places, shift;
  __device__ __forceinline__ explicit tree(unsigned n)
      : leaves(n), places(power_above(n)), shift(__clz(static_cast<int>(places)) + 1) {}
  __device__ __forceinline__ unsigned leaf(unsigned i) const {
    return places > 1 ? __brev(i) >> shift : 0;
  }
  __device__ __forceinline__ unsigned after(unsigned i) const {
    return leaf(i + 1) >= leaves ? i + 2 : i + 1;
  }
};

/* The stages, and what this thread brings to them: 16 bytes of each of `columns` rows, one of the
 * eight sums of a row (asked for a stage before), and, of some, a scale. */
template <int type, int columns>
struct pipeline {
  const work &w;
  const tree f;
  uint8_t *memory;
  barrier full, empty; /* of stage 0; eight bytes each */
  unsigned from[columns], sums, ahead = 0, to = 0, round = 0;
  int sum = 0;
  bool has_sum;

  __device__ __forceinline__ pipeline(const work &of, uint8_t *shared, uint64_t *barriers)
      : w(of),
        f(of.a.acts.k / 256),
        memory(shared),
        full{shared_address(barriers)},
        empty{shared_address(barriers + STAGES)},
        has_sum(threadIdx.x < 64 * columns) {
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int i = 0; i < columns; i++)
      from[i] = w.begin[warp + WARPS * i] * 4 + unit<type>(lane / 4, lane % 4);
    sums = w.begin[min(threadIdx.x / 8, TILE - 1)];
    if (threadIdx.x == 0)
      for (unsigned s = 0; s < STAGES; s++) {
        barrier{full.at + 8 * s}.begin(2 * THREADS);
        barrier{empty.at + 8 * s}.begin(WARPS);
      }
    load_sum();
    __syncthreads();
  }
  __device__ __forceinline__ void load_sum() {
    if (has_sum && ahead < f.places)
      sum = __ldg(w.a.acts.sum + (sums + 8 * f.leaf(ahead) + threadIdx.x % 8));
  }
  /* X = digit 0 + 2^8 digit 1 + 2^16 digit 2, signed digits. */
  __device__ __forceinline__ void store_digits(uint8_t *side) const {
    const unsigned j = threadIdx.x % 8, token = threadIdx.x / 8;
    const uint32_t digits = static_cast<uint32_t>(sum + 0x8080) ^ 0x8080u;
    uint8_t *place = side + (j / 4 * SIDE + token) * 4 + j % 4;
#pragma unroll
    for (unsigned digit = 0; digit < 3; digit++)
      place[2 * digit * SIDE * 4] = static_cast<uint8_t>(digits >> (8 * digit));
  }
  /* Begins the copies of the next leaf, if there is one. */
  __device__ __forceinline__ void copy_next() {
    if (ahead >= f.places) return;
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, leaf = f.leaf(ahead);
    uint8_t *stage = memory + to * STAGE, *side = stage + TILE * TOKEN;
    if (round > 0) barrier{empty.at + 8 * to}.wait((round - 1) & 1u);
    const uint4 *q = reinterpret_cast<const uint4 *>(w.a.acts.q) + leaf * 32;
#pragma unroll
    for (int i = 0; i < columns; i++)
      copy_sixteen(stage + (warp + WARPS * i) * TOKEN + lane * 16, q + from[i]);
    if (threadIdx.x < 8 * columns)
      copy_word(side + (6 * SIDE + threadIdx.x) * 4,
                w.a.acts.d + (w.begin[threadIdx.x] + 8 * leaf));
    if (has_sum && scales_sums(type)) store_digits(side);
    barrier{full.at + 8 * to}.arrive_with_copies();
    barrier{full.at + 8 * to}.arrive();
    ahead = f.after(ahead);
    load_sum();
    to = to + 1 == STAGES ? 0 : to + 1;
    round += to == 0;
  }
};

/* The counter of partial sums, from that of two leaves on, when leaf i is in acc. */
template <int columns>
__device__ __forceinline__ void carry(const tree &f, unsigned i, float4 *upper,
                                      float (&acc)[4 * columns]) {
  if (i % 2 == 0 && f.leaf(i + 1) < f.leaves) return;
#pragma unroll 1
  for (unsigned bits = i >> 1, level = 0; (2u << level) < f.places; level++, bits >>= 1) {
#pragma unroll
    for (int j = 0; j < columns; j++) {
      float4 *place = upper + (4 * level + j) * THREADS;
      float *sum = acc + 4 * j;
      if (bits & 1u) {
        const float4 v = *place;
        sum[0] += v.x, sum[1] += v.y, sum[2] += v.z, sum[3] += v.w;
      } else {
        *place = make_float4(sum[0], sum[1], sum[2], sum[3]);
        sum[0] = sum[1] = sum[2] = sum[3] = -0.0f;
      }
    }
    if (!(bits & 1u)) break;
  }
}

/* Sums start from -0: x + -0 is x. */
template <int type, int columns>
__device__ __forceinline__ void tile_products(const work &w, uint8_t *shared, uint64_t *barriers) {
  const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
  pipeline<type, columns> p(w, shared, barriers);
  float4 *upper = reinterpret_cast<float4 *>(shared + STAGES * STAGE) + threadIdx.x;
  side<type> rows;
#pragma unroll
  for (int r = 0; r < 2; r++) rows.rows[r] = w.row(warp * 16 + 8 * r + g);
  rows.t = t;
  if constexpr (type == GENERAL) rows.type = w.type;
  rows.load(0);
  float acc[4 * columns];
#pragma unroll
  for (int c = 0; c < 4 * columns; c++) acc[c] = -0.0f;
#pragma unroll
  for (unsigned s = 0; s + BEHIND < STAGES; s++) p.copy_next();
  unsigned stage = 0, parity = 0;
#pragma unroll 1
  for (unsigned i = 0; i < p.f.places; i = p.f.after(i)) {
    p.copy_next();
    barrier{p.full.at + 8 * stage}.wait(parity);
    const uint8_t *now = shared + stage * STAGE;
    const stage_view view = {reinterpret_cast<const uint4 *>(now + g * TOKEN + t * 16),
                             reinterpret_cast<const uint32_t *>(now + TILE * TOKEN)};
    const unsigned after = p.f.after(i), next = p.f.leaf(after < p.f.places ? after : i);
    if constexpr (scales_sums(type))
      add_scaled_sums<type, columns>(rows, view, next, g, acc);
    else
      add_scaled_weights<type, columns>(rows, view, next, acc);
    __syncwarp();
    if (lane == 0) barrier{p.empty.at + 8 * stage}.arrive();
    stage = stage + 1 == STAGES ? 0 : stage + 1;
    parity ^= stage == 0;
    carry<columns>(p.f, i, upper, acc);
  }
#pragma unroll
  for (int c = 0; c < 4 * columns; c++) {
    const unsigned n = c / 4 * 8 + 2 * t + c % 2, row = w.first + warp * 16 + g + c % 4 / 2 * 8;
    if (n < w.tile.count && row < w.count)
      w.out[static_cast<size_t>(w.slot(n)) * w.count + row] = acc[c];
  }
}

template <int type>
__device__ __forceinline__ void tile_of_type(const work &w, uint8_t *shared, uint64_t *barriers) {
  switch ((w.tile.count + 7) / 8) {
    case 1:
      return tile_products<type, 1>(w, shared, barriers);
    case 2:
      return tile_products<type, 2>(w, shared, barriers);
    case 3:
      return tile_products<type, 3>(w, shared, barriers);
    default:
      return tile_products<type, 4>(w, shared, barriers);
  }
}

/* Beside the stages. */
struct room {
  uint64_t barriers[2 * STAGES];
  unsigned begin[TILE];
};

}  // namespace

PV_ENTRY __launch_bounds__(PV_GEMM_256_THREADS, 2) gemm_256(const pv_cuda_gemm a) {
  extern __shared__ uint4 dynamic[];
  __shared__ room own;
  pv_cuda_tile tile;
  begin_kernel();
  if (!tile_of(a, tile)) return;
  const work w = work_of<PV_GEMM_256_ROWS>(a, tile, own.begin);
  uint8_t *shared = reinterpret_cast<uint8_t *>(dynamic);
  if (w.type == PV_TYPE_Q4_K)
    tile_of_type<PV_TYPE_Q4_K>(w, shared, own.barriers);
  else if (w.type == PV_TYPE_Q5_K)
    tile_of_type<PV_TYPE_Q5_K>(w, shared, own.barriers);
  else
    tile_of_type<PV_TYPE_Q6_K>(w, shared, own.barriers);
}

PV_ENTRY __launch_bounds__(PV_GEMM_256_THREADS, 1) gemm_256_any(const pv_cuda_gemm a) {
  extern __shared__ uint4 dynamic[];
  __shared__ room own;
  pv_cuda_tile tile;
  begin_kernel();
  if (!tile_of(a, tile)) return;
  tile_products<GENERAL, 4>(work_of<PV_GEMM_256_ROWS>(a, tile, own.begin),
                            reinterpret_cast<uint8_t *>(dynamic), own.barriers);
}
