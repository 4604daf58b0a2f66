// Kernels for tests/unit/ptx/test_control.c: what compilers emit around arithmetic. Made into
// control.ptx by
//   nvcc -ptx -O3 -arch=compute_80 --fmad=false -lineinfo control.cu
// with the folders taken out of its .file lines.
#include <stdint.h>

struct args {
  const uint32_t *in; // 64 words: 1, 2, ...
  uint32_t *out;
  uint32_t n, zero;
};

#define KERNEL extern "C" __global__ void

// Variables of the module, with initialisers that name each other.
struct __attribute__((packed)) odd {
  char letter;
  const uint32_t *to;
};
__device__ uint32_t one = 5;
__device__ uint32_t row[4] = {1, 2, 3};
__device__ uint32_t *ends[2] = {row + 1, row + 3};
__device__ odd packed = {'x', row + 2};
__device__ const char *hello = "hello";
__constant__ float table[4] = {1.0f, 2.0f};
__constant__ uint32_t nothing[3];

KERNEL variables(const args a) {
  const uint32_t t = threadIdx.x, i = a.zero;
  if (t != 0) return;
  a.out[0] = one;
  a.out[1] = row[i + 2];
  a.out[2] = row[i + 3];
  a.out[3] = *ends[i];
  a.out[4] = *ends[i + 1];
  a.out[5] = packed.letter;
  a.out[6] = *packed.to;
  a.out[7] = hello[i + 4];
  a.out[8] = hello[i + 5];
  a.out[9] = (uint32_t)table[i + 1];
  a.out[10] = nothing[i + 2];
  a.out[11] = (uint32_t)*(i == 0 ? &table[i] : (const float *)a.out);
}

KERNEL counts_launches(const args a) {
  a.out[threadIdx.x] = ++one;
}

KERNEL past_a_variable(const args a) {
  a.out[threadIdx.x] = row[threadIdx.x + a.zero];
}

KERNEL writes_a_constant(const args a) {
  *(a.n == 0 ? a.out : (uint32_t *)nothing) = a.n;
}
