/* The kernels as a table, made of the rows beside them (args.h says what a row is). Whoever
 * launches one, declares what it writes, lists or checks it asks here. */
#ifndef PV_CUDA_KERNELS_H
#define PV_CUDA_KERNELS_H

#include "base/error.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/list.h"

/* PV_GPU_down and so on, one for each row. */
#undef PV_KERNEL_AS
#define PV_KERNEL_AS                        PV_KERNEL_NUMBER
#define PV_KERNEL_NUMBER(header, name, ...) PV_GPU_##name,
typedef enum pv_gpu_kernel {
#include "kernels/cuda/list.h"
  PV_GPU_KERNEL_COUNT
} pv_gpu_kernel;
#undef PV_KERNEL_AS
#define PV_KERNEL_AS PV_KERNEL_DECLARE

enum { PV_KERNEL_WRITES_MAX = 12 };

typedef struct pv_kernel_write {
  uint16_t at;      /* where in the argument the address stands */
  const char *name; /* of the member: "acts.q" */
} pv_kernel_write;

typedef struct pv_kernel {
  const char *name;      /* of the kernel: "gemm" */
  const char *path;      /* of its header, as the build saw it */
  const char *operation; /* what it stands for: "mm, combine, add" */
  const char *argument;  /* its type: "pv_cuda_gemm" */
  size_t arg_bytes;
  /* C expressions over the argument `a` and `rows`, as they are compiled. */
  const char *grid[3], *shared, *limit;
  unsigned block;
  pv_kernel_write writes[PV_KERNEL_WRITES_MAX + 1]; /* ends with a NULL name */
  /* Fills grid, block and shared memory of a launch; false: the limit does not hold. */
  bool (*shape)(const void *args, size_t rows, pv_gpu_launch *out);
} pv_kernel;

/* "gemm.h" */
const char *pv_kernel_header(const pv_kernel *kernel);

const pv_kernel *pv_kernel_get(pv_gpu_kernel kernel);
/* The one of identity f32-f64acc for rows of a type (pv_type). */
pv_gpu_kernel pv_kernel_f64acc(uint32_t type);
/* NULL when there is none of that name. */
const pv_kernel *pv_kernel_find(const char *name);

/* The launch of `kernel` with this argument over `rows`; `number` is that of pv_gpu_ops.find.
 * PV_ERR_LIMIT, with the limit, when the argument does not satisfy it or the grid is too large. */
pv_code pv_kernel_launch(const pv_kernel *kernel, unsigned number, const void *args, size_t rows,
                         pv_gpu_launch *out, pv_error *err);

/* Device addresses in the buffers that a launch of `kernel` with this argument may write; what is
 * not asked for (address 0) is left out. PV_ERR_UNSUPPORTED for a kernel without a row. */
pv_code pv_kernel_outputs(const char *kernel, const void *args, size_t arg_bytes,
                          uint64_t out[PV_KERNEL_WRITES_MAX], size_t *count, pv_error *err);

#endif
