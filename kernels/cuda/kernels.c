#include "kernels/cuda/kernels.h"

#include <string.h>

/* A function for each row: its grid and its limit. */
#undef PV_KERNEL_AS
#define PV_KERNEL_AS PV_KERNEL_SHAPE
#define PV_KERNEL_SHAPE(header, name, argument, x, y, z, threads, bytes, operation, limit, ...) \
  static bool name##_shape(const void *args, size_t rows, pv_gpu_launch *out) {                 \
    const argument *a = args;                                                                   \
    (void)a;                                                                                    \
    (void)rows;                                                                                 \
    if (!(limit)) return false;                                                                 \
    out->grid[0] = (unsigned)(x);                                                               \
    out->grid[1] = (unsigned)(y);                                                               \
    out->grid[2] = (unsigned)(z);                                                               \
    out->block = threads;                                                                       \
    out->shared = (unsigned)(bytes);                                                            \
    return true;                                                                                \
  }
#include "kernels/cuda/list.h"

#undef PV_KERNEL_AS
#define PV_KERNEL_AS PV_KERNEL_ROW
#define PV_KERNEL_ROW(header, name, argument, x, y, z, threads, bytes, operation, limit, ...) \
  {#name,        header, operation, #argument, sizeof(argument),                              \
   {#x, #y, #z}, #bytes, #limit,    threads,   {__VA_ARGS__, {0, NULL}},                      \
   name##_shape},
static const pv_kernel table[PV_GPU_KERNEL_COUNT] = {
#include "kernels/cuda/list.h"
};

const char *pv_kernel_header(const pv_kernel *kernel) {
  const char *slash = strrchr(kernel->path, '/');
  return slash != NULL ? slash + 1 : kernel->path;
}

const pv_kernel *pv_kernel_get(pv_gpu_kernel kernel) {
  return &table[kernel];
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...) \
  case PV_TYPE_##NAME:               \
    return PV_GPU_##name##_gemv_f64acc;
pv_gpu_kernel pv_kernel_f64acc(uint32_t type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return PV_GPU_KERNEL_COUNT;
}

const pv_kernel *pv_kernel_find(const char *name) {
  for (size_t i = 0; i < PV_GPU_KERNEL_COUNT; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

pv_code pv_kernel_launch(const pv_kernel *kernel, unsigned number, const void *args, size_t rows,
                         pv_gpu_launch *out, pv_error *err) {
  pv_gpu_launch l = {.kernel = number, .args = args, .arg_bytes = kernel->arg_bytes};
  if (!kernel->shape(args, rows, &l)) {
    pv_error_set(err, PV_ERR_LIMIT, "the kernel %s does not take this case", kernel->name);
    pv_error_hint(err, "its limit: %s", kernel->limit);
    return PV_ERR_LIMIT;
  }
  if (l.grid[1] > PV_CUDA_GRID_MAX || l.grid[2] > PV_CUDA_GRID_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "the kernel %s does not take %zu rows in one launch",
                        kernel->name, rows);
  *out = l;
  return PV_OK;
}

pv_code pv_kernel_outputs(const char *kernel, const void *args, size_t arg_bytes,
                          uint64_t out[PV_KERNEL_WRITES_MAX], size_t *count, pv_error *err) {
  const pv_kernel *k = pv_kernel_find(kernel);
  *count = 0;
  if (k == NULL) {
    pv_error_set(err, PV_ERR_UNSUPPORTED, "nobody says what the kernel '%.60s' may write", kernel);
    pv_error_hint(err, "add its header to kernels/cuda/list.h");
    return PV_ERR_UNSUPPORTED;
  }
  for (const pv_kernel_write *w = k->writes; w->name != NULL; w++) {
    uint64_t address = 0;
    if (w->at + sizeof address > arg_bytes)
      return pv_error_set(err, PV_ERR_INTERNAL, "the argument of '%.60s' is too short", kernel);
    memcpy(&address, (const char *)args + w->at, sizeof address);
    if (address != 0) out[(*count)++] = address;
  }
  return PV_OK;
}
