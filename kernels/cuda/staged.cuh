/* Rows of rounded activations in shared memory: copied there, or rounded on the way. */
#pragma once

#include "kernels/cuda/acts.cuh"

__device__ __forceinline__ void load_eight(const float *x, float (&out)[8]) {
  const float4 *p = reinterpret_cast<const float4 *>(x);
  const float4 v = p[0], w = p[1];
  out[0] = v.x, out[1] = v.y, out[2] = v.z, out[3] = v.w;
  out[4] = w.x, out[5] = w.y, out[6] = w.z, out[7] = w.w;
}

/* Activations in shared memory: each two segments are padded from 128 to 144 bytes, so that lanes
 * load 16 bytes each without bank conflicts; then the scales, the sums, and the unrounded row. */
struct shared_acts {
  uint8_t *q;
  float *d;
  int *sum;
  float *x;
};

__device__ __forceinline__ shared_acts shared_layout(void *base, unsigned k) {
  const unsigned pairs = PV_CUDA_PAIRS(k);
  uint8_t *q = static_cast<uint8_t *>(base);
  float *d = reinterpret_cast<float *>(q + static_cast<size_t>(pairs) * PV_CUDA_PAIR_BYTES);
  int *sum = reinterpret_cast<int *>(d + 2 * pairs);
  return {q, d, sum, reinterpret_cast<float *>(sum + 2 * pairs)};
}

/* The bytes of `count` segments, and what belongs to them, from global to shared memory. */
__device__ __forceinline__ void copy_acts(const pv_cuda_acts &acts, size_t row, unsigned count,
                                          const shared_acts &to) {
  const size_t at = row * acts.segments;
  const uint4 *q = reinterpret_cast<const uint4 *>(acts.q + at * 64);
#pragma unroll 4
  for (unsigned i = threadIdx.x; i < count * 4; i += blockDim.x)
    *reinterpret_cast<uint4 *>(to.q + i / 8 * PV_CUDA_PAIR_BYTES + i % 8 * 16) = __ldg(q + i);
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
    to.d[i] = acts.d[at + i];
    to.sum[i] = acts.sum[at + i];
  }
}

/* A row of n activations that a block rounds for itself, in blocks of 256, of which n is a
 * multiple. What it reads first, `turns` times 2048 of them, is asked for when it is made. */
template <unsigned turns>
struct rounding {
  const float *x;
  unsigned n;
  float y[turns][8];
  __device__ __forceinline__ rounding(const float *x, unsigned n) : x(x), n(n) {
    if (n > 0) load(8 * threadIdx.x);
  }
  __device__ __forceinline__ void load(unsigned first) {
#pragma unroll
    for (unsigned t = 0; t < turns; t++)
      load_eight(x + min(first + t * 8 * PV_CUDA_BLOCK, n - 8), y[t]);
  }
  __device__ __forceinline__ void store(float max, const shared_acts &to) {
#pragma unroll 1
    for (unsigned begin = 8 * threadIdx.x; begin < n; begin += turns * 8 * PV_CUDA_BLOCK) {
      if (begin > 8 * threadIdx.x) load(begin);
#pragma unroll
      for (unsigned t = 0; t < turns; t++) {
        const unsigned i = begin + t * 8 * PV_CUDA_BLOCK, s = i / PV_SEGMENT;
        if (i >= n) return; /* the whole warp */
        store_quarter(round_quarter(y[t], max, true), threadIdx.x % 4,
                      to.q + s / 2 * PV_CUDA_PAIR_BYTES + s % 2 * 64, to.d + s, to.sum + s);
      }
    }
  }
};

__device__ __forceinline__ act_row load_acts(const pv_cuda_acts &acts, unsigned row, void *shared,
                                             bool quantised) {
  const shared_acts to = shared_layout(shared, acts.k);
  if (quantised) {
    copy_acts(acts, row, acts.k / PV_SEGMENT, to);
    __syncthreads();
  }
  return {to.q,   to.d,
          to.sum, acts.x + static_cast<size_t>(row) * acts.stride,
          acts.k, PV_CUDA_PAIR_BYTES};
}
