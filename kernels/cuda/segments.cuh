/* Products of quantised rows with rounded activations, one warp or a part of one on a row. Lane l
 * of a group works on the segments 2 l and 2 l + 1 of every 64: for Q4_K and Q5_K these are the low
 * and the high nibbles of the same 32 bytes. Integer sums are exact; those of a block of 256
 * weights meet in its four lanes. Its value and the fold over the values are those of
 * kernels/arith/act.h. */
#pragma once

#include "kernels/cuda/general.cuh"
#include "kernels/cuda/staged.cuh"

/* The two segments that a lane computes of every 64. For Q6_K also the sums of their halves' high
 * and low bytes, times -32: where products start with these, weights are 0..63. */
struct act_pair {
  act_segment a, b;
  int a_start[2][2], b_start[2][2];
};

/* What a lane reads of a row for the segments s and s + 1 (s even): loaded for several rows before
 * the first is used, so that a warp has enough bytes in flight. */
template <int type>
struct raw;

/* Q4_K and Q5_K: both blocks begin with d, dmin and the packed scales, 16 bytes in all. */
template <>
struct raw<PV_TYPE_Q4_K> {
  uint4 head, nibbles[2];
};
template <>
struct raw<PV_TYPE_Q5_K> {
  uint4 head, nibbles[2], fifth[2];
};
/* Lanes 2 i and 2 i + 1 share half a block. A byte of `low` holds quarters 0 and 2 or 1 and 3: the
 * even lane computes the former, the odd one the latter, and they exchange one value. Blocks begin
 * at any even address: of each 32 bytes the three units of 16 are loaded that they lie in, which
 * are all the block's own or of the buffer. */
template <>
struct raw<PV_TYPE_Q6_K> {
  uint4 low[3], high[3];
  unsigned begin;        /* where in the first unit */
  uint16_t scales[2], d; /* of the quarters that the lane computes */
};
template <>
struct raw<PV_TYPE_Q8_0> {
  uint32_t w[2][8];
  uint16_t d[2];
};

__device__ __forceinline__ void load_units(const uint8_t *p, uint4 (&out)[3]) {
  const uint4 *unit =
      reinterpret_cast<const uint4 *>(reinterpret_cast<uintptr_t>(p) & ~static_cast<uintptr_t>(15));
#pragma unroll
  for (int i = 0; i < 3; i++) out[i] = __ldg(unit + i);
}

/* The 32 bytes that begin at byte `begin` of the units, which is even. */
__device__ __forceinline__ void words_of(const uint4 (&v)[3], unsigned begin, uint32_t (&out)[8]) {
  const uint32_t w[12] = {v[0].x, v[0].y, v[0].z, v[0].w, v[1].x, v[1].y,
                          v[1].z, v[1].w, v[2].x, v[2].y, v[2].z, v[2].w};
  uint32_t eights[10], fours[9];
#pragma unroll
  for (int i = 0; i < 10; i++) eights[i] = begin & 8u ? w[i + 2] : w[i];
#pragma unroll
  for (int i = 0; i < 9; i++) fours[i] = begin & 4u ? eights[i + 1] : eights[i];
#pragma unroll
  for (int i = 0; i < 8; i++) out[i] = __funnelshift_r(fours[i], fours[i + 1], (begin & 2u) * 8u);
}

template <int type>
__device__ __forceinline__ void load_pair(const uint8_t *row, unsigned s, unsigned n,
                                          raw<type> &out) {
  s = last_pair(s, n);
  if constexpr (type == PV_TYPE_Q6_K) {
    const unsigned odd = s / 2 % 2, half = s % 8 / 4;
    const uint8_t *block = row + static_cast<size_t>(s / 8) * sizeof(pv_block_q6_k);
    const uint16_t *scales =
        reinterpret_cast<const uint16_t *>(block + q6_scales + 8 * half + 2 * odd);
    load_units(block + half * 64 + odd * 32, out.low);
    load_units(block + 128 + half * 32, out.high);
    out.begin = static_cast<unsigned>(reinterpret_cast<uintptr_t>(block)) & 15u;
    out.scales[0] = __ldg(scales);
    out.scales[1] = __ldg(scales + 2);
    out.d = __ldg(reinterpret_cast<const uint16_t *>(block + q6_d));
  } else if constexpr (type == PV_TYPE_Q8_0) {
#pragma unroll
    for (unsigned i = 0; i < 2; i++) {
      const uint8_t *block = row + static_cast<size_t>(min(s + i, n - 1)) * sizeof(pv_block_q8_0);
      load_words(block + 2, out.w[i]);
      out.d[i] = __ldg(reinterpret_cast<const uint16_t *>(block));
    }
  } else {
    const uint4 *block =
        reinterpret_cast<const uint4 *>(row + static_cast<size_t>(s / 8) * k4_bytes(type));
    const uint4 *nibbles = block + (type == PV_TYPE_Q4_K ? 1 : 3) + s % 8;
    out.head = __ldg(block);
    out.nibbles[0] = __ldg(nibbles);
    out.nibbles[1] = __ldg(nibbles + 1);
    if constexpr (type == PV_TYPE_Q5_K) {
      out.fifth[0] = __ldg(block + 1);
      out.fifth[1] = __ldg(block + 2);
    }
  }
}

__device__ __forceinline__ void words_of(const uint4 (&v)[2], uint32_t (&out)[8]) {
  out[0] = v[0].x, out[1] = v[0].y, out[2] = v[0].z, out[3] = v[0].w;
  out[4] = v[1].x, out[5] = v[1].y, out[6] = v[1].z, out[7] = v[1].w;
}

/* What a lane adds to the sums of its block of Q4_K or Q5_K: of segments s and s + 1. */
template <int type>
__device__ __forceinline__ block_sums k4_sums(const raw<type> &w, const act_pair &act, unsigned s) {
  const unsigned j = s % 8;
  uint32_t packed[8], low[8], high[8];
  words_of(w.nibbles, packed);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    low[i] = packed[i] & 0x0f0f0f0fu;
    high[i] = packed[i] >> 4 & 0x0f0f0f0fu;
  }
  if constexpr (type == PV_TYPE_Q5_K) {
    uint32_t fifth[8];
    words_of(w.fifth, fifth);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      low[i] |= (fifth[i] >> j & 0x01010101u) << 4;
      high[i] |= (fifth[i] >> (j + 1) & 0x01010101u) << 4;
    }
  }
  uint32_t sc, m;
  k4_scales(w.head, j, sc, m);
  const int sc0 = static_cast<int>(sc & 255), sc1 = static_cast<int>(sc >> 8 & 255);
  const int m0 = static_cast<int>(m & 255), m1 = static_cast<int>(m >> 8 & 255);
  int h[2] = {0, 0}, l[2] = {0, 0};
#pragma unroll
  for (int half = 0; half < 2; half++) {
    dot_half(low, act.a.x, half, h[0], l[0]);
    dot_half(high, act.b.x, half, h[1], l[1]);
  }
  return {sc0 * h[0] + sc1 * h[1], sc0 * l[0] + sc1 * l[1], m0 * act.a.sum + m1 * act.b.sum};
}

/* Sums of a segment's two halves have scales of their own. */
__device__ __forceinline__ void q6_add(uint16_t scales, const uint32_t (&w)[8],
                                       const act_segment &act, const int (&start)[2][2],
                                       block_sums &sums) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int sc = static_cast<int8_t>(scales >> (8 * half));
    int high = start[half][0], low = start[half][1];
    dot_half(w, act.x, half, high, low);
    sums.high += sc * high;
    sums.low += sc * low;
  }
}

__device__ __forceinline__ void q6_start(const act_segment &act, int (&start)[2][2]) {
  constexpr uint32_t four = 0xe0e0e0e0u; /* bytes of -32 */
  const uint32_t w[8] = {four, four, four, four, four, four, four, four};
#pragma unroll
  for (int half = 0; half < 2; half++) {
    start[half][0] = start[half][1] = 0;
    dot_half(w, act.x, half, start[half][0], start[half][1]);
  }
}

/* The activations that go with raw<type>. */
template <int type>
__device__ __forceinline__ act_pair load_act_pair(const act_row &act, unsigned s, unsigned n) {
  s = last_pair(s, n);
  act_pair pair;
  if constexpr (type == PV_TYPE_Q6_K) {
    const unsigned first = (s & ~3u) + s / 2 % 2;
    pair.a = load_segment(act, first);
    pair.b = load_segment(act, first + 2);
    q6_start(pair.a, pair.a_start);
    q6_start(pair.b, pair.b_start);
  } else {
    pair.a = load_segment(act, s);
    pair.b = load_segment(act, min(s + 1, n - 1));
  }
  return pair;
}

/* What a lane adds to the sums of the block of 256 weights that the segments s and s + 1 are in. */
template <int type>
__device__ __forceinline__ block_sums pair_sums(const raw<type> &w, const act_pair &act,
                                                unsigned s) {
  if constexpr (type == PV_TYPE_Q6_K) {
    const unsigned odd = s / 2 % 2;
    uint32_t low[8], high[8], w0[8], w2[8];
    words_of(w.low, w.begin, low);
    words_of(w.high, w.begin, high);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const uint32_t first = high[i] << (4 - 2 * odd), second = high[i] >> (2 * odd);
      w0[i] = (low[i] & 0x0f0f0f0fu) | (first & 0x30303030u);
      w2[i] = (low[i] >> 4 & 0x0f0f0f0fu) | (second & 0x30303030u);
    }
    block_sums sums = {};
    q6_add(w.scales[0], w0, act.a, act.a_start, sums);
    q6_add(w.scales[1], w2, act.b, act.b_start, sums);
    return sums;
  } else {
    return k4_sums<type>(w, act, s);
  }
}

/* The scales of a block, d and in the upper half dmin, and its value. */
template <int type>
__device__ __forceinline__ uint32_t scales_of(const raw<type> &w) {
  if constexpr (type == PV_TYPE_Q6_K)
    return w.d;
  else
    return w.head.x;
}

template <int type>
__device__ __forceinline__ float block_value(uint32_t scales, float2 f, float d) {
  const float products = half_value(static_cast<uint16_t>(scales)) * f.x;
  if constexpr (type == PV_TYPE_Q6_K)
    return d * products;
  else
    return d * pv_fma_f32(-half_value(static_cast<uint16_t>(scales >> 16)), f.y, products);
}

/* Values of the segments s and s + 1 of a row with n, or in both places that of the block of 256
 * that they are in; those of the last ones where there are none.
 * All lanes of the warp come here together. */
template <int type>
__device__ __forceinline__ void pair_values(const raw<type> &w, const act_pair &act, unsigned s,
                                            unsigned n, float &a, float &b) {
  s = last_pair(s, n);
  if constexpr (type == PV_TYPE_Q8_0) {
    a = act.a.d * (half_value(w.d[0]) * static_cast<float>(dot_segment(w.w[0], act.a)));
    b = act.b.d * (half_value(w.d[1]) * static_cast<float>(dot_segment(w.w[1], act.b)));
  } else {
    const float2 f = block_floats<type != PV_TYPE_Q6_K>(pair_sums<type>(w, act, s));
    a = b = block_value<type>(scales_of(w), f, act.a.d);
  }
}

/* The fold of n values, two in each lane or one in each four. */
template <int type>
__device__ __forceinline__ float fold_values(float a, float b, unsigned n, unsigned lane,
                                             unsigned width) {
  if constexpr (pv_cuda_whole(type)) return fold_blocks(a, n / 8, lane, width);
  return fold_pairs(a, b, n, lane, width);
}

/* Rows of more than 128 segments are taken 64 at a time in bit-reversed order, so that the fold
 * over the pieces is a binary counter of partial sums. */
template <int type>
__device__ __forceinline__ float long_dot(const uint8_t *row, const act_row &act, unsigned lane) {
  constexpr int levels = 5; /* PV_K_MAX / 32 segments are 32 pieces of 64 */
  const unsigned n = act.k / PV_SEGMENT, pieces = power_above((n + 63) / 64);
  float stack_a[levels] = {}, stack_b[levels] = {}, a, b;
  for (unsigned i = 0; i < pieces; i++) {
    const unsigned s = 64 * (__brev(i) >> (__clz(static_cast<int>(pieces)) + 1)) + 2 * lane;
    raw<type> w;
    load_pair<type>(row, s, n, w);
    pair_values<type>(w, load_act_pair<type>(act, s, n), s, n, a, b);
    bool carry = true;
#pragma unroll
    for (int level = 0; level < levels; level++) {
      if (!carry) continue;
      if (i >> level & 1u) {
        /* Only a piece of the upper half, first combined at level 0, can be absent. */
        a = level > 0 || s < n ? stack_a[level] + a : stack_a[level];
        b = level > 0 || s + 1 < n ? stack_b[level] + b : stack_b[level];
      } else {
        stack_a[level] = a;
        stack_b[level] = b;
        carry = false;
      }
    }
  }
  return fold_values<type>(a, b, 64, lane, 32);
}

/* Asks for `size` bytes that will be read soon; thread `index` of `threads`. */
__device__ __forceinline__ void prefetch(const uint8_t *p, uint64_t size, unsigned index,
                                         unsigned threads) {
#if __CUDA_ARCH__ >= 900 /* in one piece: the units of 16 bytes that begin there */
  const uintptr_t first = (reinterpret_cast<uintptr_t>(p) + 15) & ~uintptr_t{15};
  if (index == 0 && size >= 16)
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(first),
                 "r"(static_cast<uint32_t>(size) & ~15u));
#else
  for (uint64_t i = index * 128u; i < size; i += threads * 128u)
    asm volatile("prefetch.global.L2 [%0];" ::"l"(p + i));
#endif
}

__device__ __forceinline__ void prefetch_ahead(const pv_cuda_ahead &a) {
  const uint64_t part = ((a.bytes + gridDim.x - 1) / gridDim.x + 127) & ~uint64_t{127};
  const uint64_t from = part * blockIdx.x;
  if (from < a.bytes) prefetch(a.data + from, min(part, a.bytes - from), threadIdx.x, blockDim.x);
}

/* What a lane reads of a row of n segments, at most 128: asked for when it is made. */
template <int type>
struct two_pieces {
  raw<type> w[2];
  two_pieces() = default;
  __device__ __forceinline__ two_pieces(const uint8_t *row, unsigned n, unsigned lane) {
    load_pair<type>(row, 2 * lane, n, w[0]);
    load_pair<type>(row, 64 + 2 * lane, n, w[1]);
  }
  __device__ __forceinline__ float dot(const act_row &act, unsigned n, unsigned lane) const {
    const unsigned s = 2 * lane;
    float a, b, c, d;
    pair_values<type>(w[0], load_act_pair<type>(act, s, n), s, n, a, b);
    pair_values<type>(w[1], load_act_pair<type>(act, 64 + s, n), 64 + s, n, c, d);
    if (64 + s < n) a += c;
    if (65 + s < n) b += d;
    return fold_values<type>(a, b, 64, lane, 32);
  }
};

/* What a lane reads of the first rows of its group, of n segments, at most 64: asked for when it is
 * made. */
template <int type, unsigned count>
struct first_rows {
  raw<type> w[count];
  first_rows() = default;
  template <class Rows>
  __device__ __forceinline__ first_rows(const Rows &rows, const lane_group &group, unsigned n) {
#pragma unroll
    for (unsigned i = 0; i < count; i++)
      load_pair<type>(rows.at(rows.first + group.index + i * group.groups), 2 * group.lane, n,
                      w[i]);
  }
};
/* How many rows of at most 64 segments are under way. Two where both are worked on at once, which
 * loses where registers are few, as with Q6_K. */
template <int type>
constexpr unsigned UNDER_WAY = type == PV_TYPE_Q4_K ? 2 : 1;

/* Calls store(row, product) in one lane for each row, of at most 64 segments: `known`, or any where
 * that is 0. The next row's weights are loaded before this one's are used, the first one's by the
 * caller. The loop is not unrolled: a launch runs it a few times, and waits for every instruction
 * that it has not run before. */
template <int type, unsigned known, class Rows, class Store>
__device__ __forceinline__ void short_rows(const Rows &rows, first_rows<type, 1> next,
                                           const act_row &act, const lane_group &group,
                                           const Store &store) {
  const unsigned n = known > 0 ? known : act.k / PV_SEGMENT, s = 2 * group.lane;
  const act_pair x = load_act_pair<type>(act, s, n);
#pragma unroll 1
  for (unsigned first = rows.first; first < rows.end; first += group.groups) {
    const unsigned r = first + group.index;
    const raw<type> now = next.w[0];
    float a, b;
    load_pair<type>(rows.at(r + group.groups), s, n, next.w[0]);
    pair_values<type>(now, x, s, n, a, b);
    const float y = fold_values<type>(a, b, n, group.lane, group.width);
    if (group.lane == 0 && r < rows.end) store(r, y);
  }
}

/* The same of a type in blocks of 256, two rows at a time: their sums meet on one way, so that even
 * lanes end with a block's value in the first row and odd ones with that in the second. It loses
 * where a warp has few rows. */
template <int type, unsigned known, class Rows, class Store>
__device__ __forceinline__ void double_rows(const Rows &rows, first_rows<type, 2> next,
                                            const act_row &act, const lane_group &group,
                                            const Store &store) {
  const unsigned s = last_pair(2 * group.lane, known);
  const bool odd = group.lane % 2 != 0;
  const act_pair x = load_act_pair<type>(act, s, known);
#pragma unroll 1
  for (unsigned first = rows.first; first < rows.end; first += 2 * group.groups) {
    const unsigned r = first + group.index;
    block_sums sums[2] = {};
    uint32_t scales[2] = {};
#pragma unroll
    for (unsigned i = 0; i < 2; i++) {
      if (first + i * group.groups >= rows.end) break;
      const raw<type> now = next.w[i];
      if (first + (i + 2) * group.groups < rows.end)
        load_pair<type>(rows.at(r + (i + 2) * group.groups), s, known, next.w[i]);
      sums[i] = pair_sums<type>(now, x, s);
      scales[i] = scales_of(now);
    }
    const float2 f = block_floats<type != PV_TYPE_Q6_K>(sums, odd);
    const float value = block_value<type>(odd ? scales[1] : scales[0], f, x.a.d);
    const float y = fold_blocks(value, known / 8, group.lane, group.width);
    const unsigned mine = r + odd * group.groups;
    if (group.lane < 2 && mine < rows.end) store(mine, y);
  }
}

/* The same with more segments. */
template <int type, class Rows, class Store>
__device__ __forceinline__ void long_rows(const Rows &rows, const act_row &act,
                                          const lane_group &group, const Store &store) {
  const unsigned n = act.k / PV_SEGMENT;
#pragma unroll 1
  for (unsigned first = rows.first; first < rows.end; first += group.groups) {
    const unsigned r = first + group.index;
    const float y = n <= 128 ? two_pieces<type>(rows.at(r), n, group.lane).dot(act, n, group.lane)
                             : long_dot<type>(rows.at(r), act, group.lane);
    if (group.lane == 0 && r < rows.end) store(r, y);
  }
}

template <int type, class Rows, class Store>
__device__ __forceinline__ void quantised_rows(const Rows &rows, const act_row &act,
                                               const lane_group &group, const Store &store) {
  const unsigned n = act.k / PV_SEGMENT;
  if (n <= 64)
    short_rows<type, 0>(rows, {rows, group, n}, act, group, store);
  else
    long_rows<type>(rows, act, group, store);
}

/* Eight neighbouring elements of a row. */
template <int type>
__device__ __forceinline__ void load_eight(const uint8_t *row, size_t i, float (&out)[8]) {
  if constexpr (type == PV_TYPE_F32) {
    const float4 *p = reinterpret_cast<const float4 *>(row + 4 * i);
    const float4 v = __ldg(p), w = __ldg(p + 1);
    out[0] = v.x, out[1] = v.y, out[2] = v.z, out[3] = v.w;
    out[4] = w.x, out[5] = w.y, out[6] = w.z, out[7] = w.w;
  } else {
    const uint4 v = __ldg(reinterpret_cast<const uint4 *>(row + 2 * i));
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const uint16_t low = static_cast<uint16_t>(words[j]);
      const uint16_t high = static_cast<uint16_t>(words[j] >> 16);
      out[2 * j] = type == PV_TYPE_F16 ? half_value(low) : pv_f32_bits(words[j] << 16);
      out[2 * j + 1] = type == PV_TYPE_F16 ? half_value(high) : pv_f32_bits(words[j] & 0xffff0000u);
    }
  }
}

/* Unrounded activations and a wide sum; a full warp, lane l holds the wide lanes 8 l .. 8 l + 7. */
template <int type>
__device__ __forceinline__ float plain_dot(const uint8_t *row, const act_row &act, unsigned lane) {
  float sum[8] = {};
  const bool whole = act.k % PV_WIDE_LANES == 0 && (reinterpret_cast<uintptr_t>(row) & 15) == 0;
  unsigned n = act.k < PV_WIDE_LANES ? act.k : PV_WIDE_LANES;
  if (whole) {
    constexpr unsigned together = 4; /* loads that are under way at once */
    for (unsigned begin = 0; begin < act.k; begin += together * PV_WIDE_LANES) {
      float w[together][8];
#pragma unroll
      for (unsigned c = 0; c < together; c++)
        load_eight<type>(row, min(begin + c * PV_WIDE_LANES, act.k - PV_WIDE_LANES) + 8 * lane,
                         w[c]);
#pragma unroll
      for (unsigned c = 0; c < together; c++) {
        const unsigned at = begin + c * PV_WIDE_LANES;
        if (at >= act.k) break;
        float x[8];
        load_eight(act.x + at + 8 * lane, x);
#pragma unroll
        for (unsigned j = 0; j < 8; j++)
          sum[j] = at == 0 ? w[c][j] * x[j] : pv_fma_f32(w[c][j], x[j], sum[j]);
      }
    }
  } else {
#pragma unroll
    for (unsigned j = 0; j < 8; j++) {
      const unsigned first = 8 * lane + j;
      sum[j] = first < act.k ? plain_at<type>(row, first) * act.x[first] : 0.0f;
      for (unsigned i = first + PV_WIDE_LANES; i < act.k; i += PV_WIDE_LANES)
        sum[j] = pv_fma_f32(plain_at<type>(row, i), act.x[i], sum[j]);
    }
  }
#pragma unroll
  for (unsigned s = 128; s >= 8; s /= 2) {
    if (n <= s) continue;
#pragma unroll
    for (unsigned j = 0; j < 8; j++) {
      const float other = __shfl_down_sync(every_lane, sum[j], s / 8);
      if (8 * lane + j + s < n) sum[j] += other;
    }
    n = s;
  }
#pragma unroll
  for (unsigned s = 4; s > 0; s /= 2) {
    if (n <= s) continue;
#pragma unroll
    for (unsigned j = 0; j < s; j++)
      if (j + s < n) sum[j] += sum[j + s];
    n = s;
  }
  return sum[0];
}

/* As many lanes work on a row of the type as have segments: a power of two. */
__device__ __forceinline__ lane_group group_of(unsigned type, unsigned k) {
  const unsigned pairs = PV_CUDA_PAIRS(k);
  const bool whole = !is_quantised(static_cast<int>(type)) || pairs >= 32;
  const unsigned shift = whole ? 5 : max(31 - __clz(static_cast<int>(power_above(pairs))), 1);
  return {threadIdx.x & ((1u << shift) - 1), 1u << shift, threadIdx.x >> shift,
          blockDim.x >> shift};
}

template <int type, class Store>
__device__ __forceinline__ void plain_rows(const row_range &rows, const act_row &act,
                                           const lane_group &group, const Store &store) {
#pragma unroll 1
  for (unsigned first = rows.first; first < rows.end; first += group.groups) {
    const unsigned r = first + group.index;
    const float y = plain_dot<type>(rows.at(r), act, group.lane);
    if (group.lane == 0 && r < rows.end) store(r, y);
  }
}

/* What a thread reads at once of a row of k floats: asked for when it is made. */
struct float_weights {
  float w[8];
  __device__ __forceinline__ float_weights(const uint8_t *row, unsigned k, unsigned begin = 0) {
#pragma unroll
    for (unsigned c = 0; c < 8; c++)
      w[c] = __ldg(reinterpret_cast<const float *>(row) +
                   min(begin + threadIdx.x + c * PV_WIDE_LANES, k - 1));
  }
};

/* One row of floats by a block of PV_WIDE_LANES threads, each a wide lane: for matrices of few
 * rows. Calls store(row, product) in one thread. */
template <class Store>
__device__ __forceinline__ void float_row(const row_range &rows, float_weights row,
                                          const act_row &act, const Store &store) {
  __shared__ float lanes[PV_WIDE_LANES];
  const unsigned lane = threadIdx.x % 32;
  float sum = 0.0f, part[8];
  for (unsigned begin = 0; begin < act.k; begin += 8 * PV_WIDE_LANES) {
    if (begin > 0) row = float_weights(rows.at(rows.first), act.k, begin);
#pragma unroll
    for (unsigned c = 0; c < 8; c++) {
      const unsigned i = begin + threadIdx.x + c * PV_WIDE_LANES;
      if (i < act.k)
        sum = begin + c == 0 ? row.w[c] * act.x[i] : pv_fma_f32(row.w[c], act.x[i], sum);
    }
  }
  lanes[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x >= 32) return;
#pragma unroll
  for (unsigned j = 0; j < 8; j++) part[j] = lanes[lane + 32 * j];
  sum = fold_strided(part, act.k < PV_WIDE_LANES ? act.k : PV_WIDE_LANES, lane);
  if (lane == 0) store(rows.first, sum);
}

/* Types with a path of their own. */
template <class Store>
__device__ __forceinline__ void own_rows(unsigned type, const row_range &rows, const act_row &act,
                                         const lane_group &group, const Store &store) {
  with_type(type, [&](auto is) {
    if constexpr (!is_quantised(is.type))
      plain_rows<is.type>(rows, act, group, store);
    else if constexpr (has_own_path(is.type))
      quantised_rows<is.type>(rows, act, group, store);
  });
}

template <class Store>
__device__ __forceinline__ void each_row(unsigned type, const row_range &rows, const act_row &act,
                                         const lane_group &group, const Store &store) {
  if (has_own_path(static_cast<int>(type)))
    own_rows(type, rows, act, group, store);
  else
    general_rows(type, rows, act, group, store);
}

/* Calls f(is) for a frequent type (pv_cuda_frequent). */
template <class F>
__device__ __forceinline__ void with_frequent(unsigned type, const F &f) {
  if (type == PV_TYPE_Q4_K)
    f(type_constant<PV_TYPE_Q4_K>{});
  else
    f(type_constant<PV_TYPE_Q6_K>{});
}

/* Rows of a frequent type with `known` segments, at most 64. */
template <unsigned known, int type, unsigned count, class Rows, class Store>
__device__ __forceinline__ void frequent_rows(const Rows &rows, first_rows<type, count> first,
                                              const act_row &act, const lane_group &group,
                                              const Store &store) {
  if constexpr (count == 2)
    double_rows<type, known>(rows, first, act, group, store);
  else
    short_rows<type, known>(rows, first, act, group, store);
}
