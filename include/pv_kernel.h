/* A kernel of the CPU that pv judges: a shared object with one function and one constant.
 *
 *   #include <pv_kernel.h>
 *   const pv_kernel_info pv_kernel_about = {PV_KERNEL_ABI, "q4_k_gemv", "float32", NULL};
 *   int pv_kernel_run(const pv_kernel_call *call) { ... return 0; }
 *
 *   cc -shared -fPIC -O3 mine.c -o libmine.so $(pkg-config --cflags pv-kernel)
 *   pv kernel check ./libmine.so
 *
 * `pv kernel operations` lists the operations, their tensors and sizes. docs/cpu-kernels.md tells
 * what is looked at. */
#ifndef PV_KERNEL_H
#define PV_KERNEL_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PV_KERNEL_ABI 1u

/* What the shared object says of itself. */
typedef struct pv_kernel_info {
  uint32_t abi;          /* PV_KERNEL_ABI */
  const char *operation; /* that it stands for: "q4_k_gemv" */
  const char *numerics;  /* how it computes: "float32", "float16-factors", "i16", ... */
  const char *formats;   /* of tensors that are not float: "x=q8_1 y=f16"; NULL: all are float */
} pv_kernel_info;

/* Rows of elements. Row r begins at data + r * stride; nothing is aligned to more than an element
 * (of a block: than its largest part). What is no output must not be written, and nothing outside
 * the rows may be touched. */
typedef struct pv_kernel_tensor {
  const char *name; /* "weights", "x", "y" */
  const char
      *type; /* "f32", "f16", "bf16", "i32"; blocks as in GGUF files: "q4_k", "q8_0", "q8_1" */
  uint64_t rows, row; /* how many, and elements of one */
  uint64_t stride;    /* bytes from one row to the next, at least those of a row */
  void *data;
} pv_kernel_tensor;

/* A size of the operation or a number of its own: "k", "rows", "eps". */
typedef struct pv_kernel_number {
  const char *name;
  double value;
} pv_kernel_number;

typedef struct pv_kernel_call {
  uint32_t abi;
  uint32_t tensor_count, number_count;
  const pv_kernel_tensor *tensors;
  const pv_kernel_number *numbers;
} pv_kernel_call;

enum { PV_KERNEL_DONE = 0, PV_KERNEL_NOT_TAKEN = 1 /* a case that it is not made for */ };

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
extern const pv_kernel_info pv_kernel_about;
/* PV_KERNEL_DONE, PV_KERNEL_NOT_TAKEN, or anything else for a failure. */
int pv_kernel_run(const pv_kernel_call *call);
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

/* The tensor of that name, or NULL. */
static inline const pv_kernel_tensor *pv_kernel_tensor_of(const pv_kernel_call *call,
                                                          const char *name) {
  for (uint32_t i = 0; i < call->tensor_count; i++)
    if (strcmp(call->tensors[i].name, name) == 0) return &call->tensors[i];
  return NULL;
}

/* The number of that name, or 0. */
static inline double pv_kernel_number_of(const pv_kernel_call *call, const char *name) {
  for (uint32_t i = 0; i < call->number_count; i++)
    if (strcmp(call->numbers[i].name, name) == 0) return call->numbers[i].value;
  return 0.0;
}

static inline void *pv_kernel_row(const pv_kernel_tensor *tensor, uint64_t row) {
  return (unsigned char *)tensor->data + row * tensor->stride;
}

#ifdef __cplusplus
}
#endif

#endif
