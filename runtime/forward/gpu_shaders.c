#include "runtime/forward/gpu_shaders.h"

#include <string.h>

#include "kernels/cuda/append.h"
#include "kernels/cuda/attend.h"
#include "kernels/cuda/bias.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/embed.h"
#include "kernels/cuda/gemv.h"
#include "kernels/cuda/heads.h"
#include "kernels/cuda/round.h"

enum { LANES = 256 };

/* Those of blocks.glsl. */
static const char *of_type(uint32_t type, pv_gpu_groups *out) {
  switch (type) {
    case PV_TYPE_F32:
    case PV_TYPE_F16:
    case PV_TYPE_BF16:
    case PV_TYPE_Q4_0:
    case PV_TYPE_Q4_1:
    case PV_TYPE_Q5_0:
    case PV_TYPE_Q5_1:
    case PV_TYPE_Q8_0:
    case PV_TYPE_Q2_K:
    case PV_TYPE_Q3_K:
    case PV_TYPE_Q4_K:
    case PV_TYPE_Q5_K:
    case PV_TYPE_Q6_K:
    case PV_TYPE_IQ4_NL:
    case PV_TYPE_IQ4_XS:
    case PV_TYPE_TQ2_0:
    case PV_TYPE_MXFP4:
      out->variant = type;
      return NULL;
    default:
      return "tensors of this type";
  }
}
_Static_assert((int)PV_TYPE_MXFP4 < (int)PV_GPU_VARIANTS, "there is a variant for each type");

static const char wide_heads[] = "heads of more than 256 elements";

static const char *by_row(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = l->grid[0];
  out->rows = 1;
  return NULL;
}

static const char *embed(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_embed *a = l->args;
  out->x = pv_cuda_parts(a->k, LANES);
  out->rows = l->grid[0];
  return of_type(a->rows.type, out);
}

/* Those of mm.comp: a group has so many rows at once. */
enum { MOST_ROWS = 8 };

static uint32_t rows_together(const pv_cuda_gemv *a) {
  const uint32_t most = PV_K_MAX / PV_SEGMENT / (uint32_t)pv_cuda_parts(a->acts.k, PV_SEGMENT);
  return !pv_cuda_quantised(a->job[0].rows.type) ? 1 : most < MOST_ROWS ? most : MOST_ROWS;
}

static const char *mm(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_gemv *a = l->args;
  const uint32_t count = a->job[0].rows.count;
  const uint64_t groups = pv_cuda_parts(count, rows_together(a));
  out->x = groups < PV_GPU_GROUPS_MAX ? groups : PV_GPU_GROUPS_MAX;
  out->rows = l->grid[1];
  return a->jobs != 1 || a->norm.x != 0 ? "several products, or a norm before one"
                                        : of_type(a->job[0].rows.type, out);
}

static const char *heads(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_heads *a = l->args;
  out->x = (uint64_t)a->heads + a->kv_heads;
  out->rows = l->grid[1];
  return a->dim <= LANES ? NULL : wide_heads;
}

static const char *attend(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_attend *a = l->args;
  out->x = (uint64_t)a->chunks * a->heads;
  out->rows = l->grid[2];
  return a->dim <= LANES ? NULL : wide_heads;
}

static const char *attend_combine(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_attend *a = l->args;
  out->x = pv_cuda_parts((uint64_t)a->heads * a->dim, LANES);
  out->rows = l->grid[1];
  return NULL;
}

static const char *activation(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_gate_up *)l->args)->gate.count, LANES);
  out->rows = l->grid[1];
  return NULL;
}

/* The numbers of swiglu.comp. */
static const char *geglu(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->variant = 1;
  return activation(l, out);
}

static const char *swiglu_clamped(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->variant = 2;
  return activation(l, out);
}

static const char *gate(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_gate *)l->args)->n, LANES);
  out->rows = l->grid[1];
  return NULL;
}

static const char *append(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_append *)l->args)->n, LANES);
  out->rows = l->grid[1];
  return NULL;
}

static const char *bias(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_bias *a = l->args;
  uint32_t most = 0;
  for (uint32_t j = 0; j < a->jobs; j++)
    if (a->job[j].n > most) most = a->job[j].n;
  out->x = pv_cuda_parts(most, LANES);
  out->rows = l->grid[1];
  return NULL;
}

static const char *round_rows(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_round *)l->args)->acts.segments, LANES / PV_SEGMENT);
  out->rows = l->grid[1];
  return NULL;
}

static const char *combine(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_down *)l->args)->rows.count, LANES);
  out->rows = l->grid[1];
  return NULL;
}

static const char *add(const pv_gpu_launch *l, pv_gpu_groups *out) {
  out->x = pv_cuda_parts(((const pv_cuda_add *)l->args)->n, LANES);
  out->rows = 1;
  return NULL;
}

static const pv_gpu_shader table[] = {
    {"embed", "embed", embed},
    {"rmsnorm", "rmsnorm", by_row},
    {"gemv", "mm", mm},
    {"heads", "heads", heads},
    {"attend_1", "attend", attend},
    {"attend_combine", "attend_combine", attend_combine},
    {"route", "route", by_row},
    {"swiglu", "swiglu", activation},
    {"geglu", "swiglu", geglu},
    {"swiglu_clamped", "swiglu", swiglu_clamped},
    {"gate", "gate", gate},
    {"bias", "bias", bias},
    {"append", "append", append},
    {"round_rows", "round_rows", round_rows},
    {"combine", "combine", combine},
    {"add", "add", add},
    {"argmax", "argmax", by_row},
};
enum { COUNT = sizeof table / sizeof *table };
_Static_assert((int)COUNT <= (int)PV_GPU_SHADERS_MAX, "a device has room for a pipeline of each");

const pv_gpu_shader *pv_gpu_shaders(size_t *count) {
  *count = COUNT;
  return table;
}

int pv_gpu_shader_find(const char *kernel) {
  for (int i = 0; i < COUNT; i++)
    if (strcmp(table[i].kernel, kernel) == 0) return i;
  return -1;
}
