/* Products of a step: which kernels make them of which rows, in what they are rounded to. */
#include "kernels/arith/arith.h"
#include "runtime/forward/gpu_state.h"

enum { BLOCKS_PER_PROCESSOR = 2 };

static const pv_stage_row *row_of(const pv_gpu_backend *b, size_t row) {
  return &b->base.model->plan->rows[row];
}

static bool takes_gemm(const pv_gpu_backend *b, const pv_cuda_rows *rows, uint32_t k,
                       size_t batch) {
  const size_t shared = pv_cuda_whole(rows->type) ? pv_gemm_256_shared(k) : pv_gemm_shared(k);
  return pv_gpu_fuses(b) && batch >= PV_GPU_GEMM_ROWS && pv_cuda_quantised(rows->type) &&
         shared <= b->info.shared;
}

/* The same for weights of plain types, of one matrix for all rows. */
enum { WIDE_ROWS = 16 };

static bool takes_wide(const pv_gpu_backend *b, const pv_cuda_gemv *a, uint32_t job, size_t batch) {
  return pv_gpu_fuses(b) && batch >= WIDE_ROWS && a->experts == 0 &&
         pv_wide_fits(a->job[job].rows.type, a->acts.k);
}

bool pv_gpu_takes_gemv(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t batch) {
  for (uint32_t j = 0; j < a->jobs; j++)
    if (takes_gemm(b, &a->job[j].rows, a->acts.k, batch) || takes_wide(b, a, j, batch))
      return false;
  return b->max != 0.0f &&
         pv_cuda_act_shared(a->acts.k) + a->acts.k * sizeof(float) <= PV_GPU_SHARED_MAX;
}

/* `slots` rows of output; by expert when `a->experts` is there. */
static void gemm(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t slots) {
  pv_cuda_gemm g = {.acts = a->acts, .jobs = a->jobs, .count = (uint32_t)slots};
  size_t tiles = pv_cuda_parts(slots, PV_CUDA_TILE);
  for (uint32_t j = 0; j < a->jobs; j++) g.job[j] = a->job[j];
  if (a->experts != 0) {
    g.slots = b->order;
    g.tiles = b->tiles;
    g.tile_count = b->tile_count;
    const size_t most = pv_group_tiles(slots, b->base.model->shape.experts);
    tiles = most < slots ? most : slots;
  }
  static const pv_gpu_kernel all[] = {PV_GPU_gemm_256, PV_GPU_gemm_256_any, PV_GPU_gemm};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) { /* each with the jobs that it takes */
    pv_cuda_gemm one = g;
    one.jobs = 0;
    for (uint32_t j = 0; j < g.jobs; j++) {
      one.job[one.jobs++] = g.job[j];
      if (!pv_gpu_takes(b, all[i], &one, tiles)) one.jobs--;
    }
    if (one.jobs > 0) pv_gpu_start(b, all[i], tiles, &one);
  }
}

/* Divides the rows of all jobs among blocks that are all there at once. Beside other types a warp
 * gets a third as many rows of Q6_K: they take three times as long to unpack, and all would wait
 * for the few blocks that have them. */
static void divide_rows(pv_cuda_gemv *a, size_t wave) {
  size_t all = 0;
  for (uint32_t j = 0; j < a->jobs; j++) all += a->job[j].rows.count;
  for (size_t rows = pv_cuda_parts(all, PV_CUDA_WARPS * wave);; rows++) {
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_job *job = &a->job[j];
      const bool slow = a->jobs > 1 && job->rows.type == PV_TYPE_Q6_K;
      job->rows_per_block = (uint32_t)(PV_CUDA_WARPS * (slow ? pv_cuda_parts(rows, 3) : rows));
    }
    if (pv_gemv_blocks(a) <= wave || rows >= all) return;
  }
}

/* Products `first` to `end` - 1 alone: the sum is the first one's, and so is what is kept of a
 * norm. */
static pv_cuda_gemv some_of(const pv_cuda_gemv *a, uint32_t first, uint32_t end) {
  pv_cuda_gemv some = *a;
  for (uint32_t j = first; j < end; j++) {
    some.job[j - first] = a->job[j];
    some.job[j - first].rows_per_block = PV_CUDA_WARPS;
  }
  some.jobs = end - first;
  if (first == 0) return some;
  some.add = some.total = some.norm.out = 0;
  some.norm.acts = (pv_cuda_acts){0};
  return some;
}

/* As many products in a launch as the device takes. */
static void gemv_each(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t rows) {
  for (uint32_t first = 0, end = 0; first < a->jobs; first = end) {
    pv_cuda_gemv some = some_of(a, first, a->jobs);
    for (end = a->jobs; end > first + 1 && !pv_gpu_takes(b, PV_GPU_gemv, &some, rows);)
      some = some_of(a, first, --end);
    pv_gpu_start(b, PV_GPU_gemv, rows, &some);
  }
}

static void gemv(pv_gpu_backend *b, pv_cuda_gemv *a, size_t rows) {
  const size_t wave = (size_t)b->info.processors * BLOCKS_PER_PROCESSOR;
  if (!pv_gpu_fuses(b)) {
    gemv_each(b, a, rows);
    return;
  }
  a->job[0].rows_per_block = 1;
  if (rows == 1 && a->job[0].rows.count <= wave && pv_gpu_takes(b, PV_GPU_gemv_few, a, rows)) {
    pv_gpu_start(b, PV_GPU_gemv_few, rows, a);
    return;
  }
  divide_rows(a, wave);
  pv_gpu_start(b,
               pv_gpu_takes(b, PV_GPU_gemv_64, a, rows)    ? PV_GPU_gemv_64
               : pv_gpu_takes(b, PV_GPU_gemv_128, a, rows) ? PV_GPU_gemv_128
                                                           : PV_GPU_gemv,
               rows, a);
}

static void wide(pv_gpu_backend *b, const pv_cuda_gemv *a, uint32_t job, size_t rows) {
  const pv_cuda_wide w = {a->job[job].rows, a->acts.x,      a->job[job].out,
                          a->acts.k,        a->acts.stride, (uint32_t)rows};
  pv_gpu_start(b, PV_GPU_wide, rows, &w);
}

void pv_gpu_round_as(pv_gpu_backend *b, size_t row, bool whole) {
  if (b->acts[row].q == 0 || b->whole[row] == whole) return;
  const pv_cuda_round a = {pv_gpu_acts(b, row, 1), b->max, whole};
  pv_gpu_start(b, PV_GPU_round_rows, pv_gpu_slots(b, row), &a);
  b->whole[row] = whole;
}

/* Products of `a->jobs` matrices that take one rounding, one row of each output for each of `rows`;
 * a sum with the first where there is no other. */
static void products_alike(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t rows) {
  const size_t batch = a->experts != 0 ? b->batch.count : rows;
  const bool exact = b->max == 0.0f;
  pv_cuda_gemv slow = *a, fast = *a; /* gemv, gemm */
  bool added = true;                 /* by the kernel of the first product */
  slow.jobs = fast.jobs = 0;
  for (uint32_t j = 0; j < a->jobs; j++) {
    const bool plain = !exact && takes_wide(b, a, j, batch);
    const bool many = !exact && takes_gemm(b, &a->job[j].rows, a->acts.k, batch);
    pv_cuda_gemv *to = many ? &fast : &slow;
    if (j == 0) added = !exact && !plain && !many;
    if (plain)
      wide(b, a, j, rows);
    else
      to->job[to->jobs++] = a->job[j];
  }
  if (fast.jobs > 0) gemm(b, &fast, rows);
  if (exact)
    for (uint32_t j = 0; j < a->jobs; j++) {
      pv_cuda_gemv one = *a;
      one.job[0] = a->job[j];
      one.jobs = 1;
      pv_gpu_start(b, pv_kernel_f64acc(one.job[0].rows.type), rows, &one);
    }
  else if (slow.jobs > 0)
    gemv(b, &slow, rows);
  if (a->add != 0 && !added)
    pv_gpu_add(b, a->add, a->job[0].out, a->total, rows * a->job[0].rows.count);
}

static bool is_whole(const pv_cuda_rows *rows) {
  return pv_cuda_whole(rows->type);
}

bool pv_gpu_takes_own(const pv_gpu_backend *b, const pv_cuda_gemv *a, size_t rows) {
  bool each = pv_gpu_takes_gemv(b, a, rows);
  for (uint32_t j = 0; j < a->jobs && each && !pv_gpu_fuses(b); j++) {
    const pv_cuda_gemv one = some_of(a, j, j + 1);
    const pv_cuda_rows *of = &one.job[0].rows;
    const bool later = pv_cuda_quantised(of->type) && is_whole(of) != (a->norm.whole != 0);
    each = later || pv_gpu_takes(b, PV_GPU_gemv, &one, rows);
  }
  return each;
}

/* Products that take row `in` in other blocks than it is rounded in: their kernel rounds it, or a
 * launch before them. */
static void round_for(pv_gpu_backend *b, pv_cuda_gemv *a, size_t in, size_t rows) {
  const bool now = b->whole[in];
  a->norm = (pv_cuda_norm){.max = b->max, .whole = true};
  if (!now && pv_gpu_takes_own(b, a, rows)) return;
  a->norm = (pv_cuda_norm){0};
  pv_gpu_round_as(b, in, !now);
}

void pv_gpu_products(pv_gpu_backend *b, const pv_cuda_gemv *a, size_t in, size_t rows) {
  const bool now = b->whole[in];
  for (int other = 0; other < 2; other++) {
    pv_cuda_gemv some = *a;
    some.jobs = 0;
    for (uint32_t j = 0; j < a->jobs; j++) {
      const pv_cuda_rows *of = &a->job[j].rows;
      const bool whole = pv_cuda_quantised(of->type) ? is_whole(of) : now;
      if ((whole != now) == (other != 0)) some.job[some.jobs++] = a->job[j];
    }
    if (some.jobs == 0) continue;
    if (some.jobs < a->jobs && some.job[0].out != a->job[0].out) some.add = some.total = 0;
    if (other != 0) round_for(b, &some, in, rows); /* a norm has been kept */
    products_alike(b, &some, rows);
  }
}

/* The first quantised weight that a row is multiplied with; if `whole` is not NULL, in blocks of
 * 256 or not, as it says. */
static const pv_gguf_tensor *meets(const pv_gpu_backend *b, size_t row, uint32_t layer,
                                   const bool *whole) {
  const pv_model *m = b->base.model;
  for (size_t k = 0; k < m->plan->count; k++) {
    const pv_gguf_tensor *t = pv_model_weight(m, k, layer); /* another device may have it */
    if (t == NULL || row_of(b, k)->op != PV_OP_MATMUL || row_of(b, k)->in[0] != row) continue;
    if (pv_cuda_quantised((uint32_t)t->type) &&
        (whole == NULL || pv_cuda_whole((uint32_t)t->type) == *whole))
      return t;
  }
  return NULL;
}

bool pv_gpu_meets_whole(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  const pv_gguf_tensor *t = meets(b, row, layer, NULL);
  return t != NULL && pv_cuda_whole((uint32_t)t->type);
}

bool pv_gpu_meets_whole_alone(const pv_gpu_backend *b, size_t row, uint32_t layer) {
  static const bool whole = false;
  return meets(b, row, layer, &whole) == NULL;
}
