#include "kernels/cuda/peak.h"

#include "kernels/cuda/common.cuh"

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) peak_mma(const pv_cuda_peak a) {
  begin_kernel();
  const int even = static_cast<int>(a.even * 0x01010101u);
  const int any = static_cast<int>(threadIdx.x * 0x01030507u);
  int sum[PV_PEAK_CHAINS][4] = {};
  for (uint32_t i = 0; i < a.rounds; i++) {
#pragma unroll
    for (int c = 0; c < PV_PEAK_CHAINS; c++)
      asm volatile(
          "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %4, %4, %4}, "
          "{%5, %5}, {%0, %1, %2, %3};"
          : "+r"(sum[c][0]), "+r"(sum[c][1]), "+r"(sum[c][2]), "+r"(sum[c][3])
          : "r"(even), "r"(any));
  }
  int all = 0;
#pragma unroll
  for (int c = 0; c < PV_PEAK_CHAINS; c++) all |= sum[c][0] | sum[c][1] | sum[c][2] | sum[c][3];
  if (all & 1) *a.out = static_cast<uint32_t>(all);
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) peak_dp4a(const pv_cuda_peak a) {
  begin_kernel();
  const int even = static_cast<int>(a.even * 0x01010101u);
  const int any = static_cast<int>(threadIdx.x * 0x01030507u);
  int sum[PV_PEAK_CHAINS] = {};
  for (uint32_t i = 0; i < a.rounds; i++) {
#pragma unroll
    for (int c = 0; c < PV_PEAK_CHAINS; c++)
      asm volatile("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum[c]) : "r"(even), "r"(any));
  }
  int all = 0;
#pragma unroll
  for (int c = 0; c < PV_PEAK_CHAINS; c++) all |= sum[c];
  if (all & 1) *a.out = static_cast<uint32_t>(all);
}

PV_ENTRY __launch_bounds__(PV_CUDA_BLOCK) peak_fma(const pv_cuda_peak a) {
  begin_kernel();
  const double half = a.even * 0.25, any = threadIdx.x + 1;
  double sum[PV_PEAK_CHAINS];
#pragma unroll
  for (int c = 0; c < PV_PEAK_CHAINS; c++) sum[c] = c + 1;
  for (uint32_t i = 0; i < a.rounds; i++) {
#pragma unroll
    for (int c = 0; c < PV_PEAK_CHAINS; c++)
      asm volatile("fma.rn.f64 %0, %0, %1, %2;" : "+d"(sum[c]) : "d"(half), "d"(any));
  }
  double least = sum[0];
#pragma unroll
  for (int c = 1; c < PV_PEAK_CHAINS; c++) least = fmin(least, sum[c]);
  if (least < 0) *a.out = 1;
}
