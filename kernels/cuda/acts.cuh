/* Rows of rounded activations, and the rows of a matrix that they are multiplied with: what every
 * way to unpack weights needs. */
#pragma once

#include "kernels/cuda/blocks.cuh"

/* One row of activations, in shared or in global memory. */
struct act_row {
  const uint8_t *q; /* `pair` bytes for each two segments */
  const float *d;
  const int *sum;
  const float *x;
  unsigned k, pair;
};

/* Activations of one segment, in registers. */
struct act_segment {
  uint4 x[4];
  float d;
  int sum;
};

__device__ __forceinline__ act_segment load_segment(const act_row &act, unsigned s) {
  const uint4 *p =
      reinterpret_cast<const uint4 *>(act.q + static_cast<size_t>(s / 2) * act.pair + s % 2 * 64);
  return {{p[0], p[1], p[2], p[3]}, act.d[s], act.sum[s]};
}

/* Sums of w x over 16 elements: w[0..3] when `half` is 0, w[4..7] when it is 1. */
__device__ __forceinline__ void dot_half(const uint32_t (&w)[8], const uint4 (&x)[4], int half,
                                         int &high, int &low) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const uint4 &of = x[2 * half + i / 2];
    const int q = static_cast<int>(w[4 * half + i]);
    high = __dp4a(q, static_cast<int>(i % 2 ? of.y : of.x), high);
    low = __dp4a(q, static_cast<int>(i % 2 ? of.w : of.z), low);
  }
}

/* f32(2^8 high + low), of which high may have 31 bits and low 30: fma's terms are exact. */
__device__ __forceinline__ float exact_sum(int high, int low) {
  const int rest = ((high & 4095) << 8) + low;
  return pv_fma_f32(1048576.0f, static_cast<float>((high >> 12) + (rest >> 20)),
                    static_cast<float>(rest & 1048575));
}

/* What lanes have of a block of 256 weights: the sums of the products with the high and the low
 * bytes of activations, and those of the minima. Four neighbouring lanes have it all. */
struct block_sums {
  int high, low, least;
};

__device__ __forceinline__ int meet_four(int v) {
  v += __shfl_xor_sync(every_lane, v, 1);
  return v + __shfl_xor_sync(every_lane, v, 2);
}

/* f32 of the products, and of the minima where there are any. */
template <bool minimum>
__device__ __forceinline__ float2 block_floats(const block_sums &v) {
  const float products = exact_sum(meet_four(v.high), meet_four(v.low));
  return {products, minimum ? static_cast<float>(meet_four(v.least)) : 0.0f};
}

/* Of two rows: even lanes get those of the first, odd ones those of the second. */
__device__ __forceinline__ int meet_four(int a, int b, bool odd) {
  const int v = (odd ? b : a) + __shfl_xor_sync(every_lane, odd ? a : b, 1);
  return v + __shfl_xor_sync(every_lane, v, 2);
}

template <bool minimum>
__device__ __forceinline__ float2 block_floats(const block_sums (&v)[2], bool odd) {
  const int high = meet_four(v[0].high, v[1].high, odd), low = meet_four(v[0].low, v[1].low, odd);
  const int least = minimum ? meet_four(v[0].least, v[1].least, odd) : 0;
  return {exact_sum(high, low), static_cast<float>(least)};
}

/* n <= 8 values, that of block i in the lanes 4 i .. 4 i + 3 of a group. The sum is in lane 0. */
__device__ __forceinline__ float fold_blocks(float v, unsigned n, unsigned lane, unsigned width) {
#pragma unroll
  for (unsigned s = 4; s > 0; s /= 2) {
    if (n <= s) continue;
    const float c = __shfl_down_sync(every_lane, v, 4 * s, width);
    if (lane / 4 + s < n) v += c;
    n = s;
  }
  return v;
}

/* The exact integer sum over a segment: |w| < 128, so below 2^31. */
__device__ __forceinline__ int dot_segment(const uint32_t (&w)[8], const act_segment &act) {
  int high = 0, low = 0;
  dot_half(w, act.x, 0, high, low);
  dot_half(w, act.x, 1, high, low);
  return 256 * high + low;
}

/* Lanes without segments do the work of the last ones: every load happens, so no register holds a
 * value that another way through left there. */
__device__ __forceinline__ unsigned last_pair(unsigned s, unsigned n) {
  return min(s, (n - 1) & ~1u);
}

/* The rows first .. end - 1 of a matrix, and how a block's groups of lanes share them: group g
 * takes the rows first + g, first + g + groups, ... */
struct row_range {
  const uint8_t *data;
  uint64_t row_bytes;
  unsigned first, end;
  __device__ __forceinline__ const uint8_t *at(unsigned i) const { /* past the end: the last one */
    return data + min(i, end - 1) * row_bytes;
  }
};

struct lane_group {
  unsigned lane, width, index, groups;
};
