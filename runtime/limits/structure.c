#include "runtime/limits/structure.h"

#include <math.h>

static bool has(const pv_rows *r, size_t row) {
  return !r->absent && row >= r->from && row < r->until;
}

static bool in_range(double index, uint32_t count) {
  return index >= 0.0 && index < (double)count;
}

/* Largest magnitude of a row; NaN where an element is not finite. */
static double largest_of(const pv_rows *r, size_t row) {
  double most = 0.0;
  for (size_t i = 0; i < r->width; i++) {
    const double x = fabs(pv_rows_at(r, row, i));
    if (!isfinite(x)) return NAN;
    most = fmax(most, x);
  }
  return most;
}

bool pv_structure_is_choice(const pv_rows *indices, size_t row, uint32_t experts) {
  for (size_t i = 0; i < indices->width; i++) {
    if (!in_range(pv_rows_at(indices, row, i), experts)) return false;
    for (size_t j = 0; j < i; j++)
      if (pv_rows_at(indices, row, i) == pv_rows_at(indices, row, j)) return false;
  }
  return true;
}

/* `over` of `room`. */
static pv_structure judged(pv_structure_why why, double want, double over, double room) {
  const double ratio = over <= 0.0 ? 0.0 : over / room;
  return (pv_structure){ratio <= 1.0 ? PV_STRUCTURE_SOUND : why, want, room, ratio};
}

static pv_structure broken(pv_structure_why why) {
  return (pv_structure){why, NAN, 0.0, INFINITY};
}

static pv_structure judge_choice(const pv_rows *logits, const pv_rows *indices, size_t row,
                                 size_t index, uint32_t experts, const pv_structure_room *room) {
  const double own = pv_rows_at(indices, row, index);
  const bool with = has(logits, row) && logits->width == experts;
  const double scale = with ? largest_of(logits, row) : NAN;
  if (!in_range(own, experts)) return broken(PV_STRUCTURE_NO_EXPERT);
  for (size_t i = 0; i < index; i++)
    if (pv_rows_at(indices, row, i) == own) return broken(PV_STRUCTURE_TWICE);
  if (isnan(scale) || !pv_structure_is_choice(indices, row, experts)) return (pv_structure){0};
  double left_out = -INFINITY;
  for (size_t e = 0; e < logits->width; e++)
    if (!pv_set_holds(pv_rows_vector(indices, row), (double)e))
      left_out = fmax(left_out, pv_rows_at(logits, row, e));
  return judged(PV_STRUCTURE_WORSE, left_out, left_out - pv_rows_at(logits, row, (size_t)own),
                room->logits * scale + room->logits_more);
}

/* Softmax over the logits of the chosen: the same as over all, and then divided by their sum. Or
 * over all, where a model does not divide. */
static pv_structure judge_weight(const pv_rows *logits, const pv_rows *weights,
                                 const pv_rows *indices, size_t row, size_t index,
                                 const pv_shape *shape, const pv_structure_room *room) {
  const bool all = shape->route == PV_ROUTE_ALL;
  const uint32_t experts = shape->experts;
  if (!has(logits, row) || !has(indices, row) || logits->width != experts ||
      indices->width != weights->width || isnan(largest_of(logits, row)) ||
      !pv_structure_is_choice(indices, row, experts))
    return (pv_structure){0};
  const double own = pv_rows_at(logits, row, (size_t)pv_rows_at(indices, row, index));
  double sum = 0.0, most = -INFINITY; /* over the own one: what is infinite is far above it */
  for (size_t i = 0; i < (all ? experts : indices->width); i++) {
    const size_t expert = all ? i : (size_t)pv_rows_at(indices, row, i);
    const double other = pv_rows_at(logits, row, expert);
    sum += exp(other - own);
    most = fmax(most, other);
  }
  const double want = 1.0 / sum, largest = want * exp(most - own);
  return judged(PV_STRUCTURE_WEIGHT, want, fabs(pv_rows_at(weights, row, index) - want),
                room->weights * (isfinite(largest) ? largest : 1.0) + room->weights_more);
}

static pv_structure judge_top(const pv_rows *logits, const pv_rows *top, size_t row, uint32_t vocab,
                              const pv_structure_room *room) {
  const double own = pv_rows_at(top, row, 0);
  const bool with = has(logits, row) && logits->width == vocab;
  const double scale = with ? largest_of(logits, row) : NAN;
  if (!in_range(own, vocab)) return broken(PV_STRUCTURE_NO_TOKEN);
  if (isnan(scale)) return (pv_structure){0};
  double most = -INFINITY;
  for (size_t i = 0; i < logits->width; i++) most = fmax(most, pv_rows_at(logits, row, i));
  return judged(PV_STRUCTURE_NOT_TOP, most, most - pv_rows_at(logits, row, (size_t)own),
                room->top * scale);
}

pv_structure pv_structure_judge(const pv_rows *rows, size_t k, size_t row, size_t index,
                                const pv_model *model, const pv_structure_room *room) {
  const pv_shape *shape = &model->shape;
  switch (model->plan->rows[rows[k].stage].role) {
    case PV_ROLE_ROUTER_WEIGHTS: /* between its logits and its indices */
      return judge_weight(&rows[k - 1], &rows[k], &rows[k + 1], row, index, shape, room);
    case PV_ROLE_ROUTER_INDICES:
      return judge_choice(&rows[k - 2], &rows[k], row, index, shape->experts, room);
    case PV_ROLE_TOP:
      return judge_top(&rows[k - 1], &rows[k], row, shape->vocab, room);
    default:
      return (pv_structure){0};
  }
}

const char *pv_structure_text(pv_structure_why why) {
  static const char *const text[] = {
      [PV_STRUCTURE_SOUND] = "",
      [PV_STRUCTURE_NO_EXPERT] = "an expert that does not exist",
      [PV_STRUCTURE_TWICE] = "an expert that the row has already",
      [PV_STRUCTURE_WORSE] = "an expert, while one with a larger logit is left out",
      [PV_STRUCTURE_WEIGHT] = "a weight that its own logits do not give for its own experts",
      [PV_STRUCTURE_NO_TOKEN] = "a token that does not exist",
      [PV_STRUCTURE_NOT_TOP] = "a token that has not the largest of its own logits"};
  return text[why];
}
