/* The compiled kernels that are embedded in the programs: data only, no driver is touched. Each
 * .cu file is one module: PTX for compute_80, and machine code that ptxas made from exactly that
 * PTX for the chips it knows. What is asserted about the PTX is so asserted about what is loaded.
 */
#ifndef PV_CUDA_IMAGES_H
#define PV_CUDA_IMAGES_H

#include <stddef.h>

typedef struct pv_cuda_binary {
  unsigned sm; /* 90: compute capability 9.0 */
  const void *data;
  size_t bytes;
} pv_cuda_binary;

typedef struct pv_cuda_module {
  const char *name; /* of the .cu file */
  unsigned target;  /* 80: compute capability 8.0 and later */
  const char *ptx;  /* NUL-terminated */
  size_t ptx_bytes; /* without the NUL */
  const pv_cuda_binary *binaries;
  size_t binary_count;
} pv_cuda_module;

/* All modules; none in a build without nvcc. */
const pv_cuda_module *pv_cuda_modules(size_t *count);

#endif
