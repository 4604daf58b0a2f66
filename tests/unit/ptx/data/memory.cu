// Kernels with one defect each, for tests/unit/ptx/test_machine.c, and `sound` with none. Made into
// memory.ptx by
//   nvcc -ptx -O3 -arch=compute_80 --fmad=false -lineinfo memory.cu
// with the folders taken out of its .file lines.
#include <stdint.h>

struct args {
  const uint32_t *in;
  uint32_t *out;
  uint32_t n;
};

#define KERNEL extern "C" __global__ void

// Blocks run at once: each writes words of its own.
__device__ uint32_t *own(const args &a) {
  return a.out + blockIdx.x * 64;
}

// A block's sums of 64 neighbours, through shared memory.
KERNEL sound(const args a) {
  __shared__ uint32_t part[64];
  const uint32_t i = blockIdx.x * 64 + threadIdx.x;
  part[threadIdx.x] = i < a.n ? a.in[i] : 0;
  __syncthreads();
  for (uint32_t s = 32; s > 0; s /= 2) {
    if (threadIdx.x < s) part[threadIdx.x] += part[threadIdx.x + s];
    __syncthreads();
  }
  if (threadIdx.x == 0) a.out[blockIdx.x] = part[0];
}

// Blocks race for the same words of device memory.
KERNEL racing(const args a) {
  a.out[threadIdx.x] = blockIdx.x;
  const uint32_t seen = *reinterpret_cast<volatile uint32_t *>(a.out + threadIdx.x);
  a.out[threadIdx.x] = seen < gridDim.x ? a.in[threadIdx.x] : 0;
}

// Reads one element past the end.
KERNEL past_the_end(const args a) {
  const uint32_t i = blockIdx.x * 64 + threadIdx.x;
  if (i <= a.n) own(a)[i % 64] = a.in[i];
}

// Writes before the beginning.
KERNEL before_the_start(const args a) {
  own(a)[static_cast<int64_t>(threadIdx.x) - 3] = 1;
}

// Indexes shared memory past its end.
KERNEL past_shared(const args a) {
  __shared__ uint32_t part[64];
  part[threadIdx.x + a.n] = 1;
  __syncthreads();
  own(a)[threadIdx.x] = part[threadIdx.x];
}

// Indexes the thread's own memory past its end, by less than it is aligned to.
KERNEL past_local(const args a) {
  uint32_t part[5];
  for (uint32_t i = 0; i < 5; i++) part[i] = i;
  part[threadIdx.x == 3 ? a.n / 12 : threadIdx.x % 5] = 7;
  own(a)[threadIdx.x] = part[threadIdx.x % 3];
}

// Four bytes from an odd address.
KERNEL misaligned(const args a) {
  const uint8_t *bytes = reinterpret_cast<const uint8_t *>(a.in);
  own(a)[threadIdx.x] = *reinterpret_cast<const uint32_t *>(bytes + 4 * threadIdx.x + (a.n & 1));
}

// Reads what nobody wrote: device memory, shared memory.
KERNEL unwritten(const args a) {
  own(a)[threadIdx.x] = own(a)[threadIdx.x + 64] + 1;
}
KERNEL unwritten_shared(const args a) {
  __shared__ uint32_t part[64];
  if (threadIdx.x < 32) part[threadIdx.x] = a.in[threadIdx.x];
  __syncthreads();
  own(a)[threadIdx.x] = part[threadIdx.x ^ 32];
}

// Two groups of copies, each thread its own two words; `waits` is how many may still be under way
// when the second word is read.
template <int waits>
__device__ void copied(const args &a) {
  __shared__ uint32_t part[2][64];
  for (int i = 0; i < 2; i++) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(&part[i][threadIdx.x]))),
                 "l"(a.in + threadIdx.x)
                 : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  asm volatile("cp.async.wait_group 1;" ::: "memory");
  uint32_t sum = part[0][threadIdx.x];
  asm volatile("cp.async.wait_group %0;" ::"n"(waits) : "memory");
  sum += part[1][threadIdx.x];
  own(a)[threadIdx.x] = sum;
}
KERNEL copied_soundly(const args a) {
  copied<0>(a);
}
KERNEL not_waited_for(const args a) {
  copied<1>(a);
}

// A shuffle from a lane that has left.
KERNEL absent_lane(const args a) {
  if (threadIdx.x >= a.n) return;
  own(a)[threadIdx.x] = __shfl_down_sync(0xffffffffu, a.in[threadIdx.x], 1);
}

// Writes to its input.
KERNEL writes_input(const args a) {
  const_cast<uint32_t *>(a.in)[threadIdx.x] = 7;
}

// A barrier that half of a warp passes by.
KERNEL divergent(const args a) {
  if (threadIdx.x % 2 == 0) {
    asm volatile("bar.sync 0;" ::: "memory");
    own(a)[threadIdx.x] = 1;
  } else {
    asm volatile("bar.sync 1;" ::: "memory");
    own(a)[threadIdx.x] = 2;
  }
}

// Two warps that wait at different barriers.
KERNEL apart(const args a) {
  if (threadIdx.x < 32) {
    asm volatile("bar.sync 0;" ::: "memory");
    own(a)[threadIdx.x] = 1;
  } else {
    asm volatile("bar.sync 1;" ::: "memory");
    own(a)[threadIdx.x] = 2;
  }
}

// The other warp's part is read without a barrier; the other warp then writes it.
KERNEL race(const args a) {
  __shared__ uint32_t part[64];
  part[threadIdx.x] = 0;
  __syncthreads();
  part[threadIdx.x] = threadIdx.x;
  own(a)[threadIdx.x] = *reinterpret_cast<volatile uint32_t *>(&part[threadIdx.x ^ 32]);
}
// One warp overwrites what the other then reads.
KERNEL race_before(const args a) {
  __shared__ uint32_t part[64];
  part[threadIdx.x] = a.in[threadIdx.x];
  __syncthreads();
  if (threadIdx.x < 32)
    part[threadIdx.x] = 7;
  else
    own(a)[threadIdx.x] = part[threadIdx.x - 32];
}

// A neighbouring lane's part is read without __syncwarp.
KERNEL race_in_warp(const args a) {
  __shared__ uint32_t part[32];
  part[threadIdx.x % 32] = a.in[threadIdx.x];
  own(a)[threadIdx.x] = part[threadIdx.x % 32 ^ 1];
}

// Two threads write one word.
KERNEL race_of_writes(const args a) {
  __shared__ uint32_t part[64];
  part[threadIdx.x % 48] = threadIdx.x;
  __syncthreads();
  if (threadIdx.x < 48) own(a)[threadIdx.x] = part[threadIdx.x];
}

// An instruction that is not interpreted.
KERNEL unsupported(const args a) {
  float x = static_cast<float>(a.n), y;
  asm("sin.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  own(a)[0] = static_cast<uint32_t>(y);
}

// Lanes that part, meet and part again: each counts to its own number.
KERNEL collatz(const args a) {
  uint32_t x = a.in[threadIdx.x], steps = 0;
  while (x > 1) {
    x = x % 2 == 0 ? x / 2 : 3 * x + 1;
    steps++;
    if (steps > 500) break;
  }
  const uint32_t all = __reduce_add_sync(0xffffffffu, steps);
  own(a)[threadIdx.x] = steps << 16 | (all & 0xffff);
}
