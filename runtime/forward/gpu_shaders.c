#include "runtime/forward/gpu_shaders.h"

#include <string.h>

#include "kernels/cuda/append.h"
#include "kernels/cuda/attend_step.h"
#include "kernels/cuda/bias.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/embed.h"
#include "kernels/cuda/gemv.h"
#include "kernels/cuda/heads.h"
#include "kernels/cuda/round.h"

enum { LANES = 256 };

/* The numbers of blocks.glsl: a tensor's type, eights of segments of a row where there are no more
 * than 128 and no others (else 0), and what each group makes of the activations for itself. */
enum { TYPES = 40, SIZES = 17, SIZE_MOST = 16, NORMED = TYPES * SIZES, ROUNDED = 2 * NORMED };

static uint32_t eights_of(uint32_t k) {
  const uint32_t eights = k / (8 * PV_SEGMENT);
  return k % (8 * PV_SEGMENT) == 0 && eights <= SIZE_MOST ? eights : 0;
}

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
_Static_assert((int)PV_TYPE_MXFP4 < (int)TYPES, "there is a variant for each type");

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

/* Those of products.glsl: threads that have a row of n segments. */
static uint32_t width_of(uint32_t n) {
  uint32_t width = 1;
  while (width < 32 && 2 * width < n) width *= 2;
  return width;
}

/* Those of mm.comp: rows of a group before their values are added up. */
static uint32_t rows_together(const pv_cuda_gemv *a) {
  const uint32_t n = a->acts.k / PV_SEGMENT, eights = eights_of(a->acts.k);
  if (!pv_cuda_quantised(a->job[0].rows.type)) return 1;
  const uint32_t sets = LANES / width_of(n), most = 2048 / n;
  if (eights == 0) return sets < most ? sets : most;
  const bool fewer = eights == 1 || a->job[0].rows.type == PV_TYPE_Q5_K;
  if (a->norm.x != 0) return sets * (eights > 8 ? 2 : fewer ? 4 : 5);
  return sets * (eights > 8 && a->norm.whole != 0 ? 1 : 2);
}

/* What each group makes for itself pays for one row of activations, and where there are not many
 * groups: rows of weights, at most. */
enum { OWN_ROWS = 16384, OWN_PLAIN = 256 };

/* Of a norm, or of the rounding of a row that nobody has rounded: as the weights are. */
static bool makes_own(const pv_gpu_launch *l) {
  const pv_cuda_gemv *a = l->args;
  const uint32_t type = a->job[0].rows.type;
  const bool quantised = pv_cuda_quantised(type);
  return l->grid[1] == 1 && a->job[0].rows.count <= (quantised ? OWN_ROWS : OWN_PLAIN) &&
         (!quantised || (eights_of(a->acts.k) > 0 && pv_cuda_whole(type) == (a->norm.whole != 0)));
}

static const char *mm(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_gemv *a = l->args;
  const bool quantised = pv_cuda_quantised(a->job[0].rows.type), normed = a->norm.x != 0;
  const bool own = normed || (quantised && a->norm.whole != 0);
  uint64_t groups = 0;
  const uint32_t rows = rows_together(a);
  for (uint32_t j = 0; j < a->jobs; j++) {
    groups += pv_cuda_parts(a->job[j].rows.count, rows);
    if (j > 0 && (!quantised || a->job[j].rows.type != a->job[0].rows.type))
      return "products of several types";
  }
  if (a->jobs > 1 && groups > PV_GPU_GROUPS_MAX) return "products of so many rows";
  if (own && !makes_own(l)) return "such activations of a product";
  const char *beyond = of_type(a->job[0].rows.type, out);
  out->variant += TYPES * eights_of(a->acts.k) + (normed ? NORMED : own ? ROUNDED : 0);
  out->x = groups < PV_GPU_GROUPS_MAX ? groups : PV_GPU_GROUPS_MAX;
  if (normed && !quantised && a->norm.out != 0) out->x++; /* it keeps the norm */
  out->rows = l->grid[1];
  return beyond;
}

/* Those of mm_f64acc.comp: a group has so many rows at once. */
enum { ROWS_F64ACC = 8 };

static const char *mm_f64acc(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_gemv *a = l->args;
  const uint64_t groups = pv_cuda_parts(a->job[0].rows.count, ROWS_F64ACC);
  out->x = groups < PV_GPU_GROUPS_MAX ? groups : PV_GPU_GROUPS_MAX;
  out->rows = l->grid[1];
  return of_type(a->job[0].rows.type, out);
}

/* Those of gate_up.comp and down.comp. */
enum {
  GATE_UP_EXPERTS = 256,
  DOWN_VALUES = 6144,
  DOWN_RANKS = 64,
  DOWN_BLOCKS = 48,    /* of all ranks; */
  DOWN_ROUNDED = 24,   /* those that a group may round for itself, */
  DOWN_ROUNDED_Q5 = 16 /* of Q5_K, of which a block is one sum more */
};

static const char *gate_up(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_gate_up *a = l->args;
  const uint32_t eights = eights_of(a->in.k);
  if (l->grid[1] != a->route.used || a->gate.type != a->up.type || eights == 0 ||
      !pv_cuda_quantised(a->gate.type) || a->route.experts > GATE_UP_EXPERTS)
    return "such experts";
  const char *beyond = of_type(a->gate.type, out);
  out->variant += TYPES * eights;
  out->x = pv_cuda_parts(a->gate.count, PV_SEGMENT) + 1;
  out->rows = l->grid[1];
  return beyond;
}

/* Whether a group has room for the values, or the blocks, of its rows of all ranks. */
static bool down_fits(const pv_cuda_down *a) {
  const uint32_t n = a->in.k / PV_SEGMENT, blocks = a->used * n / 8;
  if (!pv_cuda_whole(a->rows.type))
    return a->max == 0.0f && a->used * PV_DOWN_ROWS * (n + 1) <= DOWN_VALUES;
  const uint32_t most = a->rows.type == PV_TYPE_Q5_K ? DOWN_ROUNDED_Q5 : DOWN_ROUNDED;
  if (a->max != 0.0f) return blocks <= most && a->in.stride == a->in.k;
  return blocks <= DOWN_BLOCKS;
}

static const char *down(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_down *a = l->args;
  const uint32_t eights = eights_of(a->in.k);
  if (l->grid[1] > 1 || eights == 0 || !pv_cuda_quantised(a->rows.type) ||
      a->used > LANES / width_of(8 * eights) || a->used > DOWN_RANKS || !down_fits(a))
    return "such experts";
  const char *beyond = of_type(a->rows.type, out);
  out->variant += TYPES * eights + (a->max != 0.0f ? ROUNDED : 0);
  out->x = a->rows.count / PV_DOWN_ROWS;
  out->rows = l->grid[1];
  return beyond;
}

/* The numbers of attend_step.comp: eights of a head, and whether there are sinks. It counts the
 * groups of each head that have ended. */
enum { SINKS = 64 };

static const char *attend_step(const pv_gpu_launch *l, pv_gpu_groups *out) {
  const pv_cuda_attend *a = &((const pv_cuda_attend_step *)l->args)->attend;
  out->x = (uint64_t)a->chunks * a->heads;
  out->rows = 1;
  out->variant = a->dim / 8 + (a->sinks != 0 ? SINKS : 0);
  if (a->heads > PV_GPU_COUNTERS) return "so many heads";
  return a->dim <= LANES ? NULL : wide_heads;
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

/* attend_step.comp has done it, where heads have whole segments; there is no other one. */
static const char *combine_step(const pv_gpu_launch *l, pv_gpu_groups *out) {
  (void)l;
  out->x = 0;
  out->rows = 1;
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
    {"attend_step_1", "attend_step", attend_step},
    {"attend_combine", "attend_combine", attend_combine},
    {"attend_step_combine", "attend_combine", combine_step},
    {"gate_up", "gate_up", gate_up},
    {"down", "down", down},
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
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_TYPE_ROW(NAME, name)
#define PV_TYPE_ROW(NAME, name, ...)     {#name "_gemv_f64acc", "mm_f64acc", mm_f64acc},
#include "kernels/quant/list.h"
};
enum { COUNT = sizeof table / sizeof *table };

const pv_gpu_shader *pv_gpu_shaders(size_t *count) {
  *count = COUNT;
  return table;
}

int pv_gpu_shader_find(const char *kernel) {
  for (int i = 0; i < COUNT; i++)
    if (strcmp(table[i].kernel, kernel) == 0) return i;
  return -1;
}
