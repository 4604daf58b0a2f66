#include "tests/unit/forward/seen.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/testing.h"

enum { WORDS = 1 << 19 };

seen seen_make(void) {
  return (seen){calloc(WORDS, sizeof(uint32_t)), 0};
}

bool seen_same(const seen *a, const seen *b) {
  return a->count == b->count && memcmp(a->words, b->words, a->count * sizeof *a->words) == 0;
}

static pv_code read_step(pv_backend *b, const pv_batch *batch, const pv_step *step, seen *out,
                         pv_error *err) {
  const pv_model *m = b->model;
  const pv_plan *plan = m->plan;
  pv_code code = PV_OK;
  for (size_t i = step->first; i < step->first + step->count && code == PV_OK; i++) {
    const size_t rows = pv_plan_is(plan, i, PV_ROW_LAST_ROWS) ? batch->logits : batch->count;
    const size_t words = rows * pv_plan_width(plan, i, &m->shape);
    if (!EXPECT(out->count + words <= (size_t)WORDS)) abort();
    code = b->ops->read(b, (pv_stage_id)i, 0, rows, out->words + out->count, err);
    out->count += words;
  }
  return code;
}

/* `every`: each stage is looked at, else those behind the layers. `until`: the layer before which
 * the batch is given up. */
static pv_code run_batch(pv_backend *b, const pv_batch *batch, bool every, uint32_t until,
                         seen *out, pv_error *err) {
  const pv_model *m = b->model;
  pv_step step = {0};
  pv_code code = b->ops->begin(b, batch, err);
  while (code == PV_OK && pv_plan_next(m->plan, m->shape.layers, &step)) {
    if (pv_plan_is(m->plan, step.first, PV_ROW_LAST_ROWS) && batch->logits == 0) break;
    if (pv_plan_is_layered(m->plan, step.first) && step.layer == until) break;
    code = b->ops->run(b, &step, err);
    const bool top = pv_step_find(m->plan, &step, PV_ROLE_TOP) >= 0;
    if (code == PV_OK && out != NULL && (every || top)) code = read_step(b, batch, &step, out, err);
  }
  return code;
}

pv_code seen_run(pv_backend *b, const uint32_t *ids, seen *out, pv_error *err) {
  const pv_batch batches[] = {{ids, 3, 0, 0},     {ids, 8, 0, 2},       {ids + 8, 1, 8, 1},
                              {ids + 9, 2, 9, 0}, {ids + 11, 1, 11, 1}, {ids + 12, 1, 12, 1}};
  pv_code code = run_batch(b, &batches[0], false, 3, NULL, err);
  for (size_t i = 1; i < sizeof batches / sizeof *batches && code == PV_OK; i++)
    code = run_batch(b, &batches[i], i == 1 || i == 4, UINT32_MAX, out, err);
  return code;
}
