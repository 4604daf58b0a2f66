/* Which shader of kernels/vulkan stands for a kernel of kernels/cuda, and over which groups. */
#ifndef PV_FORWARD_GPU_SHADERS_H
#define PV_FORWARD_GPU_SHADERS_H

#include "kernels/cuda/gpu.h"

enum {
  PV_GPU_GROUPS_MAX = 65535, /* in each dimension, on any device */
  PV_GPU_COUNTERS = 1024     /* that a shader may count in: zeros, before a launch and after it */
};

typedef struct pv_gpu_groups {
  uint64_t x, rows; /* rows of the batch, where x does not count them; x 0: nothing is left to do */
  uint32_t variant; /* of the shader: the constant that it is compiled with */
} pv_gpu_groups;

typedef struct pv_gpu_shader {
  const char *kernel, *shader;
  /* NULL, or what the shader does not take. */
  const char *(*shape)(const pv_gpu_launch *launch, pv_gpu_groups *out);
} pv_gpu_shader;

const pv_gpu_shader *pv_gpu_shaders(size_t *count);
/* Its row in the table, or -1. */
int pv_gpu_shader_find(const char *kernel);

#endif
