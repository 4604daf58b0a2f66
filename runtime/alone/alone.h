/* One kernel alone, on any kernel set: over cases that are made for its argument, against the
 * definition of the operation that it stands for, against a judge, or against the clock. No model
 * is needed. */
#ifndef PV_ALONE_ALONE_H
#define PV_ALONE_ALONE_H

#include "kernels/cpu/cpu.h"
#include "kernels/cuda/kernels.h"

/* Who computes: kernels of the CPU, or a device. */
typedef struct pv_alone_set {
  const char *name;        /* "avx2", "ptx" */
  const pv_cpu_path *host; /* NULL: `device` */
  const pv_gpu_ops *device;
  const char *file, *text; /* ptx: kernels of this text in place of those of their names, or NULL */
  size_t length;
  pv_gpu *gpu; /* opened by the first run, and anew after every few: that frees their buffers */
  size_t runs;
} pv_alone_set;

/* The set of a kind of side: cpu, scalar, avx2, vnni, definition, cuda, ptx. PV_ERR_UNSUPPORTED for
 * a code path that this machine lacks; PV_ERR_INPUT for another word. Whether a device is there
 * shows when something runs. */
pv_code pv_alone_set_find(const char *name, pv_alone_set *out, pv_error *err);
void pv_alone_set_close(pv_alone_set *set);

/* What the elements of a case are like. */
typedef enum pv_alone_data {
  PV_DATA_ORDINARY,              /* -2 .. 2 */
  PV_DATA_OUTLIERS,              /* a few are fifty times as large */
  PV_DATA_INTEGERS,              /* -3 .. 3: sums are exact */
  PV_DATA_TINY,                  /* subnormal, and segments that are rounded to nothing */
  PV_DATA_TIES,                  /* few values, zeros of both signs */
  PV_DATA_ODD,                   /* some are infinite or no number */
  PV_DATA_COUNT,                 /* the others are for the operations that they are about */
  PV_DATA_EXACT = PV_DATA_COUNT, /* products with the weights of the case are exact */
  PV_DATA_EQUAL,                 /* all alike */
  PV_DATA_PAIRS,                 /* two each that are close */
  PV_DATA_SCALES,                /* ordinary, with weights whose scales are of every kind */
  PV_DATA_SWEEP                  /* from -110 to 100, behind the edges of exp */
} pv_alone_data;
const char *pv_alone_data_name(pv_alone_data data);
/* Element i of `count`; `state` is that of pv_random_next. Of PV_DATA_EXACT it is an ordinary one:
 * what is exact depends on the weights (rows.h). */
float pv_alone_real(pv_alone_data data, size_t i, size_t count, uint64_t *state);

/* Sizes of a case: k is the length of a row (experts of a router, dim of a head), rows what a row
 * of the batch is multiplied with (heads, ranks), batch how many rows there are. */
typedef struct pv_alone_case {
  uint32_t k, rows, batch;
  pv_type type; /* of weights, where there are any */
  pv_alone_data data;
  bool is_i8;
} pv_alone_case;

/* "k 256, rows 9, batch 1, Q4_K, ordinary, i16" */
void pv_alone_case_text(const pv_kernel *kernel, const pv_alone_case *c, char out[128]);

/* The cases of a kernel, by number; false past the last. What `wish` has that is not 0 replaces the
 * size of the case. None when nobody makes cases for the argument. */
bool pv_alone_case_at(const pv_kernel *kernel, size_t index, const pv_alone_case *wish,
                      pv_alone_case *out);
/* The kernel that multiplies with one row at a time. */
const pv_kernel *pv_alone_gemv(pv_type type, pv_product product);
/* Whether the operation of a kernel is one that kernels of the CPU have. */
bool pv_alone_on_host(const pv_kernel *kernel);
/* Products of 8 bits that one with an activation is made of on a device. */
unsigned pv_alone_planes(pv_product product);
/* Whether cases differ in their type of weights. */
bool pv_alone_typed(const pv_kernel *kernel);
/* The kernel of peak.h that multiplies as `kernel` does with weights of `type`, or NULL: it
 * multiplies nothing, or as no such kernel does. */
const pv_kernel *pv_alone_ceiling(const pv_kernel *kernel, pv_type type);
/* The case that is timed: of a size that fills a device; of the wished type where the kernel takes
 * it, else of one that it takes. */
pv_alone_case pv_alone_bench_case(const pv_kernel *kernel, const pv_alone_case *wish);

/* An output of a case, and what the operation behind it was given, where that is told: a product
 * rows of weights and of activations, a table its rows and uint32_t ids, SwiGLU gates and ups, a
 * router its logits. */
typedef struct pv_alone_output {
  const char *name;
  const void *in[2];
  const uint32_t *got, *want; /* `want` by the definition */
  uint64_t at;                /* in device memory */
  size_t words;
  bool real; /* NaN equals NaN */
} pv_alone_output;

/* Judges each output of a case, in place of the definition: `want` is not asked for. */
typedef struct pv_alone_judge {
  void (*see)(void *context, const pv_alone_case *c, const pv_alone_output *output);
  void *context;
} pv_alone_judge;

typedef struct pv_alone_result {
  uint64_t compared, different; /* elements of all outputs; a NaN is like any other */
  char first[256];              /* the first that differs, with both values */
  char fault[768];              /* what the device stopped at, else "" */
  uint64_t bytes;               /* of all buffers: what is read and written once at least */
  uint64_t operations;          /* products with weights and their sums, as the device makes them */
} pv_alone_result;

/* Runs `kernel`, or on a set of the CPU the operations that it stands for, over one case. `judge`
 * NULL: against the definition. After a fault the set can only be closed. PV_ERR_LIMIT, with the
 * limit, when the kernel does not take the case; PV_ERR_UNSUPPORTED without the device. */
pv_code pv_alone_run(pv_alone_set *set, const pv_kernel *kernel, const pv_alone_case *c,
                     const pv_alone_judge *judge, pv_alone_result *out, pv_error *err);
/* The same once, and then `repeats` more times against the clock of a device; nothing is compared.
 */
pv_code pv_alone_time(pv_alone_set *set, const pv_kernel *kernel, const pv_alone_case *c,
                      size_t repeats, double *seconds, pv_alone_result *out, pv_error *err);

#endif
