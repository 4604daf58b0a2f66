/* What kernels of one file need of CUDA's own headers, for a clang that cannot read those of
 * CUDA 13. -I names this folder first, so that the kernel's own #include finds it. */
#ifndef PV_STRANGERS_CUDA_FP16_H
#define PV_STRANGERS_CUDA_FP16_H

#include <stddef.h>
#include <stdint.h>

#define __host__               __attribute__((host))
#define __device__             __attribute__((device))
#define __global__             __attribute__((global))
#define __shared__             __attribute__((shared))
#define __constant__           __attribute__((constant))
#define __forceinline__        inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
};
#include <__clang_cuda_builtin_vars.h> /* threadIdx and its kin */

struct __attribute__((aligned(8))) float2 {
  float x, y;
};
struct __attribute__((aligned(16))) float4 {
  float x, y, z, w;
};
struct __attribute__((aligned(2))) half {
  unsigned short bits;
};
struct __attribute__((aligned(4))) half2 {
  half x, y;
};

static __device__ __forceinline__ float __half2float(half h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h.bits));
  return f;
}
static __device__ __forceinline__ half __float2half(float f) {
  half h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
  return h;
}
static __device__ __forceinline__ float __shfl_down_sync(unsigned mask, float value, int by) {
  return __nvvm_shfl_sync_down_f32(mask, value, by, 31);
}
static __device__ __forceinline__ float __shfl_xor_sync(unsigned mask, float value, int by) {
  return __nvvm_shfl_sync_bfly_f32(mask, value, by, 31);
}

#endif
