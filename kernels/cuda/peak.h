/* Multiplies and adds from registers alone, to measure how fast that goes (ceilings.h): 8-bit
 * integers by tensor cores, the same by dp4a, and float64. `out` is written only when a sum of even
 * numbers is odd, or one of positive numbers negative, which cannot be: the compiler does not know.
 */
#ifndef PV_CUDA_PEAK_H
#define PV_CUDA_PEAK_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_peak {
  PV_DEVICE(uint32_t) out;
  uint32_t rounds;
  uint32_t even; /* an even number below 128 */
} pv_cuda_peak;
PV_LAYOUT(pv_cuda_peak, 16, even, 12);

enum { PV_PEAK_CHAINS = 8 }; /* sums of a thread that do not wait for each other */

/* Of a thread in each round: a warp's product of 16 x 32 by 32 x 8, a product of four, or one. */
#define PV_PEAK_MMA  (PV_PEAK_CHAINS * 2 * 16 * 32 * 8 / 32)
#define PV_PEAK_DP4A (PV_PEAK_CHAINS * 2 * 4)
#define PV_PEAK_FMA  (PV_PEAK_CHAINS * 2)

#endif

/* rows: blocks that fill the device */
#define PV_PEAK                                                         \
  pv_cuda_peak, PV_GRID(rows, 1, 1), PV_CUDA_BLOCK, 0, "none: a speed", \
      a->rounds > 0 && a->even % 2 == 0 && a->even < 128, PV_WRITES(pv_cuda_peak, out)
PV_KERNEL(peak_mma, PV_PEAK)
PV_KERNEL(peak_dp4a, PV_PEAK)
PV_KERNEL(peak_fma, PV_PEAK)
