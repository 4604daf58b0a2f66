/* Reads a buffer once, to measure how fast that goes (ceilings.h). `out` is written only when all
 * words are zero but the sum is not, which cannot be: the compiler does not know. */
#ifndef PV_CUDA_SCAN_H
#define PV_CUDA_SCAN_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_scan {
  PV_DEVICE(const uint8_t) words;
  PV_DEVICE(uint32_t) out;
  uint64_t count; /* of 16 bytes */
} pv_cuda_scan;
PV_LAYOUT(pv_cuda_scan, 24, count, 16);

enum { PV_SCAN_BLOCK = 512 };

#endif

/* rows: blocks that fill the device */
PV_KERNEL(scan, pv_cuda_scan, PV_GRID(rows, 1, 1), PV_SCAN_BLOCK, 0, "none: a speed", a->count > 0,
          PV_WRITES(pv_cuda_scan, out))
