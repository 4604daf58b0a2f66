/* Device memory of the GPU backend: room for weights, stages, cache, scratch. */
#include <stdlib.h>

#include "base/ck.h"
#include "kernels/arith/rope.h"
#include "runtime/forward/gpu_state.h"
#include "runtime/forward/room.h"

enum {
  ALIGNMENT = 256,
  ATTEND_BYTES = 512 << 20 /* wanted for the parts of attention: fewer launches end together */
};

/* One plan, walked twice: first to add up what is needed, then to allocate. */
typedef struct plan {
  pv_gpu_backend *b;
  bool allocate;
  uint64_t bytes;
  pv_code code;
  pv_error *err;
} plan;

static void take(plan *p, uint64_t *out, uint64_t count, uint64_t size) {
  uint64_t bytes = 0, padded = 0;
  if (p->code != PV_OK || count == 0) return;
  if (!pv_ck_mul(count, size, &bytes) || !pv_ck_add(bytes, ALIGNMENT, &padded) ||
      !pv_ck_add(p->bytes, padded, &p->bytes)) {
    p->code = pv_error_set(p->err, PV_ERR_LIMIT, "the sizes of the device's buffers overflow");
    return;
  }
  if (p->allocate) p->code = p->b->gpu->ops->alloc(p->b->gpu, padded, out, p->err);
}

/* What a row of the plan is rounded to for the products that take it. */
static void take_acts(plan *p, size_t row) {
  const pv_model *m = p->b->base.model;
  const size_t k = pv_plan_part(m->plan, row, &m->shape), segments = pv_cuda_parts(k, PV_SEGMENT);
  const bool by_expert = pv_plan_is(m->plan, row, PV_ROW_BY_EXPERT);
  const uint64_t rows = (uint64_t)p->b->base.config.batch * (by_expert ? m->shape.used : 1);
  pv_cuda_acts *a = &p->b->acts[row];
  if (!p->b->cover.feeds[row] || p->b->max == 0.0f || !pv_gpu_has(p->b, row)) return;
  take(p, &a->q, rows, segments * PV_CUDA_ACT_BYTES);
  take(p, &a->d, rows, segments * sizeof(float));
  take(p, &a->sum, rows, segments * sizeof(int32_t));
}

/* Tables of RoPE: sliding layers may have their own. */
static size_t tables(const pv_shape *s) {
  return s->window > 0 && s->rope_sliding.base > 0.0 ? 2 : 1;
}

/* Rows that come from another device: as many as there are, each as long as the longest. */
static void take_guests(plan *p) {
  const pv_gpu_backend *b = p->b;
  const pv_model *m = b->base.model;
  const uint64_t rows = b->base.config.batch;
  size_t most = 0;
  for (size_t i = 0; i < m->plan->count && b->rows != PV_GPU_ALL_ROWS; i++) {
    const size_t part = pv_plan_part(m->plan, i, &m->shape);
    if (pv_gpu_has(b, i) && !pv_gpu_makes(b, i, b->first) && part > most) most = part;
  }
  take(p, &p->b->guests, b->rows == PV_GPU_HOME_ROWS ? rows * m->shape.used : rows / b->fan,
       most * sizeof(float));
}

/* What attention and the ends of a forward need: where there are rows of experts alone, nothing. */
static void take_home(plan *p) {
  pv_gpu_backend *b = p->b;
  const pv_shape *s = &b->base.model->shape;
  const uint64_t rows = b->base.config.batch, context = b->base.config.context;
  const uint64_t cache = context * (b->end - b->first);
  const size_t kv = pv_dim_size(PV_DIM_KV, s);
  take(p, &b->keys, cache, kv * sizeof(float));
  take(p, &b->values, cache, kv * sizeof(float));
  for (size_t i = 0; i < tables(s); i++) {
    take(p, &b->angles[i].cos, context, s->head_dim / 2 * sizeof(float));
    take(p, &b->angles[i].sin, context, s->head_dim / 2 * sizeof(float));
  }
  /* Parts of attention: room for one row at least, for more while that is cheap. */
  const uint64_t chunks = (context + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK;
  const uint64_t one = 2 * chunks * s->heads; /* chunks are rounded up to a power of two */
  const uint64_t many = ATTEND_BYTES / sizeof(float) / s->head_dim;
  b->attend_floats = one > many ? one : one * rows < many ? one * rows : many;
  take(p, &b->top, b->attend_floats, sizeof(float));
  take(p, &b->sum, b->attend_floats, sizeof(float));
  take(p, &b->value, b->attend_floats, s->head_dim * sizeof(float));
  take(p, &b->parts, rows * PV_GPU_ARGMAX_PARTS, sizeof(int32_t));
}

static void take_all(plan *p) {
  pv_gpu_backend *b = p->b;
  const pv_shape *s = &b->base.model->shape;
  const uint64_t rows = b->base.config.batch, slots = rows * s->used;
  const pv_plan *stages = b->base.model->plan;
  take(p, &b->weights, pv_gpu_weights_stay(b), 1);
  for (size_t i = 0; i < PV_GPU_PLACES; i++)
    take(p, &b->stream.place[i].at, b->stream.first < b->end ? pv_gpu_weights_place(b) : 0, 1);
  for (size_t i = 0; i < stages->count; i++) {
    if (pv_gpu_has(b, i)) take(p, &b->stage[i], rows, pv_plan_width(stages, i, s) * sizeof(float));
    take_acts(p, i);
  }
  if (b->rows != PV_GPU_EXPERT_ROWS) take_home(p);
  take_guests(p);
  take(p, &b->step, 1, sizeof(pv_cuda_step));
  take(p, &b->ids, rows, sizeof(uint32_t));
  take(p, &b->order, slots, sizeof(uint32_t));
  take(p, &b->tiles, pv_group_tiles(slots, s->experts), sizeof(pv_cuda_tile));
  take(p, &b->tile_count, 1, sizeof(uint32_t));
}

static pv_code upload_rope(pv_gpu_backend *b, const pv_rope *rope, const pv_gpu_angles *to,
                           pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  const size_t half = s->head_dim / 2, context = b->base.config.context;
  float *cos = calloc(context, half * sizeof *cos), *sin = calloc(context, half * sizeof *sin);
  pv_code code = PV_OK;
  if (cos == NULL || sin == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the RoPE tables");
  for (size_t p = 0; p < context && code == PV_OK; p++)
    pv_rope_row(rope, s->head_dim, p, cos + p * half, sin + p * half);
  const uint64_t bytes = (uint64_t)context * half * sizeof *cos;
  if (code == PV_OK) code = b->gpu->ops->upload(b->gpu, to->cos, cos, bytes, err);
  if (code == PV_OK) code = b->gpu->ops->upload(b->gpu, to->sin, sin, bytes, err);
  if (code == PV_OK) code = b->gpu->ops->finish(b->gpu, err);
  free(cos);
  free(sin);
  return code;
}

/* What no launch could do is said before anything is copied. */
static pv_code check_limits(const pv_gpu_backend *b, pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  const pv_plan *stages = b->base.model->plan;
  /* Rows are one dimension of a grid, or slots, of which there are more. */
  const size_t batch = b->base.config.batch, most = PV_CUDA_GRID_MAX / (s->used > 0 ? s->used : 1);
  if (batch > most) {
    pv_error_set(err, PV_ERR_LIMIT, "a batch of %zu positions is too large for a GPU: at most %zu",
                 batch, most);
    pv_error_hint(err, "ask for smaller batches: the bits are the same");
    return PV_ERR_LIMIT;
  }
  if (b->max == 0.0f) return PV_OK; /* f32-f64acc keeps no activations in shared memory */
  for (size_t i = 0; i < stages->count; i++) {
    const pv_stage_row *in = &stages->rows[stages->rows[i].in[0]];
    if (stages->rows[i].op != PV_OP_MATMUL) continue;
    const size_t k = pv_dim_size(in->width, s), needed = pv_cuda_act_shared(k) + PV_GEMV_DECLARED;
    if (needed > b->info.shared)
      return pv_error_set(err, PV_ERR_LIMIT,
                          "the model is too wide for this device: a product takes %zu elements of "
                          "%s, for which a block needs %zu bytes of shared memory and can have %u",
                          k, in->name, needed, b->info.shared);
  }
  return PV_OK;
}

/* Bytes of all buffers, with the weights that stay. */
static uint64_t sum_all(pv_gpu_backend *b, pv_code *code, pv_error *err) {
  plan p = {b, false, 0, PV_OK, err};
  take_all(&p);
  *code = p.code;
  return p.bytes;
}

static uint64_t limit_of(const pv_gpu_backend *b, uint64_t there) {
  const uint64_t limit = b->base.model->memory;
  return limit > 0 && limit < there ? limit : there;
}

bool pv_gpu_has(const pv_gpu_backend *b, size_t row) {
  const pv_plan *stages = b->base.model->plan;
  bool taken = b->rows == PV_GPU_ALL_ROWS || pv_gpu_makes(b, row, b->first);
  for (size_t i = row + 1; i < stages->count && !taken; i++)
    for (size_t k = 0; k < 3 && !taken; k++)
      taken = stages->rows[i].in[k] == row && row > 0 && pv_gpu_makes(b, i, b->first);
  return taken;
}

pv_code pv_gpu_memory_least(pv_gpu_backend *b, uint64_t *out, pv_error *err) {
  pv_code code = PV_OK;
  b->stream.first = b->first;
  *out = sum_all(b, &code, err);
  return code;
}

/* Which layers stay, where not all of them can. A share of what is free is left to the driver:
 * nobody can tell how much it takes for itself. */
static pv_code choose_layers(pv_gpu_backend *b, pv_error *err) {
  enum { DRIVER_SHARE = 16 };
  const uint32_t count = b->end - b->first;
  uint32_t stay = 0;
  uint64_t most = 0, least = 0, *bytes = calloc(count, sizeof *bytes);
  if (bytes == NULL) return pv_error_nomem(err, "the sizes of layers");
  for (uint32_t i = 0; i < count; i++) {
    bytes[i] = pv_gpu_weights_layer(b, b->first + i);
    if (bytes[i] > most) most = bytes[i];
  }
  pv_code code = pv_gpu_memory_least(b, &least, err);
  const pv_room room = {limit_of(b, b->info.free_ - b->info.free_ / DRIVER_SHARE),
                        least - PV_GPU_PLACES * most + b->reserved, "device memory",
                        "allow more with --memory, free the device's memory, or ask for less "
                        "context and smaller batches"};
  if (code == PV_OK) code = pv_room_layers(&room, bytes, count, &stay, err);
  b->stream.first = b->first + stay;
  free(bytes);
  return code;
}

pv_code pv_gpu_memory_open(pv_gpu_backend *b, pv_error *err) {
  const pv_shape *s = &b->base.model->shape;
  pv_code code = check_limits(b, err);
  b->stream.first = b->end;
  if (code == PV_OK) b->bytes = sum_all(b, &code, err);
  if (code == PV_OK && b->bytes + b->reserved > limit_of(b, b->info.free_)) {
    code = choose_layers(b, err);
    if (code == PV_OK) b->bytes = sum_all(b, &code, err);
  }
  if (code != PV_OK) return code;
  plan p = {b, true, 0, PV_OK, err};
  take_all(&p);
  if (p.code == PV_OK) p.code = pv_gpu_weights_open(b, err);
  for (size_t i = 0; b->angles[0].cos != 0 && i < tables(s) && p.code == PV_OK; i++)
    p.code = upload_rope(b, i == 0 ? &s->rope : &s->rope_sliding, &b->angles[i], err);
  return p.code;
}
