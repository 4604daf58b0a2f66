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
