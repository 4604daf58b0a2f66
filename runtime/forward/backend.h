/* What a backend is. The model's plan says which stage follows which, the forward (forward.c) which
 * of them are traced; a backend computes them, step by step. CPU, the float64 arbiter, CUDA, the
 * PTX interpreter and Vulkan are peers behind this header. */
#ifndef PV_FORWARD_BACKEND_H
#define PV_FORWARD_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/devices.h"
#include "base/error.h"
#include "kernels/cuda/gpu.h"
#include "runtime/model/model.h"

typedef enum pv_numerics {
  PV_NUMERICS_I16,
  PV_NUMERICS_F32_F64ACC,
  PV_NUMERICS_F64,
  PV_NUMERICS_I8
} pv_numerics;
#define PV_NUMERICS_COUNT 4
const char *pv_numerics_name(pv_numerics numerics);
int pv_numerics_find(const char *name); /* -1 when unknown */
/* The versioned string that states every choice: two sides with the same string compute the same
 * function. The documentation is docs/numerics.md. */
const char *pv_numerics_identity(pv_numerics numerics);

/* A batch of consecutive positions of one sequence. */
typedef struct pv_batch {
  const uint32_t *ids; /* count token ids below vocab */
  size_t count;        /* 1.. */
  size_t position;     /* of ids[0]; the cache holds exactly this many */
  size_t logits;       /* the last `logits` rows get FINAL_NORM, LOGITS and ARGMAX; 0..count */
} pv_batch;

typedef struct pv_backend_config {
  pv_numerics numerics;
  size_t context;   /* positions the cache can hold */
  size_t batch;     /* largest batch */
  unsigned threads; /* CPU only; 0: one per processor */
  const char *path; /* CPU only: "scalar", "avx2", "vnni"; NULL: the fastest */
} pv_backend_config;

/* What took part of a batch's time: a kernel, or a member of a kernel set. */
typedef struct pv_meter_part {
  const char *what; /* the kernel; NULL: the operations of the rows */
  /* Bit i: row i of the plan, whose results come from here. None: what a kernel set needs beside
   * the plan, or the rest of what an earlier part stands for. */
  uint64_t rows;
  uint32_t layer;                 /* 0 outside the layers */
  size_t position, count, logits; /* of the batch */
  double seconds;
} pv_meter_part;

/* Who is told how long parts take. */
typedef struct pv_meter {
  void (*part)(void *context, const pv_meter_part *part);
  /* From the begin of the first part to the end of the last, by a device's own clock. Not called by
   * a backend that has none: then the caller's is as good. */
  void (*whole)(void *context, double seconds);
  void *context;
} pv_meter;

typedef struct pv_backend pv_backend;
typedef struct pv_backend_ops {
  const char *name; /* "cpu" */
  pv_code (*open)(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                  pv_error *err);
  void (*close)(pv_backend *backend);
  pv_code (*begin)(pv_backend *backend, const pv_batch *batch, pv_error *err);
  pv_code (*run)(pv_backend *backend, const pv_step *step, pv_error *err);
  /* Copies rows of a stage's current contents: float32 (float64 for the arbiter) or int32. For
   * FINAL_NORM, LOGITS and ARGMAX row 0 is the first row with logits. */
  pv_code (*read)(pv_backend *backend, pv_stage_id stage, size_t row, size_t rows, void *out,
                  pv_error *err);
  /* Bytes of memory that the backend holds beyond the mapped file. */
  uint64_t (*memory)(const pv_backend *backend);
  /* The device that computes; NULL for the CPU. */
  pv_code (*device)(pv_backend *backend, pv_gpu_info *out, pv_error *err);
  /* Of several devices who computes on number `i` of them, NULL past the last: then `device` tells
   * of all together. NULL: there is one, or none. */
  pv_backend *(*part)(pv_backend *backend, size_t i);
  /* Tells `meter`, which must stay valid, of each part of what is run from now on; NULL ends that,
   * and until then not all may have been told. The same kernels run with the same arguments. NULL:
   * the time of this backend says nothing. */
  pv_code (*meter)(pv_backend *backend, const pv_meter *meter, pv_error *err);
  /* Of a witness alone, else NULL. `compute` makes all rows of the batch of one stage from the
   * stages that the backend holds; `write` replaces them, elements as `read` gives them (an expert
   * out of range is PV_ERR_INPUT). V and K_ROPE enter the cache in both. */
  pv_code (*compute)(pv_backend *backend, pv_stage_id stage, uint32_t layer, pv_error *err);
  pv_code (*write)(pv_backend *backend, pv_stage_id stage, uint32_t layer, const void *data,
                   pv_error *err);
} pv_backend_ops;

struct pv_backend { /* first member of every backend's own state */
  const pv_backend_ops *ops;
  const pv_model *model;
  pv_backend_config config;
  size_t real_bytes; /* 4, or 8 for the arbiter */
};

extern const pv_backend_ops pv_backend_cpu;
extern const pv_backend_ops pv_backend_f64;
extern const pv_backend_ops pv_backend_cuda;
extern const pv_backend_ops pv_backend_ptx; /* the same kernels, interpreted */
/* Shaders in their place: a device of any make, that of number 0, that of number 1. */
extern const pv_backend_ops pv_backend_vulkan, pv_backend_vulkan0, pv_backend_vulkan1;

/* Layers of a model over several devices of one kind, in their order and by bytes; of one device,
 * on that. `ops` is what such a device by itself answers to. PV_ERR_INPUT: more devices than
 * layers, or what pv_experts_open says where experts are asked for. */
pv_code pv_split_open(const pv_gpu_ops *device, const pv_backend_ops *ops,
                      const pv_devices *devices, const pv_model *model,
                      const pv_backend_config *config, pv_backend **out, pv_error *err);
/* The experts of each layer over the devices, in their order; all else on the first one.
 * PV_ERR_INPUT: the model has none, or fewer than there are devices. */
pv_code pv_experts_open(const pv_gpu_ops *device, const pv_backend_ops *ops,
                        const pv_devices *devices, const pv_model *model,
                        const pv_backend_config *config, pv_backend **out, pv_error *err);

#endif
