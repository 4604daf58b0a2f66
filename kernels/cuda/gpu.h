/* A device that runs the kernels of this folder: memory, launches, recorded sequences of launches.
 * The CUDA driver is one; an interpreter of the same PTX can be another.
 *
 * Work is queued in order; errors of queued work show up at the next call that waits (download,
 * finish). After PV_ERR_DEVICE the device can only be closed. */
#ifndef PV_CUDA_GPU_H
#define PV_CUDA_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct pv_gpu_info {
  char name[128];         /* "NVIDIA H100 80GB HBM3" */
  char driver[64];        /* "CUDA 13.0" */
  char code[64];          /* what was loaded: "sm_90" or "PTX" */
  unsigned processors;    /* multiprocessors */
  unsigned lanes;         /* float32 products and sums of a processor in a cycle */
  double clock;           /* of a processor, in Hz, at most; 0: the device does not tell */
  unsigned shared;        /* bytes of shared memory that a block can have */
  uint64_t memory, free_; /* bytes, now */
  uint64_t instructions;  /* that warps have executed, where they are interpreted; else 0 */
  uint64_t loaded;     /* bytes of a model's weights that were copied here, 0 of a bare device; */
  double load_s;       /* the time that it took */
  uint64_t held;       /* bytes that a model's weights, cache and buffers take here */
  uint32_t first, end; /* layers of it that are computed here */
  /* The experts of each layer that are computed here; both 0: all of these layers. */
  uint32_t expert_first, expert_end;
  bool detour; /* what came from another device took its way through the host */
  /* Layers of a model, and their bytes, that do not stay: each batch brings them anew, which took
   * `send_s` of `sent` bytes so far. */
  uint32_t streamed_layers;
  uint64_t streamed, sent;
  double send_s;
} pv_gpu_info;

/* A device has a queue of what is computed and one of copies that run beside it. */
typedef enum pv_gpu_queue { PV_GPU_COMPUTING, PV_GPU_SENDING } pv_gpu_queue;
enum { PV_GPU_MARKS = 8 };

/* Rows of a batch from which on launches are crowded. */
enum { PV_GPU_CROWDED = 288 };

typedef struct pv_gpu_launch {
  unsigned kernel; /* from pv_gpu_ops.find */
  unsigned grid[3], block;
  unsigned shared;  /* bytes of dynamic shared memory */
  bool crowded;     /* as many blocks on a processor as fit, though less cache is left to them */
  bool apart;       /* begins when all before it has ended, and not while it ends */
  const void *args; /* the kernel's one parameter */
  size_t arg_bytes;
} pv_gpu_launch;

typedef struct pv_gpu pv_gpu;
typedef struct pv_gpu_ops {
  const char *name; /* "cuda" */
  /* Whether it has the launch's kernel for that argument, of those that do several operations at
   * once or that are for some sizes; it has those of single operations. NULL: it has all. */
  bool (*takes)(const pv_gpu_launch *launch);
  /* `number`: which of the devices of its kind. PV_ERR_UNSUPPORTED with the reason where there is
   * no such device: no kernels in this build, no driver, a driver or a device that is too old, no
   * device. */
  pv_code (*open)(unsigned number, pv_gpu **out, pv_error *err);
  void (*close)(pv_gpu *gpu); /* frees everything that was allocated */
  pv_code (*info)(pv_gpu *gpu, pv_gpu_info *out, pv_error *err);
  /* Memory filled with zeros, aligned to 256 bytes. PV_ERR_NOMEM when there is not enough. */
  pv_code (*alloc)(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err);
  pv_code (*upload)(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes, pv_error *err);
  pv_code (*download)(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes, pv_error *err);
  /* As upload, in the queue of what is sent. NULL, as the next two: there is no such queue, and
   * what is uploaded is in order with everything. */
  pv_code (*send)(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes, pv_error *err);
  /* Notes under a number below PV_GPU_MARKS how far a queue has come with what stands in it. */
  pv_code (*mark)(pv_gpu *gpu, pv_gpu_queue queue, unsigned number, pv_error *err);
  /* What is queued here from now on begins when the other queue has come to a mark; at once where
   * there was none. */
  pv_code (*await)(pv_gpu *gpu, pv_gpu_queue queue, unsigned number, pv_error *err);
  /* Bytes a second from pinned memory of the host to the device, measured now. NULL: nobody knows.
   */
  pv_code (*link)(pv_gpu *gpu, double *rate, pv_error *err);
  /* Copies from another device of the kind what it has when all that is queued there has ended;
   * what is queued on either device from now on waits for that. NULL: it goes through the host. */
  pv_code (*fetch)(pv_gpu *gpu, uint64_t to, pv_gpu *other, uint64_t from, uint64_t bytes,
                   pv_error *err);
  pv_code (*find)(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err);
  pv_code (*launch)(pv_gpu *gpu, const pv_gpu_launch *launch, pv_error *err);
  pv_code (*finish)(pv_gpu *gpu, pv_error *err);
  /* Between record and recorded, launches are noted down instead of run. The sequence belongs to
   * the device. */
  pv_code (*record)(pv_gpu *gpu, pv_error *err);
  pv_code (*recorded)(pv_gpu *gpu, unsigned *sequence, pv_error *err);
  pv_code (*replay)(pv_gpu *gpu, unsigned sequence, pv_error *err);
  /* The time at which all that was queued before has ended, under a number: 0, 1 and so on, each of
   * which may be stamped anew. NULL, as the next: there is no clock. */
  pv_code (*stamp)(pv_gpu *gpu, size_t number, pv_error *err);
  /* Seconds from one stamp to another, both of work that has ended. */
  pv_code (*between)(pv_gpu *gpu, size_t from, size_t to, double *seconds, pv_error *err);
} pv_gpu_ops;

struct pv_gpu { /* first member of every device's own state */
  const pv_gpu_ops *ops;
};

extern const pv_gpu_ops pv_gpu_cuda;

#endif
