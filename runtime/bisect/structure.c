/* What holds in every identity: which experts there are, that each is chosen once, that the chosen
 * ones have the largest logits and the weights that these give, and which token is the top. A side
 * is held to its own logits, with room for any rounding of them. */
#include <math.h>

#include "runtime/bisect/parts.h"

/* Rounding of logits and of a softmax to 8 bits of mantissa (bf16) stays below half of these. */
static const double LOGIT_ROOM = 0.02;  /* of the largest logit, and as much again absolutely */
static const double WEIGHT_ROOM = 0.03; /* of the weight */

static bool all_finite(const pv_rows *r, size_t row) {
  for (size_t i = 0; i < r->width; i++)
    if (!isfinite(pv_rows_at(r, row, i))) return false;
  return true;
}

static bool in_range(double index, uint32_t count) {
  return index >= 0.0 && index < (double)count;
}

/* Does the row choose as many experts as it has places? */
static bool is_a_choice(const pv_rows *indices, size_t row, uint32_t experts) {
  for (size_t i = 0; i < indices->width; i++) {
    if (!in_range(pv_rows_at(indices, row, i), experts)) return false;
    for (size_t j = 0; j < i; j++)
      if (pv_rows_at(indices, row, i) == pv_rows_at(indices, row, j)) return false;
  }
  return true;
}

/* An expert is left out whose logit is larger, beyond any rounding. */
static bool is_worse(const pv_rows *logits, const pv_rows *indices, size_t row, size_t index) {
  const double own = pv_rows_at(logits, row, (size_t)pv_rows_at(indices, row, index));
  double scale = 1.0, left_out = -INFINITY;
  for (size_t e = 0; e < logits->width; e++) {
    const double x = pv_rows_at(logits, row, e);
    scale = fmax(scale, 1.0 + fabs(x));
    if (!pv_set_holds(pv_rows_vector(indices, row), (double)e)) left_out = fmax(left_out, x);
  }
  return left_out - own > LOGIT_ROOM * scale;
}

static pv_bisect_why judge_choice(const pv_rows *logits, const pv_rows *indices, size_t row,
                                  size_t index, uint32_t experts) {
  const double own = pv_rows_at(indices, row, index);
  if (!in_range(own, experts)) return PV_BISECT_NO_EXPERT;
  for (size_t i = 0; i < index; i++)
    if (pv_rows_at(indices, row, i) == own) return PV_BISECT_TWICE;
  if (logits->absent || !all_finite(logits, row) || !is_a_choice(indices, row, experts))
    return PV_BISECT_SOUND;
  return is_worse(logits, indices, row, index) ? PV_BISECT_WORSE : PV_BISECT_SOUND;
}

/* Softmax over the logits of the chosen: the same as over all, and then divided by their sum. */
static pv_bisect_why judge_weight(const pv_rows *logits, const pv_rows *weights,
                                  const pv_rows *indices, size_t row, size_t index,
                                  uint32_t experts) {
  if (logits->absent || indices->absent || !all_finite(logits, row) ||
      !is_a_choice(indices, row, experts))
    return PV_BISECT_SOUND;
  const double own = pv_rows_at(logits, row, (size_t)pv_rows_at(indices, row, index));
  double sum = 0.0; /* over the own one: what is infinite here is far above it, its weight 0 */
  for (size_t i = 0; i < indices->width; i++)
    sum += exp(pv_rows_at(logits, row, (size_t)pv_rows_at(indices, row, i)) - own);
  const double want = 1.0 / sum, got = pv_rows_at(weights, row, index);
  return fabs(got - want) <= WEIGHT_ROOM * want + 1e-4 ? PV_BISECT_SOUND : PV_BISECT_WEIGHT;
}

static pv_bisect_why judge_top(const pv_rows *logits, const pv_rows *top, size_t row,
                               uint32_t vocab) {
  const double own = pv_rows_at(top, row, 0);
  if (!in_range(own, vocab)) return PV_BISECT_NO_TOKEN;
  if (logits->absent || !all_finite(logits, row)) return PV_BISECT_SOUND;
  const double chosen = pv_rows_at(logits, row, (size_t)own);
  for (size_t i = 0; i < logits->width; i++)
    if (pv_rows_at(logits, row, i) > chosen) return PV_BISECT_NOT_TOP;
  return PV_BISECT_SOUND;
}

pv_bisect_why pv_structure_judge(const pv_rows *rows, size_t k, size_t row, size_t index,
                                 const pv_model *model) {
  const pv_shape *shape = &model->shape;
  switch (model->plan->rows[rows[k].stage].role) {
    case PV_ROLE_ROUTER_WEIGHTS: /* between its logits and its indices */
      return judge_weight(&rows[k - 1], &rows[k], &rows[k + 1], row, index, shape->experts);
    case PV_ROLE_ROUTER_INDICES:
      return judge_choice(&rows[k - 2], &rows[k], row, index, shape->experts);
    case PV_ROLE_TOP:
      return judge_top(&rows[k - 1], &rows[k], row, shape->vocab);
    default:
      return PV_BISECT_SOUND;
  }
}
