/* Two sources, tensor by tensor. One may be a folder that somebody wrote: nothing in it is trusted.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/folder.h"

typedef struct sums {
  const pv_trace_filter *filter;
  pv_distance (*apart)[PV_STAGES_MAX]; /* [layer]; over all batches */
} sums;

static bool want(const void *context, pv_stage_id stage, uint32_t layer) {
  return pv_trace_wanted(((const sums *)context)->filter, stage, layer);
}

static pv_code add(void *context, const pv_walk_at *at, pv_error *err) {
  const sums *s = context;
  (void)err;
  for (size_t k = 0; k < at->step.count; k++) {
    const pv_rows *left = &at->of[0][k], *right = &at->of[1][k];
    for (size_t p = 0; p < at->rows && !left->absent && !right->absent; p++)
      pv_distance_add(&s->apart[at->step.layer][left->stage], pv_rows_vector(left, p),
                      pv_rows_vector(right, p));
  }
  return PV_OK;
}

/* Tensors of both have one shape; `*both`: how many there are. */
static pv_code check_tensor(const pv_source sides[2], pv_stage_id stage, uint32_t layer,
                            pv_trace_comparison *out, size_t *both, pv_error *err) {
  const bool has[] = {pv_source_has(&sides[0], stage, layer),
                      pv_source_has(&sides[1], stage, layer)};
  size_t rows[2], width[2];
  char place[PV_PLACE_LENGTH];
  out->only_left += has[0] && !has[1];
  out->only_right += has[1] && !has[0];
  if (!has[0] || !has[1]) return PV_OK;
  ++*both;
  for (int i = 0; i < 2; i++) {
    rows[i] = sides[i].positions;
    width[i] = sides[i].width(&sides[i], stage, layer);
  }
  if (width[0] == width[1] && (rows[0] == 0 || rows[1] == 0 || rows[0] == rows[1])) return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "%s is %zux%zu on the left, %zux%zu on the right",
                      pv_plan_place(sides[0].plan, stage, layer, place), rows[0], width[0], rows[1],
                      width[1]);
}

static pv_code check_tensors(const pv_source sides[2], const pv_walk_spec *walk,
                             const pv_trace_filter *filter, pv_trace_comparison *out, size_t *both,
                             pv_error *err) {
  pv_code code = PV_OK;
  for (pv_step step = {0}; pv_plan_next(walk->plan, walk->layers, &step);) {
    for (size_t k = 0; k < step.count && code == PV_OK; k++) {
      const pv_stage_id stage = (pv_stage_id)(step.first + k);
      if (pv_trace_wanted(filter, stage, step.layer))
        code = check_tensor(sides, stage, step.layer, out, both, err);
    }
  }
  out->only_left += sides[0].others;
  out->only_right += sides[1].others;
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
  sums s = {.filter = filter};
  const pv_visitor visitor = {.context = &s, .want = want, .visit = add};
  size_t tensors = 0;
  note_about(sides, out);
  if (out->other_model || out->other_ids) return PV_OK;
  pv_code code = check_tensors(sides, walk, filter, out, &tensors, err);
  if (code != PV_OK || tensors == 0) return code;
  both.sources = sides;
  both.source_count = 2;
  s.apart = calloc(walk->layers, sizeof *s.apart);
  if (s.apart == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
  code = pv_walk(&both, &visitor, err);
  if (code == PV_OK) report_all(&s, walk, report, context, out);
  free(s.apart);
  return code;
}
