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

__device__ uint32_t seen(const uint32_t *at) {
  return *reinterpret_cast<const volatile uint32_t *>(at);
}

// Each block writes words of its own, of 1, 2, 4 and 16 bytes, and reads what its threads wrote.
KERNEL apart(const args a) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  uint8_t *bytes = reinterpret_cast<uint8_t *>(a.out);
  bytes[i] = i;
  __syncthreads();
  const uint32_t next = bytes[i - threadIdx.x + (threadIdx.x + 1) % blockDim.x];
  reinterpret_cast<uint16_t *>(a.out + 64)[i] = next;
  if (i < 16) reinterpret_cast<uint4 *>(a.out + 128)[i] = make_uint4(i, next, i, next);
}
// The same without a barrier.
KERNEL apart_unsynced(const args a) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  uint8_t *bytes = reinterpret_cast<uint8_t *>(a.out);
  bytes[i] = i;
  const uint32_t next = bytes[i - threadIdx.x + (threadIdx.x + 1) % blockDim.x];
  reinterpret_cast<uint16_t *>(a.out + 64)[i] = next;
}
// Lanes of one warp, with and without their own barrier.
KERNEL in_warp(const args a) {
  const uint32_t i = threadIdx.x;
  a.out[i] = i;
  __syncwarp();
  const uint32_t next = seen(&a.out[i ^ 1]);
  __syncwarp();
  a.out[i] = next;
}
KERNEL in_warp_unsynced(const args a) {
  const uint32_t i = threadIdx.x;
  a.out[i] = i;
  a.out[i + 32] = seen(&a.out[i ^ 1]);
}

// Two blocks write one word: the last of each and the first of the next.
KERNEL overlap(const args a) {
  const uint32_t first = blockIdx.x * (blockDim.x - 1);
  a.out[first + threadIdx.x] = a.in[threadIdx.x];
}
// All write the same value.
KERNEL same_value(const args a) {
  a.out[0] = a.in[7];
}
// Two blocks write one byte of a word.
KERNEL one_byte(const args a) {
  reinterpret_cast<uint8_t *>(a.out)[blockIdx.x == 3 ? 2 : blockIdx.x] = 1;
}
// A block overwrites what another one reads.
KERNEL read_before(const args a) {
  if (blockIdx.x == 0) a.out[1 + threadIdx.x] = a.out[0];
  if (blockIdx.x == 1 && threadIdx.x == 1) a.out[0] = 1;
}

// Block 0 hands a value to the others, which take it if they come later: with a fence and a flag.
template <int how>
__device__ void hand_over(const args &a) {
  volatile uint32_t *flag = a.out + 1;
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    a.out[0] = a.in[3];
    if (how == 0) __threadfence();
    if (how == 2) __threadfence_block();
    *flag = 1;
    if (how == 3) a.out[0] = a.in[4];
  }
  if (blockIdx.x == 0) return;
  if (threadIdx.x == 0 && *flag != 0) a.out[2 + blockIdx.x] = a.out[0];
}
KERNEL handed_over(const args a) {
  hand_over<0>(a);
}
KERNEL unfenced(const args a) {
  hand_over<1>(a);
}
KERNEL fenced_in_block(const args a) {
  hand_over<2>(a);
}
KERNEL written_after(const args a) {
  hand_over<3>(a);
}
