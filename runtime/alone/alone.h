/* One kernel alone: over cases that are made for its argument, against the definition of the
 * operation that it stands for, or against the clock. No model is needed. */
#ifndef PV_ALONE_ALONE_H
#define PV_ALONE_ALONE_H

#include "kernels/cuda/kernels.h"

/* What the elements of a case are like. */
typedef enum pv_alone_data {
  PV_DATA_ORDINARY, /* -2 .. 2 */
  PV_DATA_OUTLIERS, /* a few are fifty times as large */
  PV_DATA_INTEGERS, /* -3 .. 3: sums are exact */
  PV_DATA_TINY,     /* subnormal, and segments that are rounded to nothing */
  PV_DATA_TIES,     /* few values, zeros of both signs */
  PV_DATA_ODD,      /* some are infinite or no number */
  PV_DATA_COUNT
} pv_alone_data;
const char *pv_alone_data_name(pv_alone_data data);

/* Sizes of a case: k is the length of a row (experts of a router, dim of a head), rows what a row
 * of the batch is multiplied with (heads, ranks), batch how many rows there are. */
typedef struct pv_alone_case {
  uint32_t k, rows, batch;
  pv_type type; /* of weights, where there are any */
  pv_alone_data data;
  bool is_i8;
} pv_alone_case;

/* The cases of a kernel, by number; false past the last. What `wish` has that is not 0 replaces the
 * size of the case. None when nobody makes cases for
 * the argument. */
bool pv_alone_case_at(const pv_kernel *kernel, size_t index, const pv_alone_case *wish,
                      pv_alone_case *out);
/* Whether cases differ in their type of weights. */
bool pv_alone_typed(const pv_kernel *kernel);
/* The case that is timed: of a size that fills a device. */
pv_alone_case pv_alone_bench_case(const pv_kernel *kernel, const pv_alone_case *wish);

typedef struct pv_alone_result {
  uint64_t compared, different; /* elements of all outputs; a NaN is like any other */
  char first[256];              /* the first that differs, with both values */
  char fault[768];              /* what the device stopped at, else "" */
  uint64_t bytes;               /* of all buffers: what is read and written once at least */
} pv_alone_result;

/* Runs `kernel` on `gpu` over one case. With `repeats`, as many more times against the clock;
 * `seconds` has room for them and nothing is compared. After a fault the device can only be closed.
 * PV_ERR_LIMIT, with the limit, when the kernel does not take the case. */
pv_code pv_alone_run(pv_gpu *gpu, const pv_kernel *kernel, const pv_alone_case *c, size_t repeats,
                     double *seconds, pv_alone_result *out, pv_error *err);

#endif
