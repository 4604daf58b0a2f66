/* Two sources, tensor by tensor. One may be a folder that somebody wrote: nothing in it is trusted.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/folder.h"

typedef struct sums {
  const pv_trace_filter *filter;
  pv_distance (*apart)[PV_STAGES_MAX]; /* [layer]; over all batches */
  pv_trace_comparison *out;
} sums;

static bool want(const void *context, pv_stage_id stage, uint32_t layer) {
  return pv_trace_wanted(((const sums *)context)->filter, stage, layer);
}

/* In the first batch it is seen which side has what, and how wide it is. */
static pv_code look(sums *s, const pv_walk_at *at, const pv_rows *left, const pv_rows *right,
                    pv_error *err) {
  char place[PV_PLACE_LENGTH];
  s->out->only_left += !left->absent && right->absent;
  s->out->only_right += left->absent && !right->absent;
  if (left->absent || right->absent || left->width == right->width) return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "%s is %zu wide on the left, %zu on the right",
                      pv_plan_place(s->filter->plan, left->stage, at->step.layer, place),
                      left->width, right->width);
}

static pv_code add(void *context, const pv_walk_at *at, pv_error *err) {
  sums *s = context;
  pv_code code = PV_OK;
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
    const pv_rows *left = &at->of[0][k], *right = &at->of[1][k];
    if (at->position == 0) code = look(s, at, left, right, err);
    for (size_t p = 0; p < at->rows && !left->absent && !right->absent && code == PV_OK; p++)
      pv_distance_add(&s->apart[at->step.layer][left->stage], pv_rows_vector(left, p),
                      pv_rows_vector(right, p));
  }
  return code;
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

/* Whether both are known to be of another model, or of other tokens. */
static void note_about(const pv_source sides[2], pv_trace_comparison *out) {
  const pv_source *a = &sides[0], *b = &sides[1];
  out->other_model = a->model_sha256[0] != '\0' && b->model_sha256[0] != '\0' &&
                     strcmp(a->model_sha256, b->model_sha256) != 0;
  out->other_ids =
      a->ids != NULL && b->ids != NULL &&
      (a->positions != b->positions || memcmp(a->ids, b->ids, a->positions * sizeof *a->ids) != 0);
}

pv_code pv_trace_compare(const pv_source sides[2], const pv_walk_spec *walk,
                         const pv_trace_filter *filter, pv_trace_report report, void *context,
                         pv_trace_comparison *out, pv_error *err) {
  pv_walk_spec both = *walk;
  sums s = {.filter = filter, .out = out};
  const pv_visitor visitor = {.context = &s, .want = want, .visit = add};
  note_about(sides, out);
  if (out->other_model || out->other_ids) return PV_OK;
  out->only_left += sides[0].others;
  out->only_right += sides[1].others;
  both.sources = sides;
  both.source_count = 2;
  s.apart = calloc(walk->layers, sizeof *s.apart);
  if (s.apart == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  const pv_code code = pv_walk(&both, &visitor, err);
  if (code == PV_OK) report_all(&s, walk, report, context, out);
  free(s.apart);
  return code;
}
