/* Large copies between a device and memory that the driver has not pinned: in pieces through a ring
 * of pinned buffers, which several threads fill or empty while the copies before run. The driver by
 * itself does this with one thread. */
#ifndef PV_CUDA_STAGING_H
#define PV_CUDA_STAGING_H

#include <stdbool.h>

#include "base/pool.h"
#include "kernels/cuda/device.h"

enum {
  PV_STAGING_BUFFERS = 8,
  PV_STAGING_BYTES = 4 << 20, /* of a buffer */
  PV_STAGING_LEAST = 1 << 20, /* copies below go to the driver as they are */
  PV_SENDING_BYTES = 16 << 20 /* of a buffer where layer after layer is sent */
};

/* Begins as {0}, or with `piece` alone. What it needs is taken with the first large copy. */
typedef struct pv_cuda_staging {
  size_t piece; /* bytes of a buffer; 0: PV_STAGING_BYTES */
  pv_pool *pool;
  void *buffer[PV_STAGING_BUFFERS]; /* pinned */
  CUevent copied[PV_STAGING_BUFFERS];
  unsigned next;
  /* Of what is sent: so many bytes of the next buffer are filled, for `to` and what is behind. */
  size_t filled;
  CUdeviceptr to;
  bool refused; /* there is no pinned memory here: all copies go to the driver as they are */
} pv_cuda_staging;

/* As copy_in of the driver from pageable memory: `from` is free when it returns, the copy stands in
 * the device's stream. Of a failure nothing is left under way. */
CUresult pv_cuda_stage_in(pv_cuda_staging *s, const pv_cuda_device *d, CUdeviceptr to,
                          const void *from, size_t bytes);
/* As copy_out and a wait: the bytes are in `to` when it returns. */
CUresult pv_cuda_stage_out(pv_cuda_staging *s, const pv_cuda_device *d, void *to, CUdeviceptr from,
                           size_t bytes);
/* As pv_cuda_stage_in, in the stream of what is sent, and of any size: what lies on the device one
 * behind the other goes together. It may be handed over later, or with the flush. */
CUresult pv_cuda_stage_send(pv_cuda_staging *s, const pv_cuda_device *d, CUdeviceptr to,
                            const void *from, size_t bytes);
CUresult pv_cuda_stage_flush(pv_cuda_staging *s, const pv_cuda_device *d);
/* How fast one large pinned buffer goes to the device again and again, in bytes a second. */
CUresult pv_cuda_link(const pv_cuda_device *d, double *rate);
/* No copy may be under way. */
void pv_cuda_staging_close(pv_cuda_staging *s, const pv_cuda_device *d);

#endif
