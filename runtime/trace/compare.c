/* Two sources, tensor by tensor. One may be a folder that somebody wrote: nothing in it is trusted.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/folder.h"

typedef struct sums {
  const pv_trace_filter *filter;
  const pv_source *sides;
  pv_distance (*apart)[PV_STAGES_MAX]; /* [layer]; over all batches */
  pv_trace_comparison *out;
} sums;

static bool want(const void *context, pv_stage_id stage, uint32_t layer) {
  return pv_trace_wanted(((const sums *)context)->filter, stage, layer);
}

/* Which rows of the batch both have; the others are counted where both have some of the tensor. */
static void add_rows(sums *s, const pv_walk_at *at, const pv_rows *left, const pv_rows *right) {
  for (size_t p = 0; p < at->rows; p++) {
    const bool in_left = !left->absent && p >= left->from && p < left->until;
    const bool in_right = !right->absent && p >= right->from && p < right->until;
    s->out->rows_left += in_left && !in_right;
    s->out->rows_right += !in_left && in_right;
    if (in_left && in_right)
      pv_distance_add(&s->apart[at->step.layer][left->stage], pv_rows_vector(left, p),
                      pv_rows_vector(right, p));
  }
}

static pv_code add(void *context, const pv_walk_at *at, pv_error *err) {
  sums *s = context;
  char place[PV_PLACE_LENGTH];
  for (size_t k = 0; k < at->step.count; k++) {
    const pv_rows *left = &at->of[0][k], *right = &at->of[1][k];
    const uint32_t layer = at->step.layer;
    if (!want(s, left->stage, layer)) continue;
    const bool in_left = pv_source_has(&s->sides[0], left->stage, layer);
    const bool in_right = pv_source_has(&s->sides[1], left->stage, layer);
    s->out->only_left += at->position == 0 && in_left && !in_right;
    s->out->only_right += at->position == 0 && !in_left && in_right;
    if (!in_left || !in_right) continue;
    const size_t widths[] = {s->sides[0].width(&s->sides[0], left->stage, layer),
                             s->sides[1].width(&s->sides[1], left->stage, layer)};
    if (widths[0] != widths[1])
      return pv_error_set(err, PV_ERR_INPUT, "%s is %zu wide on the left, %zu on the right",
                          pv_plan_place(s->filter->plan, left->stage, layer, place), widths[0],
                          widths[1]);
    add_rows(s, at, left, right);
  }
  return PV_OK;
}

static void report_all(const sums *s, const pv_walk_spec *walk, pv_trace_report report,
                       void *context, pv_trace_comparison *out) {
  for (pv_step step = {0}; pv_plan_next(walk->plan, walk->layers, &step);) {
    for (size_t k = 0; k < step.count; k++) {
      const pv_stage_id stage = (pv_stage_id)(step.first + k);
      const pv_trace_row row = {walk->plan, stage, step.layer, s->apart[step.layer][stage]};
      if (row.apart.elements == 0) continue;
      out->tensors++;
      out->elements += row.apart.elements;
      out->different += row.apart.different;
      report(context, &row);
    }
  }
}

void pv_trace_note_about(const pv_source sides[2], bool *other_model, bool *other_ids) {
  const pv_source *a = &sides[0], *b = &sides[1];
  *other_model = a->model_sha256[0] != '\0' && b->model_sha256[0] != '\0' &&
                 strcmp(a->model_sha256, b->model_sha256) != 0;
  *other_ids =
      a->ids != NULL && b->ids != NULL &&
      (a->positions != b->positions || memcmp(a->ids, b->ids, a->positions * sizeof *a->ids) != 0);
}

pv_code pv_trace_compare(const pv_source sides[2], const pv_walk_spec *walk,
                         const pv_trace_filter *filter, pv_trace_report report, void *context,
                         pv_trace_comparison *out, pv_error *err) {
  pv_walk_spec both = *walk;
  pv_source own[] = {sides[0], sides[1]};
  sums s = {.filter = filter, .sides = own, .out = out};
  const pv_visitor visitor = {.context = &s, .want = want, .visit = add, .parts = true};
  pv_trace_note_about(sides, &out->other_model, &out->other_ids);
  if (out->other_model || out->other_ids) return PV_OK;
  out->only_left += sides[0].others;
  out->only_right += sides[1].others;
  for (int i = 0; i < 2; i++) /* it may lack the last rows */
    if (own[i].span != NULL && own[i].ids == NULL && own[i].positions < walk->count)
      own[i].positions = 0;
  both.sources = own;
  both.source_count = 2;
  s.apart = calloc(walk->layers, sizeof *s.apart);
  if (s.apart == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  const pv_code code = pv_walk(&both, &visitor, err);
  if (code == PV_OK) report_all(&s, walk, report, context, out);
  free(s.apart);
  return code;
}
