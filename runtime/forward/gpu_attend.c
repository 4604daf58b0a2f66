/* Launches of attention: heads, the cache, chunks of positions and their sum. */
#include "kernels/arith/arith.h"
#include "runtime/forward/gpu_state.h"

enum {
  STEP_BLOCKS_PER_PROCESSOR = 2, /* of attend_step, by its shared memory */
  STEP_EIGHT_FROM = 30           /* chunks of single heads on a processor */
};

static const pv_stage_row *row_of(const pv_gpu_backend *b, size_t row) {
  return &b->base.model->plan->rows[row];
}

static uint64_t cache_layer(const pv_gpu_backend *b, uint64_t cache, uint32_t layer) {
  const uint64_t kv = pv_dim_size(PV_DIM_KV, &b->base.model->shape);
  return cache + (uint64_t)(layer - b->first) * b->base.config.context * kv * sizeof(float);
}

static uint64_t gains(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  return row_of(b, row)->weight != NULL ? pv_gpu_weight(b, row, layer).data : 0;
}

/* What does not depend on which heads they are. `row` says how pairs lie. */
static pv_cuda_heads turn_of(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const pv_gpu_angles *angles = &b->angles[pv_shape_rope(s, layer) == &s->rope ? 0 : 1];
  return (pv_cuda_heads){
      .cos = angles->cos,
      .sin = angles->sin,
      .step = b->step,
      .dim = s->head_dim,
      .eps = s->eps,
      .neighbours = pv_plan_is(b->base.model->plan, row, PV_ROW_NEIGHBOURS) ? 1 : 0};
}

static pv_cuda_heads heads_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const uint8_t *turned = row_of(b, (size_t)b->cover.attend)->in;
  pv_cuda_heads h = turn_of(b, turned[0], layer);
  h.q = pv_gpu_input(b, turned[0], 0, layer);
  h.k = pv_gpu_input(b, turned[1], 0, layer);
  h.v = b->stage[turned[2]];
  h.q_weight = gains(b, turned[0], layer);
  h.k_weight = gains(b, turned[1], layer);
  h.q_out = b->stage[turned[0]];
  h.k_out = b->stage[turned[1]];
  h.keys = cache_layer(b, b->keys, layer);
  h.values = cache_layer(b, b->values, layer);
  h.heads = s->heads;
  h.kv_heads = s->kv_heads;
  return h;
}

/* Chunks that a row of the batch sees at most. */
static uint32_t chunks_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t most = pv_cuda_parts(s->window, PV_ATTENTION_CHUNK);
  return pv_shape_slides(s, layer) && most < b->chunks ? (uint32_t)most : b->chunks;
}

static pv_cuda_attend attend_of(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  const size_t row = (size_t)b->cover.attend;
  const uint8_t *in = row_of(b, row)->in;
  return (pv_cuda_attend){.q = b->stage[in[0]],
                          .keys = cache_layer(b, b->keys, layer),
                          .values = cache_layer(b, b->values, layer),
                          .step = b->step,
                          .top = b->top,
                          .sum = b->sum,
                          .value = b->value,
                          .out = b->stage[row],
                          .sinks = gains(b, row, layer),
                          .acts = pv_gpu_acts_made(b, row, layer),
                          .heads = s->heads,
                          .kv_heads = s->kv_heads,
                          .dim = s->head_dim,
                          .chunks = chunks_of(b, layer),
                          .scale = s->score_scale > 0.0f
                                       ? s->score_scale
                                       : pv_div_f32(1.0f, pv_sqrt_f32((float)s->head_dim)),
                          .max = b->max,
                          .window = pv_shape_slides(s, layer) ? s->window : 0};
}

/* Query heads that one block takes together: more of them read the cache less often, fewer of them
 * keep more processors busy, of which `blocks` blocks are enough. */
static unsigned attend_group(const pv_gpu_backend *b, uint32_t chunks, size_t rows, size_t blocks) {
  const pv_shape *s = &b->base.model->shape;
  const uint32_t share = s->heads / s->kv_heads;
  const size_t work = (size_t)s->heads * chunks * rows;
  if (!pv_gpu_fuses(b)) return 1;
  if (share % 8 == 0 && work >= 8 * blocks) return 8;
  if (share % 4 == 0 && work >= 4 * blocks) return 4;
  return 1;
}

/* The same for one decoded position, whose blocks have a chunk or more of their own: one head where
 * a block puts all chunks together, and eight where each block has many chunks. */
static unsigned step_group(const pv_gpu_backend *b, uint32_t chunks) {
  const pv_shape *s = &b->base.model->shape;
  const uint32_t share = s->heads / s->kv_heads;
  if (!pv_gpu_fuses(b) || share % 4 != 0 || chunks <= PV_STEP_WHOLE(1)) return 1;
  const size_t most = (size_t)STEP_EIGHT_FROM * b->info.processors;
  return share % 8 == 0 && (size_t)s->heads * chunks >= most ? 8 : 4;
}

/* A decoded position has its heads and its attention in one launch. */
static bool takes_step(const pv_gpu_backend *b, uint32_t layer) {
  const pv_shape *s = &b->base.model->shape;
  if (b->batch.count != 1 || !b->cover.turns_together || s->head_dim % 8 != 0 ||
      pv_step_shared(s->head_dim, 8, 1) > b->info.shared)
    return false;
  const pv_cuda_attend_step a = {heads_of(b, layer), attend_of(b, layer), 0, 1};
  return pv_gpu_takes(b, PV_GPU_attend_step_1, &a, 1);
}

/* Then blocks of attention may round what they computed: no segment has parts of two heads. */
static bool even_heads(const pv_gpu_backend *b, uint32_t layer) {
  return takes_step(b, layer) && b->base.model->shape.head_dim % PV_SEGMENT == 0;
}

/* Blocks that share the chunks of a group of heads: as many as are there at once. Each asks for its
 * next chunk while it works on one. */
static uint32_t step_blocks(const pv_gpu_backend *b, uint32_t chunks, unsigned group) {
  const uint32_t groups = b->base.model->shape.heads / group;
  const uint32_t most = STEP_BLOCKS_PER_PROCESSOR * b->info.processors / groups;
  return most == 0 ? 1 : most < chunks ? most : chunks;
}

/* Whether a decoded position has its attention in one launch, of `group` heads a block. */
static bool step_whole(const pv_gpu_backend *b, uint32_t layer, const pv_cuda_attend *a,
                       unsigned group) {
  return even_heads(b, layer) && pv_step_whole(a, group) &&
         pv_step_shared(a->dim, group, a->chunks) <= b->info.shared;
}

/* What the kernels of a decoded position are to round: nothing, where what takes it does. */
static pv_cuda_acts step_acts(const pv_gpu_backend *b, uint32_t layer) {
  const size_t row = (size_t)b->cover.attend;
  if (pv_gpu_fuses(b) && pv_gpu_meets_whole_alone(b, row, layer)) return (pv_cuda_acts){0};
  return pv_gpu_acts(b, row, 1);
}

void pv_gpu_heads(pv_gpu_backend *b, uint32_t layer) {
  const pv_cuda_heads h = heads_of(b, layer);
  if (!takes_step(b, layer)) {
    pv_gpu_start(b, PV_GPU_heads, b->batch.count, &h);
    return;
  }
  pv_cuda_attend_step a = {h, attend_of(b, layer), 0, 0};
  a.attend.acts = step_acts(b, layer);
  const unsigned group = step_group(b, a.attend.chunks);
  a.whole = step_whole(b, layer, &a.attend, group);
  a.blocks = a.whole != 0 ? 1 : step_blocks(b, a.attend.chunks, group);
  const bool usual = pv_gpu_takes(b, PV_GPU_attend_step_1_128, &a, 1);
  pv_gpu_start(b,
               group == 8   ? usual ? PV_GPU_attend_step_8_128 : PV_GPU_attend_step_8
               : group == 4 ? usual ? PV_GPU_attend_step_4_128 : PV_GPU_attend_step_4
               : usual      ? PV_GPU_attend_step_1_128
                            : PV_GPU_attend_step_1,
               1, &a);
}

/* A batch of this many rows shares what it reads of the cache, where all see it from its start. */
enum { TILE_ROWS = 8 };

static bool takes_rows(const pv_gpu_backend *b, const pv_cuda_attend *a, size_t room) {
  const uint32_t tile = pv_attend_tile(a->heads, a->kv_heads);
  const bool whole = a->window == 0 || b->batch.position + b->batch.count <= a->window;
  return pv_gpu_fuses(b) && b->batch.count >= TILE_ROWS && whole && tile > 0 && room >= tile &&
         a->dim % PV_NARROW_LANES == 0 && pv_attend_rows_shared(a->dim) <= b->info.shared;
}

void pv_gpu_attend(pv_gpu_backend *b, uint32_t layer) {
  const size_t n = b->batch.count, row = (size_t)b->cover.attend;
  pv_cuda_attend a = attend_of(b, layer);
  size_t room = b->attend_floats / ((size_t)a.heads * a.chunks);
  const bool together = takes_rows(b, &a, room);
  if (together) {
    room -= room % pv_attend_tile(a.heads, a.kv_heads);
    a.window = 0; /* no row has passed it */
  }
  b->whole[row] = false;
  if (even_heads(b, layer)) {
    const unsigned group = step_group(b, a.chunks);
    a.acts = step_acts(b, layer);
    if (!step_whole(b, layer, &a, group)) pv_gpu_start(b, PV_GPU_attend_step_combine, 1, &a);
    return;
  }
  a.whole = pv_gpu_fuses(b) && pv_gpu_meets_whole(b, row, layer); /* no shader does */
  const bool rounds = pv_attend_rounds(&a);
  if (!rounds) a.acts.q = 0;
  for (size_t first = 0; first < n; first += room) {
    const size_t rows = n - first < room ? n - first : room;
    const unsigned group = attend_group(b, a.chunks, rows, 4 * (size_t)b->info.processors);
    a.first = (uint32_t)first;
    if (!takes_step(b, layer))
      pv_gpu_start(b,
                   together     ? PV_GPU_attend_rows
                   : group == 8 ? PV_GPU_attend_8
                   : group == 4 ? PV_GPU_attend_4
                                : PV_GPU_attend_1,
                   rows, &a);
    pv_gpu_start(b, PV_GPU_attend_combine, rows, &a);
  }
  b->whole[row] = rounds ? a.whole : !a.whole;
  pv_gpu_round_as(b, row, a.whole);
}

void pv_gpu_turn(pv_gpu_backend *b, size_t row, uint32_t layer) {
  pv_cuda_heads h = turn_of(b, row, layer);
  h.q = pv_gpu_input(b, row, 0, layer);
  h.q_weight = gains(b, row, layer);
  h.q_out = b->stage[row];
  h.heads = (uint32_t)(pv_plan_width(b->base.model->plan, row, &b->base.model->shape) / h.dim);
  pv_gpu_start(
      b, PV_GPU_heads,
      pv_plan_is(b->base.model->plan, row, PV_ROW_LAST_ROWS) ? b->batch.logits : b->batch.count,
      &h);
}

void pv_gpu_append(pv_gpu_backend *b, size_t row, uint32_t layer) {
  const bool is_key = b->cover.attend >= 0 && row == row_of(b, (size_t)b->cover.attend)->in[1];
  const pv_cuda_append a = {b->stage[row], cache_layer(b, is_key ? b->keys : b->values, layer),
                            b->step, (uint32_t)pv_dim_size(PV_DIM_KV, &b->base.model->shape)};
  pv_gpu_start(b, PV_GPU_append, b->batch.count, &a);
}
