// Kernels for tests/unit/ptx/test_control.c: what compilers emit around arithmetic. Made into
// control.ptx by
//   nvcc -ptx -O3 -arch=compute_80 --fmad=false -lineinfo control.cu
// with the folders taken out of its .file lines.
#include <cassert>
#include <cstdint>
#include <cstdio>

#include <cooperative_groups.h>

struct args {
  const uint32_t *in;  // 64 words: 1, 2, ...
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
  a.out[11] = (uint32_t) * (i == 0 ? &table[i] : (const float *)a.out);
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

// Functions with a body, called through the parameter ABI.
struct pair {
  uint32_t a;
  uint64_t b;
};

__device__ __noinline__ uint32_t triple(uint32_t x) {
  return 3 * x;
}

__device__ __noinline__ pair twist(pair p, uint16_t by, double scale) {
  const pair q = {(uint32_t)(p.b + by), (uint64_t)(p.a * scale)};
  return q;
}

__device__ __noinline__ void fill(uint32_t *to, uint32_t n) {
  uint32_t own[8];
  for (uint32_t i = 0; i < n; i++) own[i & 7] = triple(i + to[0]);
  for (uint32_t i = 0; i < n; i++) to[i] = own[n - 1 - i & 7];
}

__device__ __noinline__ uint32_t collatz(uint32_t x) {
  uint32_t steps = 0;
  while (x > 1) {
    if (steps > 1000) return 0;
    x = x % 2 == 0 ? x / 2 : triple(x) + 1;
    steps++;
  }
  return steps;
}

__device__ __noinline__ uint32_t shared_sum(uint32_t x) {
  __shared__ uint32_t part[64];
  part[threadIdx.x] = x;
  __syncthreads();
  const uint32_t sum = part[threadIdx.x] + part[threadIdx.x ^ 33];
  __syncthreads();
  return sum;
}

KERNEL calls(const args a) {
  const uint32_t t = threadIdx.x;
  uint32_t own[4] = {t, 1, 2, 3};
  fill(own, 4);
  const pair p = twist({a.in[t], 1ull << 33 | t}, 7, 2.5);
  uint32_t sum = own[0] + own[3] * 1000 + p.a + (uint32_t)p.b * 100000;
  if (t & 1) sum += collatz(t);
  sum += shared_sum(t);
  sum += shared_sum(a.in[t]);
  a.out[t] = sum;
}

__device__ __noinline__ void deep(const args &a, uint32_t i) {
  a.out[i + 300] = i;
}

KERNEL calls_out_of_bounds(const args a) {
  deep(a, threadIdx.x);
}

__device__ __noinline__ uint32_t factorial(uint32_t n) {
  return n < 2 ? 1 : n * factorial(n - 1) % 1000003;
}

KERNEL recursive(const args a) {
  a.out[0] = factorial(a.n) + factorial(a.n + 1);
}

__device__ uint32_t (*volatile chosen)(uint32_t) = triple;

KERNEL through_a_pointer(const args a) {
  a.out[0] = chosen(a.n);
}

// What stops a kernel, and what it prints.

KERNEL traps(const args a) {
  if (a.in[threadIdx.x] == 7) __trap();
}

KERNEL breaks(const args a) {
  if (a.in[threadIdx.x] == 9) __brkpt();
}

KERNEL asserts(const args a) {
  assert(a.in[threadIdx.x] != 12);
}

KERNEL prints(const args a) {
  const uint32_t t = threadIdx.x;
  if (t % 21 != 0) return;
  const int kept = printf("%u|%-4d|%+05d|%lld|%#x|%c|%5.2f|%s|%%|%*d|%zu\n", t, -3, 7, -1ll << 40,
                          a.in[t], 'a' + t, 1.005f * t, t ? "later" : "first", 6, 42, sizeof a);
  printf("no arguments\n");
  a.out[t] = kept;
}

KERNEL prints_past_the_end(const args a) {
  printf("%s", (const char *)(a.in + a.n));
}

KERNEL prints_for_ever(const args a) {
  for (uint32_t i = 0; i < 1000; i++) printf("0123456789");
}

KERNEL allocates(const args a) {
  uint32_t *p = (uint32_t *)malloc(a.n);
  p[0] = a.n;
  a.out[0] = p[a.zero];
  free(p);
}

// Atomics. Each lane of the block takes part; what it gets is its place in the order.
KERNEL atomics(const args a) {
  __shared__ uint32_t part[2];
  __shared__ float sum;
  __shared__ unsigned long long wide;
  const uint32_t t = threadIdx.x, x = a.in[t];
  uint32_t *o = a.out;
  if (t == 0) {
    part[0] = 0, part[1] = 7, sum = 0, wide = 0;
    for (uint32_t i = 0; i < 16; i++) o[i] = i == 5 ? 0xffffffff : 0;
  }
  __syncthreads();
  const uint32_t place = atomicAdd(o, 1);
  o[64 + place] = t;
  atomicAdd(&o[1], x);
  atomicSub(&o[2], x);
  atomicMax(&o[3], x);
  atomicMax((int *)&o[4], -(int)x);
  atomicMin(&o[5], x);
  atomicMin((int *)&o[6], -(int)x);
  atomicOr(&o[7], 1u << t % 32);
  atomicXor(&o[8], x);
  atomicInc(&o[9], 9);
  atomicDec(&o[10], 9);
  atomicExch(&o[11], x);
  atomicCAS(&o[12], t, t + 1);
  atomicAdd((float *)&o[13], 0.5f);
  atomicAdd((unsigned long long *)&o[14], 1ull << 31);
  atomicAdd(&part[t & 1], x);
  atomicAdd(&sum, 1.0f / (1 << t % 32));
  atomicMax(&wide, (unsigned long long)x << 32);
  __syncthreads();
  if (t == 0) {
    o[16] = part[0];
    o[17] = part[1];
    o[18] = __float_as_uint(sum);
    o[19] = wide >> 32;
  }
}

KERNEL counts_blocks(const args a) {
  if (threadIdx.x == 0) atomicAdd(a.out, 1);
}

// The last block adds up what the others have left.
__device__ uint32_t arrived;

KERNEL last_block(const args a) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    a.out[1 + blockIdx.x] = a.in[blockIdx.x];
    __threadfence();
    last = atomicInc(&arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  __threadfence();
  uint32_t sum = 0;
  for (uint32_t i = 0; i < gridDim.x; i++) sum += ((volatile uint32_t *)a.out)[1 + i];
  a.out[0] = sum;
}

KERNEL atomic_meets_plain(const args a) {
  __shared__ uint32_t count[32];
  if (threadIdx.x < 32) count[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd(&count[a.in[threadIdx.x] % 32], 1);
  a.out[threadIdx.x] = count[threadIdx.x % 32];
}

KERNEL plain_meets_atomic(const args a) {
  __shared__ uint32_t count[32];
  if (threadIdx.x < 32) count[threadIdx.x] = 0;
  atomicAdd(&count[a.in[threadIdx.x] % 32], 1);
  __syncthreads();
  a.out[threadIdx.x] = count[threadIdx.x % 32];
}

KERNEL atomic_of_nothing(const args a) {
  atomicAdd(a.out + threadIdx.x, 1);
}

KERNEL atomic_on_an_input(const args a) {
  atomicAdd((uint32_t *)a.in, 1);
}

// Blocks, warps and lanes that spin until another one has done something.

KERNEL grid_barrier(const args a) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  uint32_t value = a.in[i % 64];
  for (uint32_t round = 0; round < 3; round++) {
    a.out[i] = value;
    cooperative_groups::this_grid().sync();
    value += a.out[(i + blockDim.x) % (gridDim.x * blockDim.x)];
    cooperative_groups::this_grid().sync();
  }
  a.out[i] = value;
}

KERNEL warp_waits_for_warp(const args a) {
  __shared__ uint32_t flag, data;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    while (*(volatile uint32_t *)&flag == 0) {
    }
    __threadfence_block();
    a.out[0] = data;
  } else if (threadIdx.x == 32) {
    data = a.in[7];
    __threadfence_block();
    *(volatile uint32_t *)&flag = 1;
  }
}

// The lanes of a warp take a lock one after the other.
__device__ uint32_t lock;

KERNEL lane_waits_for_lane(const args a) {
  if (threadIdx.x == 0) a.out[0] = 0;
  __syncthreads();
  while (atomicCAS(&lock, 0, 1) != 0) {
  }
  __threadfence();
  *(volatile uint32_t *)a.out += a.in[threadIdx.x];
  __threadfence();
  atomicExch(&lock, 0);
}

KERNEL waits_for_ever(const args a) {
  while (((volatile uint32_t *)a.in)[threadIdx.x] != 0) {
  }
}

// Copies whose source is shorter, or left out; what says how a cache is used.
__device__ uint32_t shared_at(const void *p) {
  return (uint32_t)__cvta_generic_to_shared(p);
}

KERNEL copies_in_part(const args a) {
  __shared__ __align__(16) uint32_t part[4][64];
  const uint32_t t = threadIdx.x, bytes = t % 17;
  const uint32_t *end = a.in + 64;  // nothing lies there, and nothing is read
  for (uint32_t i = 0; i < 4; i++) part[t % 4][4 * (t / 4) + i] = 99;
  __syncthreads();
  if (t < 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_at(&part[0][4 * t])),
                 "l"(bytes == 0 ? end : a.in + 4 * t), "r"(bytes));
    asm volatile(
        "cp.async.ca.shared::cta.global.L2::128B [%0], [%1], 4, 0;" ::"r"(shared_at(&part[1][t])),
        "l"(end));
    asm volatile(
        "{ .reg .pred p; setp.gt.u32 p, %2, 7;\n"
        "cp.async.ca.shared.global [%0], [%1], 8, p; }" ::"r"(shared_at(&part[2][2 * t])),
        "l"(t > 7 ? end : a.in + 2 * t), "r"(t));
    asm volatile(
        "{ .reg .b64 q; createpolicy.fractional.L2::evict_first.b64 q, 0f3F800000;\n"
        "cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, q; }" ::"r"(
            shared_at(&part[3][4 * t])),
        "l"(a.in + 4 * t));
  }
  asm volatile("cp.async.wait_all;");
  __syncthreads();
  uint32_t last;
  asm volatile(
      "{ .reg .b64 q; createpolicy.fractional.L2::evict_last.b64 q;\n"
      "ld.global.L1::no_allocate.L2::cache_hint.u32 %0, [%1], q; }"
      : "=r"(last)
      : "l"(a.in + t));
  uint32_t again;
  asm volatile("ldu.global.u32 %0, [%1];" : "=r"(again) : "l"(a.in + t));
  a.out[t] = part[0][t] + 1000 * (part[1][t % 16] + (t < 32 ? part[2][t] : 0)) +
             1000000 * (part[3][t] - last) + last - again;
}

KERNEL copies_too_much(const args a) {
  __shared__ __align__(16) uint32_t part[64];
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_at(&part[threadIdx.x])),
               "l"(a.in + threadIdx.x), "r"(a.zero + 5));
}

// Barriers of all forms, and what threads ask about each other.
KERNEL barriers(const args a) {
  __shared__ uint32_t part[64];
  const uint32_t t = threadIdx.x;
  uint32_t sum = __syncthreads_count(t % 3 == 0) + 100 * __syncthreads_and(t < 64) +
                 200 * __syncthreads_or(t == 40) + 400 * __syncthreads_and(t != 40) +
                 800 * __syncthreads_or(t == 64);
  // The first warp makes something for the second, and does not wait for it.
  if (t < 32) {
    part[t] = a.in[t];
    __threadfence_block();
    asm volatile("bar.arrive 1, 64;" ::: "memory");
    sum += 10000;
  } else {
    asm volatile("barrier.cta.sync.aligned 1, 64;" ::: "memory");
    sum += 10000 * part[t - 32];
  }
  __syncthreads();
  // The same barrier the other way round.
  if (t < 32) {
    asm volatile("barrier.sync 1, 64;" ::: "memory");
    sum += 100000 * part[t + 32];
  } else {
    part[t] = t;
    asm volatile("barrier.arrive 1, 64;" ::: "memory");
  }
  // A guard that is the same for all lanes of a warp.
  asm volatile("{ .reg .pred p; setp.lt.u32 p, %0, 32; @p bar.sync 2, 32; }" ::"r"(t) : "memory");
  a.out[t] = sum;
}

KERNEL guarded_apart(const args a) {
  asm volatile("{ .reg .pred p; setp.lt.u32 p, %0, 20; @p bar.sync 0; }" ::"r"(threadIdx.x));
}

KERNEL barrier_17(const args a) {
  asm volatile("barrier.sync %0, 64;" ::"r"(a.zero + 17));
}

KERNEL asks(const args a) {
  __shared__ uint32_t part;
  const uint32_t t = threadIdx.x, x = a.in[t], own = x;
  uint32_t first, chosen, all, same, in;
  asm volatile("{ .reg .pred p; elect.sync %0|p, -1; selp.u32 %1, 1, 0, p; }"
               : "=r"(first), "=r"(chosen));
  int whole;
  same = __match_any_sync(0xffffffff, x / 8);
  all = __match_all_sync(0xffffffff, (unsigned long long)(t / 32) << 40, &whole);
  const void *volatile at[] = {&part, a.out, &own, &table[0]};
  in = __isShared(at[0]) + 2 * __isGlobal(at[1]) + 4 * __isGlobal(at[0]) + 8 * __isLocal(at[2]) +
       16 * __isConstant(at[3]) + 32 * __isGlobal(at[3]) + 64 * __isConstant(at[1]);
  const long long start = clock64();
  while (clock64() - start < 200) __nanosleep(10);
  uint32_t sm, sms, size;
  asm volatile("mov.u32 %0, %smid; mov.u32 %1, %nsmid; mov.u32 %2, %total_smem_size;"
               : "=r"(sm), "=r"(sms), "=r"(size));
  unsigned long long before, after;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(before));
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(after));
  a.out[t] = same;
  a.out[64 + t] = in + 1000 * first + 10000 * chosen + 100000 * (all == 0xffffffff && whole) +
                  1000000 * (sms - sm) + 2000000 * (size >= 4) + 4000000 * (after > before);
}

// mbarrier objects. A warp makes 8 times 32 words for the other one, through one place.
__device__ void mbarrier_init(uint64_t *b, uint32_t count) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_at(b)), "r"(count) : "memory");
}

__device__ void mbarrier_arrive(uint64_t *b) {
  asm volatile("{ .reg .b64 s; mbarrier.arrive.shared::cta.b64 s, [%0]; }" ::"r"(shared_at(b))
               : "memory");
}

__device__ void mbarrier_wait(uint64_t *b, uint32_t parity) {
  asm volatile(
      "{ .reg .pred p;\nW: mbarrier.test_wait.parity.shared.b64 p, [%0], %1;\n"
      "@!p bra W;\n}" ::"r"(shared_at(b)),
      "r"(parity)
      : "memory");
}

KERNEL pipeline(const args a) {
  __shared__ uint64_t full, empty;
  __shared__ __align__(16) uint32_t place[32];
  const uint32_t t = threadIdx.x;
  uint32_t sum = 0;
  if (t == 0) {
    mbarrier_init(&full, 32);
    mbarrier_init(&empty, 32);
  }
  __syncthreads();
  for (uint32_t i = 0; i < 8; i++) {
    if (t < 32) {
      if (i > 0) mbarrier_wait(&empty, (i - 1) & 1);
      if (i == 7) {
        asm volatile(
            "cp.async.ca.shared.global [%0], [%1], 4;\n"
            "cp.async.mbarrier.arrive.noinc.shared.b64 [%2];" ::"r"(shared_at(&place[t])),
            "l"(a.in + t), "r"(shared_at(&full))
            : "memory");
      } else {
        place[t] = a.in[t] * (i + 1);
        mbarrier_arrive(&full);
      }
    } else {
      mbarrier_wait(&full, i & 1);
      sum += place[63 - t];
      mbarrier_arrive(&empty);
    }
  }
  a.out[t] = sum;
}

KERNEL through_device_memory(const args a) {
  __shared__ uint64_t full;
  const uint32_t t = threadIdx.x;
  if (t == 0) mbarrier_init(&full, 32);
  __syncthreads();
  if (t < 32) {
    a.out[t] = a.in[t];
    mbarrier_arrive(&full);
  } else {
    if (a.n != 0) mbarrier_wait(&full, 0);
    a.out[t] = a.out[63 - t];
  }
}

KERNEL mbarrier_states(const args a) {
  __shared__ uint64_t b;
  uint32_t before, after, left;
  if (threadIdx.x != 0) return;
  mbarrier_init(&b, 3);
  asm volatile(
      "{ .reg .b64 s, u; .reg .pred p;\n"
      "mbarrier.arrive.shared.b64 s, [%3], 2;\n"
      "mbarrier.test_wait.shared.b64 p, [%3], s;\nselp.u32 %0, 1, 0, p;\n"
      "mbarrier.arrive_drop.shared.b64 u, [%3];\n"
      "mbarrier.pending_count.b64 %2, u;\n"
      "mbarrier.test_wait.shared.b64 p, [%3], s;\nselp.u32 %1, 1, 0, p;\n"
      "mbarrier.arrive.shared.b64 u, [%3], 2;\n"
      "mbarrier.inval.shared.b64 [%3]; }"
      : "=r"(before), "=r"(after), "=r"(left)
      : "r"(shared_at(&b))
      : "memory");
  a.out[0] = before + 10 * after + 100 * left;
}

KERNEL mbarrier_without_barrier(const args a) {
  __shared__ uint64_t b;
  if (threadIdx.x == 0) mbarrier_init(&b, 64);
  mbarrier_arrive(&b);
}

KERNEL mbarrier_of_too_many(const args a) {
  __shared__ uint64_t b;
  if (threadIdx.x == 0) {
    mbarrier_init(&b, 3);
    asm volatile("{ .reg .b64 s; mbarrier.arrive.shared.b64 s, [%0], 4; }" ::"r"(shared_at(&b)));
  }
}

KERNEL mbarrier_that_is_none(const args a) {
  __shared__ uint64_t b;
  if (threadIdx.x != 0) return;
  b = 7;
  mbarrier_arrive(&b);
}

KERNEL reads_before_the_phase(const args a) {
  __shared__ uint64_t full;
  __shared__ uint32_t place[32];
  const uint32_t t = threadIdx.x;
  if (t == 0) mbarrier_init(&full, 32);
  __syncthreads();
  if (t < 32) {
    mbarrier_arrive(&full);
    place[t] = a.in[t];
    a.out[t] = t;
  } else {
    a.out[t] = place[t - 32];
    mbarrier_wait(&full, 0);
  }
}
