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

// The block that comes last adds up what each has left. Each fault leaves out one thing.
enum { SOUND, NO_FENCE, FENCE_IN_BLOCK, NO_BARRIER, FENCE_BEFORE };
template <int how>
__device__ void sum_up(const args &a) {
  __shared__ bool last;
  uint32_t *part = a.out + 8;
  if (how == FENCE_BEFORE) __threadfence();
  part[blockIdx.x * blockDim.x + threadIdx.x] = a.in[threadIdx.x];
  if (how == SOUND || how == NO_BARRIER) __threadfence();
  if (how == FENCE_IN_BLOCK) __threadfence_block();
  if (how != NO_BARRIER) __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(a.out, 1) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  uint32_t sum = 0;
  for (uint32_t b = 0; b < gridDim.x; b++) sum += part[b * blockDim.x + threadIdx.x ^ 1];
  part[threadIdx.x + gridDim.x * blockDim.x] = sum;
  if (threadIdx.x == 0) a.out[0] = 0;
}
KERNEL last_sums(const args a) {
  sum_up<SOUND>(a);
}
KERNEL last_no_fence(const args a) {
  sum_up<NO_FENCE>(a);
}
KERNEL last_fence_in_block(const args a) {
  sum_up<FENCE_IN_BLOCK>(a);
}
KERNEL last_no_barrier(const args a) {
  sum_up<NO_BARRIER>(a);
}
KERNEL last_fence_before(const args a) {
  sum_up<FENCE_BEFORE>(a);
}

// The same with one thread that fences for its block, and with each warp for itself.
KERNEL one_fences(const args a) {
  __shared__ bool last;
  a.out[8 + blockIdx.x * blockDim.x + threadIdx.x] = a.in[threadIdx.x];
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(a.out, 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (last && threadIdx.x < 2) a.out[1 + threadIdx.x] = a.out[8 + blockDim.x + 32 + threadIdx.x];
}
KERNEL warps_alone(const args a) {
  const uint32_t warps = gridDim.x * blockDim.x / 32;
  atomicAdd(a.out + 1, a.in[threadIdx.x]);
  __threadfence();
  __syncwarp();
  if (threadIdx.x % 32 != 0) return;
  if (atomicAdd(a.out, 1) == warps - 1) a.out[2] = a.out[1];
}
// Some add after they have said that they are done.
KERNEL adds_after(const args a) {
  __threadfence();
  if (atomicAdd(a.out, 1) == gridDim.x - 1)
    a.out[2] = a.out[1];
  else
    atomicAdd(a.out + 1, 1);
}

// A lock around plain sums; one that is not released with a fence.
template <bool fenced>
__device__ void locked(const args &a) {
  if (threadIdx.x != 0) return;
  while (atomicCAS(a.out, 0, 1) != 0) {
  }
  a.out[1] += a.in[blockIdx.x];
  if (fenced) __threadfence();
  atomicExch(a.out, 0);
}
KERNEL locks(const args a) {
  locked<true>(a);
}
KERNEL locks_unfenced(const args a) {
  locked<false>(a);
}

// A grid whose blocks meet, twice: each reads what its neighbour wrote, then overwrites its own.
template <bool meets>
__device__ void grid_turns(const args &a) {
  uint32_t *own = a.out + 8 + blockIdx.x * blockDim.x;
  uint32_t *next = a.out + 8 + (blockIdx.x + 1) % gridDim.x * blockDim.x;
  for (uint32_t turn = 1; turn <= 2; turn++) {
    own[threadIdx.x] = turn;
    for (uint32_t half = 0; half < 2; half++) {
      const uint32_t goal = gridDim.x * (meets ? 2 * turn - 1 + half : turn);
      __syncthreads();
      if (threadIdx.x == 0 && (meets || half == 0)) {
        __threadfence();
        atomicAdd(a.out, 1);
        while (seen(a.out) < goal) {
        }
        __threadfence();
      }
      __syncthreads();
      if (half == 0) own[gridDim.x * blockDim.x + threadIdx.x] = next[threadIdx.x ^ 1];
    }
  }
}
KERNEL grid_meets(const args a) {
  grid_turns<true>(a);
}
KERNEL grid_meets_once(const args a) {
  grid_turns<false>(a);
}

// A counter of the block's own scope, which another block uses too; and one of all.
KERNEL counts_in_block(const args a) {
  atomicAdd_block(a.out, 1);
}
KERNEL counts(const args a) {
  atomicAdd(a.out, 1);
}
// Plain beside atomic.
KERNEL plain_beside(const args a) {
  if (blockIdx.x == 0)
    atomicAdd(a.out, 1);
  else
    a.out[1] = a.out[0];
}

// Threads of one block store the same; each waits before it reads.
KERNEL equal_stores(const args a) {
  a.out[blockIdx.x] = a.in[7];
  __syncthreads();
  a.out[8 + blockIdx.x * blockDim.x + threadIdx.x] = a.out[blockIdx.x];
}
// One warp overwrites in shared memory what the other then reads.
KERNEL in_shared(const args a) {
  __shared__ uint32_t part[64];
  part[threadIdx.x] = a.in[threadIdx.x];
  __syncthreads();
  if (threadIdx.x < 32)
    part[threadIdx.x] = 7;
  else
    a.out[threadIdx.x] = part[threadIdx.x - 32];
}

// A fence of another warp, which nothing orders before the atomic.
KERNEL other_fences(const args a) {
  a.out[8 + blockIdx.x * blockDim.x + threadIdx.x] = 1;
  __threadfence();
  __syncwarp();
  if (threadIdx.x == 32 && atomicAdd(a.out, 1) == gridDim.x - 1) a.out[1] = a.out[8];
}
// The value is read before the flag.
KERNEL reads_early(const args a) {
  if (blockIdx.x == 0) {
    a.out[0] = 7;
    __threadfence();
    *reinterpret_cast<volatile uint32_t *>(a.out + 1) = 1;
  } else {
    a.out[2] = a.out[0];
    a.out[3] = seen(a.out + 1);
  }
}
// The flag that is read is that of block 1, which released nothing.
KERNEL overwritten(const args a) {
  volatile uint32_t *flag = a.out + 1;
  if (blockIdx.x == 0) {
    a.out[0] = 7;
    __threadfence();
    *flag = 1;
  }
  if (blockIdx.x == 1) *flag = 2;
  if (blockIdx.x == 2 && *flag == 2) a.out[2] = a.out[0];
}
