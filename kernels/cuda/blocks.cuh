/* Reading of weights in their file form; the layouts are those of kernels/quant/types. A row may
 * begin at any even address: blocks of Q6_K (210 bytes) and Q8_0 (34) are not multiples of 4. */
#pragma once

#include "kernels/cuda/types.cuh"

/* Where they lie in a Q6_K block. 32 bits wide, as the indices that they are added to. */
constexpr unsigned q6_scales = offsetof(pv_block_q6_k, scales), q6_d = offsetof(pv_block_q6_k, d);

/* Bytes of a Q4_K or Q5_K block: they are alike but for the fifth bits. */
__host__ __device__ constexpr size_t k4_bytes(int type) {
  return type == PV_TYPE_Q4_K ? sizeof(pv_block_q4_k) : sizeof(pv_block_q5_k);
}

/* The scales of the segments j (even) and j + 1 of such a block, a byte each; `head` is how it
 * begins: d, dmin, then twelve bytes, of which those of segments 0..3 lie in the low six bits of
 * the first eight. */
__device__ __forceinline__ void k4_scales(const uint4 &head, unsigned j, uint32_t &sc,
                                          uint32_t &m) {
  const uint32_t shift = 8 * (j & 2u);
  if (j < 4) {
    sc = head.y >> shift & 0x3f3fu;
    m = head.z >> shift & 0x3f3fu;
  } else {
    const uint32_t last = head.w >> shift;
    sc = (last & 0x0f0fu) | (head.y >> shift & 0xc0c0u) >> 2;
    m = (last >> 4 & 0x0f0fu) | (head.z >> shift & 0xc0c0u) >> 2;
  }
}

__device__ __forceinline__ float half_value(uint16_t bits) {
  return pv_half_f32(bits);
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
