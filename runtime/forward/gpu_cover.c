#include "runtime/forward/gpu_cover.h"

#include "kernels/cuda/args.h"

typedef struct covering {
  const pv_plan *plan;
  const pv_gpu_cover *cover; /* `attend` and `feeds` are known */
} covering;

static const pv_stage_row *at(const covering *c, size_t row) {
  return &c->plan->rows[row];
}

static bool by_expert(const covering *c, size_t row) {
  return pv_plan_is(c->plan, row, PV_ROW_BY_EXPERT);
}

/* Whether `row` is there, of that operation, and of as many positions as `first`. */
static bool follows(const covering *c, size_t first, size_t row, pv_op op) {
  const unsigned kind = PV_ROW_ONCE | PV_ROW_LAST_ROWS;
  return row < c->plan->count && at(c, row)->op == op &&
         ((at(c, row)->flags ^ at(c, first)->flags) & kind) == 0;
}

/* Whether the sum in `row` is that of `part` with another row, which it is not of itself. */
static bool adds(const covering *c, size_t row, size_t part) {
  const uint8_t *in = at(c, row)->in;
  return (in[0] == part) != (in[1] == part) && by_expert(c, row) == by_expert(c, part);
}

/* Products of `in`, not by expert, from `row` on. */
static size_t plain_products(const covering *c, size_t first, size_t row, size_t in) {
  size_t n = 0;
  while (n < PV_CUDA_JOBS && follows(c, first, row + n, PV_OP_MATMUL) && !by_expert(c, row + n) &&
         at(c, row + n)->in[0] == in)
    n++;
  return n;
}

static size_t norm(const covering *c, size_t row) {
  if (at(c, row)->op != PV_OP_NORM || by_expert(c, row)) return 0;
  const size_t n = plain_products(c, row, row + 1, row);
  return n > 0 ? n + 1 : 0;
}

static size_t products(const covering *c, size_t row) {
  const pv_stage_row *r = at(c, row);
  size_t n = 1;
  if (r->op != PV_OP_MATMUL) return 0;
  if (!by_expert(c, row)) return plain_products(c, row, row, r->in[0]);
  while (n < PV_CUDA_JOBS && follows(c, row, row + n, PV_OP_MATMUL) && by_expert(c, row + n) &&
         at(c, row + n)->in[0] == r->in[0] && at(c, row + n)->in[1] == r->in[1])
    n++;
  return n;
}

static size_t product(const covering *c, size_t row) {
  const bool fits = at(c, row)->op == PV_OP_MATMUL && !by_expert(c, row) &&
                    follows(c, row, row + 1, PV_OP_ADD) && adds(c, row + 1, row);
  return fits ? 2 : 0;
}

static bool is_turned(const covering *c, size_t row) {
  const pv_op op = at(c, row)->op;
  return (op == PV_OP_HEADS || op == PV_OP_ROPE) && !by_expert(c, row);
}

/* Queries and keys of attention, once the values are there. */
static size_t heads(const covering *c, size_t row) {
  if (c->cover->attend < 0 || row + 1 >= c->plan->count) return 0;
  const uint8_t *in = at(c, (size_t)c->cover->attend)->in;
  const bool both = (in[0] == row && in[1] == row + 1) || (in[1] == row && in[0] == row + 1);
  const unsigned same = PV_ROW_NEIGHBOURS | PV_ROW_ONCE | PV_ROW_LAST_ROWS;
  const bool fits = both && in[2] < row && is_turned(c, row) && is_turned(c, row + 1) &&
                    ((at(c, row)->flags ^ at(c, row + 1)->flags) & same) == 0 &&
                    pv_plan_is(c->plan, in[1], PV_ROW_APPENDS) &&
                    pv_plan_is(c->plan, in[2], PV_ROW_APPENDS);
  return fits ? 2 : 0;
}

static size_t route(const covering *c, size_t row) {
  const bool fits = at(c, row)->op == PV_OP_ROUTE && follows(c, row, row + 1, PV_OP_TOPK) &&
                    at(c, row)->in[0] == at(c, row + 1)->in[0];
  return fits ? 2 : 0;
}

static size_t experts(const covering *c, size_t row) {
  const size_t gate = row + 2, up = row + 3, out = row + 4;
  if (route(c, row) == 0 || !follows(c, row, gate, PV_OP_MATMUL)) return 0;
  if (products(c, gate) != 2 || !follows(c, row, out, PV_OP_SWIGLU)) return 0;
  const bool fits = by_expert(c, gate) && at(c, gate)->in[1] == row + 1 &&
                    !by_expert(c, at(c, gate)->in[0]) && by_expert(c, out) &&
                    at(c, out)->in[0] == gate && at(c, out)->in[1] == up && c->cover->feeds[out];
  return fits ? 5 : 0;
}

/* The weighted sum in `row`, and its sum with another row. */
static size_t combination(const covering *c, size_t row) {
  if (by_expert(c, row)) return 0;
  return follows(c, row, row + 1, PV_OP_ADD) && adds(c, row + 1, row) ? 2 : 1;
}

static size_t combine(const covering *c, size_t row) {
  return at(c, row)->op == PV_OP_COMBINE ? combination(c, row) : 0;
}

static size_t down(const covering *c, size_t row) {
  const bool fits = at(c, row)->op == PV_OP_MATMUL && by_expert(c, row) &&
                    by_expert(c, at(c, row)->in[0]) && follows(c, row, row + 1, PV_OP_COMBINE) &&
                    at(c, row + 1)->in[0] == row;
  const size_t n = fits ? combination(c, row + 1) : 0;
  return n > 0 ? n + 1 : 0;
}

/* None of them takes another's result. */
static size_t biases(const covering *c, size_t row) {
  size_t n = 0;
  while (n < PV_CUDA_JOBS && follows(c, row, row + n, PV_OP_BIAS) &&
         by_expert(c, row + n) == by_expert(c, row) && at(c, row + n)->in[1] == at(c, row)->in[1] &&
         (at(c, row + n)->in[0] < row || at(c, row + n)->in[0] == PV_STREAM))
    n++;
  return n;
}

static const struct {
  pv_gpu_run run;
  size_t (*rows)(const covering *c, size_t row); /* that it takes from `row` on; 0: none */
} runs[] = {
    {PV_GPU_RUN_NORM, norm},   {PV_GPU_RUN_PRODUCTS, products}, {PV_GPU_RUN_PRODUCT, product},
    {PV_GPU_RUN_HEADS, heads}, {PV_GPU_RUN_ROUTE, route},       {PV_GPU_RUN_EXPERTS, experts},
    {PV_GPU_RUN_DOWN, down},   {PV_GPU_RUN_COMBINE, combine},   {PV_GPU_RUN_BIASES, biases}};

static bool is_single(pv_op op) { /* what there is once for a position */
  return op == PV_OP_GATHER || op == PV_OP_HEADS || op == PV_OP_ROPE || op == PV_OP_ATTEND ||
         op == PV_OP_ROUTE || op == PV_OP_TOPK || op == PV_OP_COMBINE || op == PV_OP_ARGMAX;
}

/* Whether the row takes a part for each expert where its operation takes one row, or the reverse.
 */
static bool mixes(const covering *c, size_t row) {
  const pv_stage_row *r = at(c, row);
  for (size_t k = 0; k < 3 && r->in[k] != 0; k++) {
    const bool parts = r->in[k] != PV_STREAM && by_expert(c, r->in[k]);
    if (r->in[k] != PV_STREAM && pv_plan_is(c->plan, r->in[k], PV_ROW_INDEX)) continue;
    if (r->op == PV_OP_COMBINE  ? parts != (k == 0)
        : r->op == PV_OP_MATMUL ? parts && !by_expert(c, row)
                                : parts != by_expert(c, row))
      return true;
  }
  return false;
}

/* What no kernel computes, or NULL. */
static const char *beyond(const covering *c, size_t row) {
  const pv_stage_row *r = at(c, row);
  if (is_single(r->op) && by_expert(c, row)) return "makes it by expert";
  if (mixes(c, row)) return "takes a row for parts of experts, or these for a row";
  if (r->op == PV_OP_ATTEND && (int)row != c->cover->attend) return "attends a second time";
  if (r->op == PV_OP_ATTEND && (r->width != PV_DIM_Q || at(c, r->in[1])->width != PV_DIM_KV ||
                                at(c, r->in[2])->width != PV_DIM_KV))
    return "attends over heads of such a width";
  if (pv_plan_is(c->plan, row, PV_ROW_APPENDS) && r->width != PV_DIM_KV)
    return "appends rows of such a width";
  return NULL;
}

/* Whether some of the rows are by expert, and others not. */
static bool are_mixed(const covering *c, size_t row, size_t rows) {
  for (size_t i = 1; i < rows; i++)
    if (by_expert(c, row + i) != by_expert(c, row)) return true;
  return false;
}

pv_code pv_gpu_cover_plan(const pv_plan *plan, bool apart, pv_gpu_cover *out, pv_error *err) {
  pv_gpu_cover cover = {.attend = pv_plan_op(plan, PV_OP_ATTEND)};
  const covering c = {plan, &cover};
  for (size_t row = 0; row < plan->count; row++) {
    const char *what = beyond(&c, row);
    if (what != NULL)
      return pv_error_set(err, PV_ERR_UNSUPPORTED, "the stage %s: no kernel %s",
                          plan->rows[row].name, what);
    if (plan->rows[row].op == PV_OP_MATMUL) cover.feeds[plan->rows[row].in[0]] = true;
  }
  for (size_t row = 0; row < plan->count; row += cover.rows[row]) {
    cover.run[row] = PV_GPU_RUN_ALONE;
    cover.rows[row] = 1;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
      const size_t rows = runs[i].rows(&c, row);
      if (rows < cover.rows[row] || rows == 0 || (apart && are_mixed(&c, row, rows))) continue;
      cover.run[row] = runs[i].run;
      cover.rows[row] = (uint8_t)rows;
    }
    cover.turns_together |= cover.run[row] == PV_GPU_RUN_HEADS;
  }
  *out = cover;
  return PV_OK;
}
