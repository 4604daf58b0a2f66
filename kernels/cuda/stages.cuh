/* Copies into shared memory that go on while a block computes, in stages: a thread's copies arrive
 * at a stage's barrier, and warps leave it one by one, so that none waits for the slowest. */
#pragma once

#include "kernels/cuda/common.cuh"

__device__ __forceinline__ uint32_t shared_address(const void *p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

__device__ __forceinline__ void copy_word(void *to, const void *from) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(to)), "l"(from)
               : "memory");
}

/* An mbarrier at a shared address. */
struct barrier {
  uint32_t at;
  __device__ __forceinline__ void begin(unsigned arrivals) const {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(at), "r"(arrivals) : "memory");
  }
  __device__ __forceinline__ void arrive() const {
    asm volatile("{\n\t.reg .b64 state;\n\tmbarrier.arrive.shared.b64 state, [%0];\n\t}" ::"r"(at)
                 : "memory");
  }
  /* When the copies that this thread has begun are there. */
  __device__ __forceinline__ void arrive_with_copies() const {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(at) : "memory");
  }
  __device__ __forceinline__ void wait(unsigned parity) const {
    uint32_t done;
    do {
      asm volatile(
          "{\n\t.reg .pred p;\n\t"
#if __CUDA_ARCH__ >= 900
          "mbarrier.try_wait.parity.shared.b64 p, [%1], %2;\n\t"
#else
          "mbarrier.test_wait.parity.shared.b64 p, [%1], %2;\n\t"
#endif
          "selp.u32 %0, 1, 0, p;\n\t}"
          : "=r"(done)
          : "r"(at), "r"(parity)
          : "memory");
    } while (done == 0);
  }
};
