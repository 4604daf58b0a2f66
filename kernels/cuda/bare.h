/* A device for kernels that are not ours: a module from a file, launches of any shape, memory that
 * is given back. Everything is waited for. After PV_ERR_DEVICE, or a wait that ran out, the device
 * can only be closed. */
#ifndef PV_CUDA_BARE_H
#define PV_CUDA_BARE_H

#include <stdbool.h>

#include "kernels/cuda/device.h"

typedef struct pv_cuda_bare pv_cuda_bare;

typedef struct pv_cuda_bare_launch {
  CUfunction function;
  unsigned grid[3], block[3], shared;
  bool cooperative;
  void **arguments; /* a pointer to each one's bytes */
} pv_cuda_bare_launch;

pv_code pv_cuda_bare_open(pv_cuda_bare **out, pv_error *err);
void pv_cuda_bare_close(pv_cuda_bare *b);

/* PTX (NUL-terminated) or machine code. PV_ERR_UNSUPPORTED with what the driver's compiler said. */
pv_code pv_cuda_bare_load(pv_cuda_bare *b, const char *name, const void *image, CUmodule *out,
                          pv_error *err);
/* PV_ERR_INPUT: the module has no such kernel. */
pv_code pv_cuda_bare_find(pv_cuda_bare *b, CUmodule module, const char *kernel, CUfunction *out,
                          pv_error *err);
/* Size and offset of a parameter; *there false past the last. PV_ERR_UNSUPPORTED: a driver before
 * CUDA 12.4 does not tell. */
pv_code pv_cuda_bare_parameter(pv_cuda_bare *b, CUfunction f, size_t at, bool *there,
                               size_t *offset, size_t *bytes, pv_error *err);
/* Threads that a block may have, bytes of shared memory that the kernel declares. */
pv_code pv_cuda_bare_limits(pv_cuda_bare *b, CUfunction f, unsigned *threads, unsigned *shared,
                            pv_error *err);
unsigned pv_cuda_bare_processors(const pv_cuda_bare *b);
unsigned pv_cuda_bare_shared(const pv_cuda_bare *b); /* most that a block can have */

pv_code pv_cuda_bare_alloc(pv_cuda_bare *b, uint64_t bytes, uint64_t *out, pv_error *err);
void pv_cuda_bare_free(pv_cuda_bare *b, uint64_t at);
pv_code pv_cuda_bare_upload(pv_cuda_bare *b, uint64_t to, const void *from, uint64_t bytes,
                            pv_error *err);
pv_code pv_cuda_bare_download(pv_cuda_bare *b, void *to, uint64_t from, uint64_t bytes,
                              pv_error *err);

/* Runs to the end, at most `seconds`. PV_OK, PV_ERR_INPUT for a launch that the driver refuses, or
 * PV_ERR_DEVICE: `*cause` is then the driver's code, CUDA_ERROR_NOT_READY when it did not end. */
pv_code pv_cuda_bare_launch_wait(pv_cuda_bare *b, const pv_cuda_bare_launch *l, double seconds,
                                 CUresult *cause, pv_error *err);

#endif
