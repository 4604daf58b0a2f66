#include "runtime/alone/trial.h"

#include <math.h>
#include <string.h>

#include "base/ck.h"
#include "base/random.h"
#include "kernels/arith/arith.h"
#include "runtime/alone/rows.h"

enum { TAIL = 256, POISON = 0xa5 }; /* kernels read whole words around a row of weights */

void *pv_trial_room(pv_trial *t, size_t count, size_t size) {
  void *p = t->code == PV_OK ? pv_arena_alloc(&t->arena, count > 0 ? count : 1, size) : NULL;
  if (p == NULL && t->code == PV_OK)
    t->code = pv_error_set(t->err, PV_ERR_NOMEM, "out of memory for a case");
  return p;
}

float pv_alone_real(pv_alone_data data, size_t i, size_t count, uint64_t *state) {
  static const float ties[] = {-0.0f, 0.0f, 0.5f, -0.5f, 1.5f, 1.0f};
  static const float tiny[] = {0x1p-149f, -0x1p-140f, 0x1p-127f, 0.0f, 0x1p-101f, -0x1p-100f};
  static const float odd[] = {NAN, INFINITY, -INFINITY};
  static const float edges[] = {0.0f,    -0.0f,   1e-38f, -1e-38f, 1e-45f, 88.7f, -88.7f,
                                -103.9f, -104.5f, 1e5f,   -1e5f,   3e38f,  NAN};
  enum { EDGES = sizeof edges / sizeof *edges };
  const uint64_t r = pv_random_next(state);
  const float plain = (float)(4.0 * pv_random_unit(state) - 2.0);
  switch (data) {
    case PV_DATA_OUTLIERS:
      return r % 97 == 0 ? 50.0f * plain : plain;
    case PV_DATA_INTEGERS:
      return (float)((int)(r % 7) - 3);
    case PV_DATA_TINY: /* every other run of 64 is ordinary but small */
      return i / 64 % 2 == 0 ? tiny[r % 6] : plain * 0x1p-90f;
    case PV_DATA_TIES:
      return ties[r % 6];
    case PV_DATA_ODD:
      return r % 101 == 0 ? odd[r / 101 % 3] : plain;
    case PV_DATA_EQUAL:
      return 0.5f;
    case PV_DATA_PAIRS:
      return (float)(i / 2 % 64) + (float)(i % 2) * 0x1p-20f;
    case PV_DATA_SWEEP:
      return i < EDGES ? edges[i] : -110.0f + 210.0f * (float)i / (float)count;
    default:
      return plain;
  }
}

/* Element i of `count`. */
static float real(pv_trial *t, size_t i, size_t count) {
  return t->c.data == PV_DATA_EXACT
             ? pv_rows_exact_act(t->c.type, t->max, t->c.k, i % t->c.k, &t->seed)
             : pv_alone_real(t->c.data, i, count, &t->seed);
}

float *pv_trial_reals(pv_trial *t, size_t count) {
  float *x = PV_TRIAL_NEW(t, count, float);
  for (size_t i = 0; x != NULL && i < count; i++) x[i] = real(t, i, count);
  return x;
}

uint64_t pv_trial_input(pv_trial *t, const void *bytes, size_t count) {
  uint64_t at = 0;
  t->bytes += count;
  if (t->gpu == NULL) return at;
  if (t->code == PV_OK) t->code = t->gpu->ops->alloc(t->gpu, count, &at, t->err);
  if (t->code == PV_OK) t->code = t->gpu->ops->upload(t->gpu, at, bytes, count, t->err);
  return at;
}

uint64_t pv_trial_changed(pv_trial *t, const char *name, bool real_, const void *before,
                          const void *want, size_t words) {
  const uint64_t at = pv_trial_input(t, before, words * sizeof(uint32_t));
  if (t->code == PV_OK && t->output_count == PV_TRIAL_OUTPUTS)
    t->code = pv_error_set(t->err, PV_ERR_INTERNAL, "a case has too many outputs");
  if (t->code == PV_OK)
    t->output[t->output_count++] =
        (pv_alone_output){.name = name, .at = at, .want = want, .words = words, .real = real_};
  return at;
}

void pv_trial_given(pv_trial *t, const void *first, const void *second) {
  if (t->code != PV_OK) return;
  t->output[t->output_count - 1].in[0] = first;
  t->output[t->output_count - 1].in[1] = second;
}

uint64_t pv_trial_output_at(pv_trial *t, const char *name, bool real_, const void *want,
                            size_t words) {
  uint32_t *poison = PV_TRIAL_NEW(t, words, uint32_t);
  if (poison != NULL) memset(poison, POISON, words * sizeof *poison);
  return pv_trial_changed(t, name, real_, poison, want, words);
}

uint64_t pv_trial_between(pv_trial *t, size_t words) {
  uint64_t at = 0;
  if (t->code == PV_OK && t->gpu != NULL)
    t->code = t->gpu->ops->alloc(t->gpu, words * sizeof(uint32_t), &at, t->err);
  return at;
}

pv_cuda_rows pv_trial_rows(pv_trial *t, pv_type type, uint32_t k, uint32_t rows, uint32_t experts,
                           const unsigned char **host) {
  const pv_type_info *info = pv_type_get(type);
  const size_t row_bytes = (size_t)k / info->block_elements * info->block_bytes;
  const size_t all = (size_t)rows * experts;
  unsigned char *bytes = PV_TRIAL_NEW(t, all * row_bytes + TAIL, unsigned char);
  for (size_t r = 0; bytes != NULL && r < all; r++)
    if (t->c.data == PV_DATA_EXACT)
      pv_rows_exact(type, k, &t->seed, bytes + r * row_bytes);
    else if (t->c.data == PV_DATA_SCALES)
      pv_rows_odd_scales(type, k, &t->seed, bytes + r * row_bytes);
    else
      pv_rows_random(type, k, &t->seed, bytes + r * row_bytes);
  *host = bytes;
  return (pv_cuda_rows){pv_trial_input(t, bytes, all * row_bytes + TAIL), row_bytes,
                        row_bytes * rows, (uint32_t)type, rows};
}

/* Rounded rows as the device keeps them (pv_cuda_acts); the definition's products round by
 * themselves, so by the scalar kernel in its place. */
static void round_rows(pv_trial *t, pv_grain grain, const float *x, uint32_t k, uint32_t rows,
                       uint8_t *bytes, float *d, int32_t *sum) {
  const pv_cpu_path *by = t->ops->round != NULL ? t->ops : &pv_cpu_scalar;
  const size_t segments = pv_cuda_parts(k, PV_SEGMENT), padded = pv_act_padded(k);
  const pv_planes p = {PV_TRIAL_NEW(t, padded, int16_t), PV_TRIAL_NEW(t, padded / 32, float),
                       PV_TRIAL_NEW(t, padded / 32, int32_t),
                       PV_TRIAL_NEW(t, padded / 16, int32_t)};
  for (size_t r = 0; t->code == PV_OK && r < rows; r++) {
    by->round(t->product, grain, x + r * k, k, &p);
    for (size_t s = 0; s < segments; s++) {
      const size_t at = r * segments + s;
      d[at] = p.d[pv_segment_slot(s)];
      sum[at] = p.sum[pv_segment_slot(s)];
      for (size_t i = 0; i < PV_SEGMENT; i++) {
        const int value = p.q[pv_act_slot(s * PV_SEGMENT + i)], high = (value + 128) >> 8;
        uint8_t *place = bytes + at * PV_CUDA_ACT_BYTES + i / 8 * 16 + i % 8;
        place[0] = (uint8_t)high;
        place[8] = (uint8_t)(value - 256 * high);
      }
    }
  }
}

static pv_cuda_acts acts_of(pv_trial *t, pv_grain grain, const float *x, uint32_t k, uint32_t rows,
                            uint32_t share, bool are_outputs) {
  const size_t count = pv_cuda_parts(k, PV_SEGMENT) * rows;
  uint8_t *q = PV_TRIAL_NEW(t, count * PV_CUDA_ACT_BYTES, uint8_t);
  float *d = PV_TRIAL_NEW(t, count, float);
  int32_t *sum = PV_TRIAL_NEW(t, count, int32_t);
  pv_cuda_acts a = {.k = k, .stride = k, .segments = (uint32_t)(count / rows), .share = share};
  round_rows(t, grain, x, k, rows, q, d, sum);
  if (are_outputs) {
    a.q = pv_trial_output_at(t, "acts.q", false, q, count * PV_CUDA_ACT_BYTES / 4);
    a.d = pv_trial_output_at(t, "acts.d", true, d, count);
    a.sum = pv_trial_output_at(t, "acts.sum", false, sum, count);
  } else {
    a.x = pv_trial_input(t, x, (size_t)rows * k * sizeof *x);
    a.q = pv_trial_input(t, q, count * PV_CUDA_ACT_BYTES);
    a.d = pv_trial_input(t, d, count * sizeof *d);
    a.sum = pv_trial_input(t, sum, count * sizeof *sum);
  }
  return a;
}

pv_cuda_acts pv_trial_acts(pv_trial *t, const float *x, uint32_t k, uint32_t rows, uint32_t share) {
  return acts_of(t, pv_grain_of(t->c.type), x, k, rows, share, false);
}

pv_cuda_acts pv_trial_rounded(pv_trial *t, pv_grain grain, const float *x, uint32_t k,
                              uint32_t rows) {
  return acts_of(t, grain, x, k, rows, 1, true);
}

void pv_trial_multiply(pv_trial *t, const pv_cuda_rows *rows, const unsigned char *host,
                       const float *x, uint32_t share, const int32_t *experts, uint32_t count,
                       float *out) {
  const pv_type_info *info = pv_type_get(rows->type);
  const size_t k = rows->row_bytes / info->block_bytes * info->block_elements;
  t->operations += (uint64_t)2 * pv_alone_planes(t->product) * k * rows->count * count;
  for (size_t i = 0; t->code == PV_OK && !t->unasked && i < count; i++) {
    pv_rows_act act;
    t->code = pv_rows_act_make(t->ops, t->product, x + i / share * k, k, &act, t->err);
    if (t->code != PV_OK) return;
    float *to = out + i * rows->count;
    const pv_mm mm = {info->type,
                      t->product,
                      host + (experts != NULL ? (size_t)experts[i] * rows->expert_bytes : 0),
                      rows->row_bytes,
                      rows->count,
                      k,
                      &act.act,
                      &to,
                      0,
                      1};
    t->ops->mm(&mm);
    pv_rows_act_free(&act);
  }
}

bool pv_trial_takes(pv_trial *t, size_t rows, const void *sizes) {
  pv_gpu_launch l;
  if (t->code == PV_OK) t->code = pv_kernel_launch(t->kernel, 0, sizes, rows, &l, t->err);
  return t->code == PV_OK;
}

void pv_trial_launch_add(pv_trial *t, const pv_kernel *kernel, size_t rows, const void *args) {
  if (t->code != PV_OK) return;
  if (t->launch_count == PV_TRIAL_LAUNCHES || kernel->arg_bytes > PV_TRIAL_ARGS) {
    t->code = pv_error_set(t->err, PV_ERR_INTERNAL, "a case has too many launches");
    return;
  }
  pv_trial_launch *l = &t->launch[t->launch_count++];
  l->kernel = kernel;
  l->rows = rows;
  memcpy(l->args, args, kernel->arg_bytes);
  if (t->gpu != NULL) t->code = t->gpu->ops->find(t->gpu, kernel->name, &l->number, t->err);
}
