/* Reading of weights in their file form; the layouts are those of kernels/quant/layout.h. A row may
 * begin at any even address: blocks of Q6_K (210 bytes) and Q8_0 (34) are not multiples of 4. */
#pragma once

#include <cuda_fp16.h>

#include "kernels/cuda/common.cuh"

/* Where they lie in a Q6_K block. 32 bits wide, as the indices that they are added to. */
constexpr unsigned q6_scales = offsetof(pv_block_q6_k, scales), q6_d = offsetof(pv_block_q6_k, d);

/* Bytes of a Q4_K or Q5_K block: they are alike but for the fifth bits. */
__host__ __device__ constexpr size_t k4_bytes(int type) {
  return type == PV_TYPE_Q4_K ? sizeof(pv_block_q4_k) : sizeof(pv_block_q5_k);
}

__device__ __forceinline__ float half_value(uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

__device__ __forceinline__ float half_at(const uint8_t *p) {
  return half_value(*reinterpret_cast<const uint16_t *>(p));
}

/* `n` words from an even address, by whole aligned words: up to two bytes on either side are read
 * and dropped; buffers of weights are padded for that. */
template <int n>
__device__ __forceinline__ void load_words(const uint8_t *p, uint32_t (&out)[n]) {
  const uint32_t *word = reinterpret_cast<const uint32_t *>(reinterpret_cast<uintptr_t>(p) &
                                                            ~static_cast<uintptr_t>(3));
  const unsigned shift = (static_cast<unsigned>(reinterpret_cast<uintptr_t>(p)) & 2u) * 8u;
  uint32_t low = __ldg(word);
#pragma unroll
  for (int i = 0; i < n; i++) {
    const uint32_t high = __ldg(word + i + 1);
    out[i] = __funnelshift_r(low, high, shift);
    low = high;
  }
}

/* Sub-scale and sub-minimum j of a Q4_K or Q5_K block. */
__device__ __forceinline__ void k4_scale(const uint8_t *scales, unsigned j, int &sc, int &m) {
  if (j < 4) {
    sc = scales[j] & 63;
    m = scales[4 + j] & 63;
  } else {
    sc = (scales[4 + j] & 15) | (scales[j - 4] >> 6) << 4;
    m = (scales[4 + j] >> 4) | (scales[j] >> 6) << 4;
  }
}

/* Weight i of a row as integer, scales and minimum: value = d * (sc * q) - dmin * m. */
struct weight {
  float d, dmin;
  int sc, m, q;
};

template <int type>
__device__ __forceinline__ weight weight_at(const uint8_t *row, unsigned i) {
  weight w = {0.0f, 0.0f, 1, 0, 0};
  if (type == PV_TYPE_Q8_0) {
    const uint8_t *b = row + static_cast<size_t>(i / 32) * sizeof(pv_block_q8_0);
    w.d = half_at(b);
    w.q = static_cast<int8_t>(b[2 + i % 32]);
  } else if (type == PV_TYPE_Q6_K) {
    const uint8_t *b = row + static_cast<size_t>(i / 256) * sizeof(pv_block_q6_k);
    const unsigned e = i % 256, half = e / 128, quarter = e % 128 / 32, lane = e % 32;
    const unsigned low = b[half * 64 + quarter % 2 * 32 + lane] >> (quarter / 2 * 4) & 15u;
    const unsigned high = b[128 + half * 32 + lane] >> (2 * quarter) & 3u;
    w.d = half_at(b + q6_d);
    w.sc = static_cast<int8_t>(b[q6_scales + e / 16]);
    w.q = static_cast<int>(low | high << 4) - 32;
  } else {
    const uint8_t *b = row + static_cast<size_t>(i / 256) * k4_bytes(type);
    const unsigned e = i % 256, j = e / 32;
    const unsigned byte = b[(type == PV_TYPE_Q4_K ? 16 : 48) + e / 64 * 32 + e % 32];
    w.q = static_cast<int>(byte >> (j % 2 * 4) & 15u);
    if (type == PV_TYPE_Q5_K) w.q |= static_cast<int>(b[16 + e % 32] >> j & 1u) << 4;
    w.d = half_at(b);
    w.dmin = half_at(b + 2);
    k4_scale(b + 4, j, w.sc, w.m);
  }
  return w;
}

template <int type>
__device__ __forceinline__ float plain_at(const uint8_t *row, size_t i) {
  if (type == PV_TYPE_F16) return half_at(row + 2 * i);
  if (type == PV_TYPE_BF16)
    return pv_f32_bits(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(row)[i]) << 16);
  return reinterpret_cast<const float *>(row)[i];
}

__host__ __device__ constexpr bool is_quantised(int type) {
  return type == PV_TYPE_Q8_0 || type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K ||
         type == PV_TYPE_Q6_K;
}
__host__ __device__ constexpr bool has_minimum(int type) {
  return type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K;
}
