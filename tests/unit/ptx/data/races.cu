// Kernels whose blocks meet in device memory, for tests/unit/ptx/test_races.c: sound ones, and one
// with one defect beside each. Made into races.ptx by
//   nvcc -ptx -O3 -arch=compute_80 --fmad=false -lineinfo races.cu
// with the folders taken out of its .file lines.
#include <stdint.h>

struct args {
  const uint32_t *in;
  uint32_t *out;
  uint32_t n;
};

#define KERNEL extern "C" __global__ void

// What the block that comes last leaves; what the warp that comes last leaves.
KERNEL last_block(const args a) {
  if (threadIdx.x == 0) a.out[0] = blockIdx.x;
}
KERNEL last_warp(const args a) {
  if (threadIdx.x % 32 == 0) a.out[0] = threadIdx.x / 32;
}

// Goes round until it is stopped.
KERNEL endless(const args a) {
  while (*reinterpret_cast<const volatile uint32_t *>(a.in) != 0) {
  }
}
