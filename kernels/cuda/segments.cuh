/* Products of quantised rows with rounded activations, one warp or a part of one on a row. Lane l
 * of a group works on the segments 2 l and 2 l + 1 of every 64: for Q4_K and Q5_K these are the low
 * and the high nibbles of the same 32 bytes. The integer sums of a segment are exact; its value and
 * the fold over the values are those of kernels/arith/act.h. */
#pragma once

#include "kernels/cuda/blocks.cuh"

/* One row of activations, in shared or in global memory. Eight bytes of padding after 128 (two
 * segments) would spread the lanes over the banks; 16 keep the loads aligned. */
struct act_row {
  const uint8_t *q; /* `pair` bytes for each two segments */
  const float *d;
  const int *sum;
  const float *x;
  unsigned k, pair;
};

__device__ __forceinline__ const uint4 *segment_bytes(const act_row &act, unsigned s) {
  return reinterpret_cast<const uint4 *>(act.q + static_cast<size_t>(s / 2) * act.pair +
                                         s % 2 * 64);
}

/* Sums of w x over 16 elements: w[0..3] when `half` is 0, w[4..7] when it is 1. */
__device__ __forceinline__ void dot_half(const uint32_t (&w)[8], const uint4 (&x)[4], int half,
                                         int &high, int &low) {
#pragma unroll
  for (int t = 0; t < 4; t++) {
    high =
        __dp4a(static_cast<int>(w[4 * half + t]), static_cast<int>(half ? x[t].y : x[t].x), high);
    low = __dp4a(static_cast<int>(w[4 * half + t]), static_cast<int>(half ? x[t].w : x[t].z), low);
  }
}

/* The exact integer sum over a segment: |w| < 128, so below 2^31. */
__device__ __forceinline__ int dot_segment(const uint32_t (&w)[8], const act_row &act, unsigned s) {
  uint4 x[4];
  const uint4 *p = segment_bytes(act, s);
#pragma unroll
  for (int t = 0; t < 4; t++) x[t] = p[t];
  int high = 0, low = 0;
  dot_half(w, x, 0, high, low);
  dot_half(w, x, 1, high, low);
  return 256 * high + low;
}

__device__ __forceinline__ float k4_value(float d, float dmin, int sc, int m, int dot,
                                          const act_row &act, unsigned s) {
  const float high = d * static_cast<float>(sc * dot);
  return act.d[s] * pv_fma_f32(-dmin, static_cast<float>(m * act.sum[s]), high);
}

/* Q4_K and Q5_K: both blocks begin with d, dmin and the packed scales, 16 bytes in all. */
template <int type>
__device__ __forceinline__ void k4_pair(const uint8_t *row, const act_row &act, unsigned s,
                                        float &a, float &b) {
  const uint4 *block = reinterpret_cast<const uint4 *>(row + static_cast<size_t>(s / 8) *
                                                                 (type == PV_Q4_K ? 144 : 176));
  const unsigned j = s % 8;
  const uint4 head = __ldg(block);
  const uint4 *nibbles = block + (type == PV_Q4_K ? 1 : 3) + j;
  const uint4 n0 = __ldg(nibbles), n1 = __ldg(nibbles + 1);
  const uint32_t packed[8] = {n0.x, n0.y, n0.z, n0.w, n1.x, n1.y, n1.z, n1.w};
  uint32_t low[8], high[8];
#pragma unroll
  for (int i = 0; i < 8; i++) {
    low[i] = packed[i] & 0x0f0f0f0fu;
    high[i] = packed[i] >> 4 & 0x0f0f0f0fu;
  }
  if (type == PV_Q5_K) {
    const uint4 h0 = __ldg(block + 1), h1 = __ldg(block + 2);
    const uint32_t fifth[8] = {h0.x, h0.y, h0.z, h0.w, h1.x, h1.y, h1.z, h1.w};
#pragma unroll
    for (int i = 0; i < 8; i++) {
      low[i] |= (fifth[i] >> j & 0x01010101u) << 4;
      high[i] |= (fifth[i] >> (j + 1) & 0x01010101u) << 4;
    }
  }
  /* Scales: bytes 4..15 of the head. Pairs 0..3 lie in the low six bits of the first eight. */
  const uint32_t shift = 8 * (j & 2u);
  uint32_t sc, m;
  if (j < 4) {
    sc = head.y >> shift & 0x3f3fu;
    m = head.z >> shift & 0x3f3fu;
  } else {
    const uint32_t last = head.w >> shift;
    sc = (last & 0x0f0fu) | (head.y >> shift & 0xc0c0u) >> 2;
    m = (last >> 4 & 0x0f0fu) | (head.z >> shift & 0xc0c0u) >> 2;
  }
  const float d = __half2float(__ushort_as_half(static_cast<uint16_t>(head.x)));
  const float dmin = __half2float(__ushort_as_half(static_cast<uint16_t>(head.x >> 16)));
  a = k4_value(d, dmin, sc & 255, m & 255, dot_segment(low, act, s), act, s);
  b = k4_value(d, dmin, sc >> 8 & 255, m >> 8 & 255, dot_segment(high, act, s + 1), act, s + 1);
}

/* Six bits to a signed byte: q - 32, four at a time. */
__device__ __forceinline__ uint32_t minus_32(uint32_t q) {
  const uint32_t x = q ^ 0x20202020u;
  return x | (x & 0x20202020u) * 6u;
}

/* Sums of a segment's two halves have scales of their own; H and L are at most 2^24, so
 * fma(256, H, L) rounds the exact sum once. */
__device__ __forceinline__ float q6_value(float d, const uint8_t *scales, const uint32_t (&w)[8],
                                          const act_row &act, unsigned s) {
  uint4 x[4];
  const uint4 *p = segment_bytes(act, s);
#pragma unroll
  for (int t = 0; t < 4; t++) x[t] = p[t];
  int high[2] = {0, 0}, low[2] = {0, 0};
  dot_half(w, x, 0, high[0], low[0]);
  dot_half(w, x, 1, high[1], low[1]);
  const int sc0 = static_cast<int8_t>(scales[0]), sc1 = static_cast<int8_t>(scales[1]);
  const float h = static_cast<float>(sc0 * high[0] + sc1 * high[1]);
  const float l = static_cast<float>(sc0 * low[0] + sc1 * low[1]);
  return act.d[s] * (d * pv_fma_f32(256.0f, h, l));
}

/* Lanes 2 i and 2 i + 1 share half a block. A byte of `low` holds quarters 0 and 2 or 1 and 3, so
 * the even lane computes the former, the odd one the latter, and they exchange one value. All lanes
 * of the warp come here; `live` says whether the segments exist. */
__device__ __forceinline__ void q6_pair(const uint8_t *row, const act_row &act, unsigned s,
                                        bool live, float &a, float &b) {
  const unsigned odd = s / 2 % 2, first = (s & ~3u) + odd, half = s % 8 / 4;
  float v0 = 0.0f, v2 = 0.0f;
  if (live) {
    const uint8_t *block = row + static_cast<size_t>(s / 8) * 210;
    uint32_t low[8], high[8], w0[8], w2[8];
    load_words(block + half * 64 + odd * 32, low);
    load_words(block + 128 + half * 32, high);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const uint32_t two = high[i] >> (2 * odd);
      w0[i] = minus_32((low[i] & 0x0f0f0f0fu) | (two & 0x03030303u) << 4);
      w2[i] = minus_32((low[i] >> 4 & 0x0f0f0f0fu) | (two & 0x30303030u));
    }
    const uint8_t *scales = block + 192 + 8 * half + 2 * odd;
    const float d = half_at(block + 208);
    v0 = q6_value(d, scales, w0, act, first);
    v2 = q6_value(d, scales + 4, w2, act, first + 2);
  }
  const float other = __shfl_xor_sync(every_lane, odd ? v0 : v2, 1);
  a = odd ? other : v0;
  b = odd ? v2 : other;
}

__device__ __forceinline__ float q8_value(const uint8_t *block, const act_row &act, unsigned s) {
  uint32_t w[8];
  load_words(block + 2, w);
  return act.d[s] * (half_at(block) * static_cast<float>(dot_segment(w, act, s)));
}

/* Values of the segments s and s + 1 (s even) of a row with `n`; 0 where there is none. */
template <int type>
__device__ __forceinline__ void pair_values(const uint8_t *row, const act_row &act, unsigned s,
                                            unsigned n, float &a, float &b) {
  a = b = 0.0f;
  if (type == PV_Q6_K) {
    q6_pair(row, act, s, s < n, a, b);
  } else if (type == PV_Q8_0) {
    if (s < n) a = q8_value(row + static_cast<size_t>(s) * 34, act, s);
    if (s + 1 < n) b = q8_value(row + static_cast<size_t>(s + 1) * 34, act, s + 1);
  } else if (s < n) {
    k4_pair<type>(row, act, s, a, b);
  }
}

/* The product of a row, in lane 0 of its group of `width` lanes. Rows of more than 64 segments are
 * taken 64 at a time in bit-reversed order, so that the fold over the pieces is a binary counter of
 * partial sums. */
template <int type>
__device__ __forceinline__ float quantised_dot(const uint8_t *row, const act_row &act,
                                               unsigned lane, unsigned width) {
  const unsigned n = act.k / PV_SEGMENT;
  float a, b;
  if (n <= 64) {
    pair_values<type>(row, act, 2 * lane, n, a, b);
    return fold_pairs(a, b, n, lane, width);
  }
  if (n <= 128) {
    float c, d;
    pair_values<type>(row, act, 2 * lane, n, a, b);
    pair_values<type>(row, act, 64 + 2 * lane, n, c, d);
    if (64 + 2 * lane < n) a += c;
    if (65 + 2 * lane < n) b += d;
    return fold_pairs(a, b, 64, lane, width);
  }
  constexpr int levels = 5; /* PV_K_MAX / 32 segments are 32 pieces of 64 */
  float stack_a[levels], stack_b[levels];
  const unsigned pieces = power_above((n + 63) / 64);
  for (unsigned i = 0; i < pieces; i++) {
    const unsigned piece = __brev(i) >> (32 - (31 - __clz(static_cast<int>(pieces))));
    const unsigned s = 64 * piece + 2 * lane;
    pair_values<type>(row, act, s, n, a, b);
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
  return fold_pairs(a, b, 64, lane, width);
}

/* Unrounded activations and a wide sum; a full warp, lane l holds the wide lanes l, l + 32, ... */
template <int type>
__device__ __forceinline__ float plain_dot(const uint8_t *row, const act_row &act, unsigned lane) {
  float sum[PV_WIDE_LANES / 32];
  unsigned n = act.k < PV_WIDE_LANES ? act.k : PV_WIDE_LANES;
#pragma unroll
  for (unsigned j = 0; j < PV_WIDE_LANES / 32; j++) {
    const unsigned i = lane + 32 * j;
    sum[j] = i < act.k ? plain_at<type>(row, i) * act.x[i] : 0.0f;
  }
  for (unsigned at = PV_WIDE_LANES; at < act.k; at += PV_WIDE_LANES)
#pragma unroll
    for (unsigned j = 0; j < PV_WIDE_LANES / 32; j++) {
      const unsigned i = at + lane + 32 * j;
      if (i < act.k) sum[j] = pv_fma_f32(plain_at<type>(row, i), act.x[i], sum[j]);
    }
#pragma unroll
  for (unsigned s = PV_WIDE_LANES / 2; s >= 32; s /= 2)
    if (power_above(n) / 2 >= s) {
#pragma unroll
      for (unsigned j = 0; j < s / 32; j++)
        if (lane + 32 * j + s < n) sum[j] += sum[j + s / 32];
      n = n < s ? n : s;
    }
  return fold_warp(sum[0], n, lane);
}

/* Lanes that work on one row of the type: as many as have segments, a power of two. */
__device__ __forceinline__ unsigned group_width(unsigned type, unsigned k) {
  if (!is_quantised(static_cast<int>(type))) return 32;
  const unsigned pairs = (k / PV_SEGMENT + 1) / 2;
  return pairs >= 32 ? 32 : power_above(pairs) < 2 ? 2 : power_above(pairs);
}

__device__ __forceinline__ float row_dot(unsigned type, const uint8_t *row, const act_row &act,
                                         unsigned lane, unsigned width) {
  switch (type) {
    case PV_Q4_K:
      return quantised_dot<PV_Q4_K>(row, act, lane, width);
    case PV_Q5_K:
      return quantised_dot<PV_Q5_K>(row, act, lane, width);
    case PV_Q6_K:
      return quantised_dot<PV_Q6_K>(row, act, lane, width);
    case PV_Q8_0:
      return quantised_dot<PV_Q8_0>(row, act, lane, width);
    case PV_F16:
      return plain_dot<PV_F16>(row, act, lane);
    case PV_BF16:
      return plain_dot<PV_BF16>(row, act, lane);
    default:
      return plain_dot<PV_F32>(row, act, lane);
  }
}

/* The activations of one row: rounded ones are copied to shared memory, each two segments padded
 * from 128 to 144 bytes, so that lanes load 16 bytes each without bank conflicts. */
enum { PAIR_BYTES = 144 };

__host__ __device__ constexpr unsigned act_shared_bytes(unsigned k) {
  return (k / PV_SEGMENT + 1) / 2 * (PAIR_BYTES + 16);
}

__device__ __forceinline__ act_row load_acts(const pv_cuda_acts &acts, unsigned row,
                                             uint8_t *shared, bool quantised) {
  act_row act = {shared, nullptr,   nullptr, acts.x + static_cast<size_t>(row) * acts.stride,
                 acts.k, PAIR_BYTES};
  if (!quantised) return act;
  const unsigned n = acts.k / PV_SEGMENT, pairs = (n + 1) / 2;
  const size_t at = static_cast<size_t>(row) * acts.segments;
  float *d = reinterpret_cast<float *>(shared + static_cast<size_t>(pairs) * PAIR_BYTES);
  int *sum = reinterpret_cast<int *>(d + 2 * pairs);
  const uint4 *q = reinterpret_cast<const uint4 *>(acts.q + at * 64);
  for (unsigned i = threadIdx.x; i < n * 4; i += blockDim.x)
    *reinterpret_cast<uint4 *>(shared + i / 8 * PAIR_BYTES + i % 8 * 16) = q[i];
  for (unsigned i = threadIdx.x; i < n; i += blockDim.x) {
    d[i] = acts.d[at + i];
    sum[i] = acts.sum[at + i];
  }
  act.d = d;
  act.sum = sum;
  __syncthreads();
  return act;
}
