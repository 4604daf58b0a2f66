/* What several kernels share: the sums of kernels/arith/act.h over the threads of a warp or of a
 * block, and the rounding of activations. */
#pragma once

#include "kernels/arith/act.h"
#include "kernels/arith/arith.h"
#include "kernels/cuda/args.h"

#define PV_ENTRY extern "C" __global__ void

constexpr unsigned every_lane = 0xffffffffu;

/* From compute capability 9.0 on a kernel may start before the one before it has ended, so that
 * what needs no result of it (asking for weights, for rows of the cache) is done meanwhile. Every
 * thread of every kernel calls this before it touches anything that a kernel of the same position
 * wrote or that an earlier kernel may still read. */
__device__ __forceinline__ void begin_kernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* Copies of 16 bytes from global to shared memory that go on meanwhile; a thread waits for its own.
 */
__device__ __forceinline__ void copy_sixteen(void *to, const void *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(to))),
               "l"(from)
               : "memory");
}

__device__ __forceinline__ void wait_for_sixteens() {
  asm volatile("cp.async.wait_all;" ::: "memory");
}

__device__ __forceinline__ unsigned power_above(unsigned n) { /* smallest power of two >= n >= 1 */
  return n <= 1 ? 1 : 1u << (32 - __clz(static_cast<int>(n - 1)));
}

/* Folds. A step s halves n values when n > s >= n / 2: for s = 2^i, 2^(i-1), ... that is the tree
 * of kernels/arith/act.h. n is the same in all lanes. */

/* n <= 2 * width values, two in each lane: lane l of its group of `width` holds the values 2 l and
 * 2 l + 1. The sum is in lane 0 of the group. */
__device__ __forceinline__ float fold_pairs(float a, float b, unsigned n, unsigned lane,
                                            unsigned width) {
  if (n == 64) { /* the usual case: every value is there */
#pragma unroll
    for (unsigned s = 16; s > 0; s /= 2) {
      a += __shfl_down_sync(every_lane, a, s);
      b += __shfl_down_sync(every_lane, b, s);
    }
    return a + b;
  }
#pragma unroll
  for (unsigned s = 32; s >= 2; s /= 2) {
    if (n <= s) continue;
    const float c = __shfl_down_sync(every_lane, a, s / 2, width);
    const float d = __shfl_down_sync(every_lane, b, s / 2, width);
    if (2 * lane + s < n) a += c;
    if (2 * lane + 1 + s < n) b += d;
    n = s;
  }
  return n > 1 ? a + b : a;
}

/* n <= 32 values, one in each lane of a full warp. The sum is in lane 0. */
__device__ __forceinline__ float fold_warp(float v, unsigned n, unsigned lane) {
#pragma unroll
  for (unsigned s = 16; s > 0; s /= 2) {
    if (n <= s) continue;
    const float c = __shfl_down_sync(every_lane, v, s);
    if (lane + s < n) v += c;
    n = s;
  }
  return v;
}

/* n <= 256 values; lane l of a full warp holds the values l + 32 j. The sum is in lane 0. */
__device__ __forceinline__ float fold_strided(float (&v)[8], unsigned n, unsigned lane) {
#pragma unroll
  for (unsigned s = 128; s >= 32; s /= 2) {
    if (n <= s) continue;
#pragma unroll
    for (unsigned j = 0; j < s / 32; j++)
      if (lane + 32 * j + s < n) v[j] += v[j + s / 32];
    n = s;
  }
  return fold_warp(v[0], n, lane);
}

/* An activation and what its segment has in common; the lanes of a warp hold the 32 elements. */
struct rounded {
  int q, sum;
  float d;
};

/* The bits of the largest magnitude of a warp's elements. */
__device__ __forceinline__ uint32_t largest_of_warp(float x) {
  return __reduce_max_sync(every_lane, pv_bits_f32(x) & 0x7fffffffu);
}

/* The same of a block of threads, an element each, of which there are PV_CUDA_BLOCK. */
__device__ __forceinline__ uint32_t largest_of_block(uint32_t of_warp) {
  __shared__ uint32_t largest[PV_CUDA_WARPS];
  if (threadIdx.x % 32 == 0) largest[threadIdx.x / 32] = of_warp;
  __syncthreads();
  uint32_t top = 0;
  for (const uint32_t of : largest) top = ::max(top, of);
  return top;
}

/* `top`: of the block of elements that share a scale. */
__device__ __forceinline__ rounded round_segment(float x, float max, uint32_t top) {
  const float a = pv_f32_bits(top);
  const bool damaged = top >= 0x7f800000u, zero = a < PV_ACT_TINY;
  rounded r = {0, 0, damaged ? pv_f32_bits(0x7fc00000u) : 0.0f};
  if (!damaged && !zero) {
    r.q = static_cast<int>(pv_rint_f32(x * pv_div_f32(max, a)));
    r.d = pv_div_f32(a, max);
  }
  r.sum = __reduce_add_sync(every_lane, r.q);
  return r;
}

__device__ __forceinline__ rounded round_segment(float x, float max) {
  return round_segment(x, max, largest_of_warp(x));
}

/* `bytes` are the segment's 64; see pv_cuda_acts. */
__device__ __forceinline__ void store_rounded(const rounded &r, unsigned lane, uint8_t *bytes,
                                              float *d, int32_t *sum) {
  const int high = (r.q + 128) >> 8, low = r.q - 256 * high;
  uint8_t *place = bytes + lane / 8 * 16 + lane % 8;
  place[0] = static_cast<uint8_t>(high);
  place[8] = static_cast<uint8_t>(low);
  if (lane == 0) {
    *d = r.d;
    *sum = r.sum;
  }
}

__device__ __forceinline__ void store_rounded(const rounded &r, unsigned lane,
                                              const pv_cuda_acts &acts, unsigned row,
                                              unsigned segment) {
  const size_t at = static_cast<size_t>(row) * acts.segments + segment;
  store_rounded(r, lane, acts.q + at * 64, acts.d + at, acts.sum + at);
}

/* The same with four neighbouring lanes on a segment, eight elements each: fewer divisions. */
struct rounded_quarter {
  uint32_t high[2], low[2]; /* bytes of elements 0..3 and 4..7 */
  int sum;
  float d;
};

/* `whole`: the warp's 256 elements share a scale. */
__device__ __forceinline__ rounded_quarter round_quarter(const float (&x)[8], float max,
                                                         bool whole) {
  uint32_t top = 0;
#pragma unroll
  for (int j = 0; j < 8; j++) top = ::max(top, pv_bits_f32(x[j]) & 0x7fffffffu);
  if (whole) {
    top = __reduce_max_sync(every_lane, top);
  } else {
    top = ::max(top, __shfl_xor_sync(every_lane, top, 1));
    top = ::max(top, __shfl_xor_sync(every_lane, top, 2));
  }
  const float a = pv_f32_bits(top);
  const bool damaged = top >= 0x7f800000u, zero = a < PV_ACT_TINY;
  const float inverse = damaged || zero ? 0.0f : pv_div_f32(max, a);
  constexpr uint32_t one = 0x4b400000u; /* the bits of 1.5 * 2^23: pv_rint_f32 without its end */
  uint32_t q[8], sum = 0;
#pragma unroll
  for (int j = 0; j < 8; j++) {
    q[j] = pv_bits_f32(x[j] * inverse + pv_f32_bits(one)); /* one + the integer */
    sum += q[j];
  }
  rounded_quarter r;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const uint32_t *of = q + 4 * i;
    r.low[i] =
        __byte_perm(__byte_perm(of[0], of[1], 0x0040), __byte_perm(of[2], of[3], 0x0040), 0x5410);
    r.high[i] = __byte_perm(__byte_perm(of[0] + 128, of[1] + 128, 0x0051),
                            __byte_perm(of[2] + 128, of[3] + 128, 0x0051), 0x5410);
  }
  r.sum = static_cast<int>(sum - 8 * one);
  r.d = zero ? 0.0f : pv_div_f32(a, max);
  if (damaged) { /* all zeros, also where x * 0 is a NaN */
    r = {{0, 0}, {0, 0}, 0, pv_f32_bits(0x7fc00000u)};
  }
  r.sum += __shfl_xor_sync(every_lane, r.sum, 1);
  r.sum += __shfl_xor_sync(every_lane, r.sum, 2);
  return r;
}

/* Elements 8 quarter .. 8 quarter + 7 of the segment whose 64 bytes are `bytes`. */
__device__ __forceinline__ void store_quarter(const rounded_quarter &r, unsigned quarter,
                                              uint8_t *bytes, float *d, int32_t *sum) {
  reinterpret_cast<uint4 *>(bytes)[quarter] = make_uint4(r.high[0], r.high[1], r.low[0], r.low[1]);
  if (quarter == 0) {
    *d = r.d;
    *sum = r.sum;
  }
}
