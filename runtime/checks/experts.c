/* Checks of expert dispatch and of the weighted sum, on the captured stages of a real forward. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernels/arith/arith.h"
#include "runtime/checks/check.h"

enum { LONGEST = 16 };

/* y = W x for one expert, in float64. */
static void multiply(const pv_gguf_tensor *t, uint32_t expert, const double *x, double *row,
                     double *y) {
  const unsigned char *rows = pv_model_expert(t, expert);
  for (uint64_t r = 0; r < t->dims[1]; r++) {
    pv_dequant_f64(t->type, rows + r * t->row_bytes, t->dims[0], row);
    y[r] = 0.0;
    for (uint64_t i = 0; i < t->dims[0]; i++) y[r] += row[i] * x[i];
  }
}

/* What a row of a plan makes of x for one expert: a product, and a bias of the expert. */
static void make(const pv_model *m, uint32_t l, size_t row, uint32_t expert, const double *x,
                 double *room, double *y) {
  const pv_stage_row *r = &m->plan->rows[row];
  const pv_gguf_tensor *t = m->layers[l].weight[row];
  if (r->op != PV_OP_BIAS) {
    multiply(t, expert, x, room, y);
    return;
  }
  make(m, l, r->in[0], expert, x, room, y);
  pv_dequant_f64(t->type, t->data + expert * t->row_bytes, t->dims[0], room);
  for (uint64_t i = 0; i < t->dims[0]; i++) y[i] += room[i];
}

static double activate(pv_op op, double gate, double up) {
  if (op != PV_OP_SWIGLU_CLAMPED) return gate / (1.0 + exp(-gate)) * up;
  gate = fmin(gate, 7.0);
  up = fmax(fmin(up, 7.0), -7.0);
  return gate / (1.0 + exp(-1.702 * gate)) * (up + 1.0);
}

/* Sum over all experts, the weight being 0 for those that were not chosen. */
static void dense(const pv_model *m, const pv_capture *c, uint32_t l, size_t p, double *work,
                  double *out) {
  const pv_shape *s = &m->shape;
  const pv_stage_row *rows = m->plan->rows;
  const pv_stage_id in = pv_model_stage(m, PV_ROLE_FFN_IN),
                    out_of = pv_model_stage(m, PV_ROLE_EXPERTS_OUT);
  const pv_stage_id indices = pv_model_stage(m, PV_ROLE_ROUTER_INDICES);
  const pv_stage_id weights = pv_model_stage(m, PV_ROLE_ROUTER_WEIGHTS);
  const size_t product = rows[out_of].op == PV_OP_BIAS ? rows[out_of].in[0] : out_of;
  const pv_stage_row *swiglu = &rows[rows[product].in[0]];
  double *x = work, *row = x + s->hidden, *gate = row + PV_MODEL_WIDTH_MAX;
  double *up = gate + s->ffn, *down = up + s->ffn;
  for (uint32_t i = 0; i < s->hidden; i++) x[i] = pv_capture_at(c, in, l, p, i);
  memset(out, 0, s->hidden * sizeof *out);
  for (uint32_t e = 0; e < s->experts; e++) {
    double weight = 0.0;
    for (uint32_t r = 0; r < s->used; r++)
      if (pv_capture_at(c, indices, l, p, r) == (double)e)
        weight += pv_capture_at(c, weights, l, p, r);
    make(m, l, swiglu->in[0], e, x, row, gate);
    make(m, l, swiglu->in[1], e, x, row, up);
    for (uint32_t i = 0; i < s->ffn; i++) gate[i] = activate(swiglu->op, gate[i], up[i]);
    make(m, l, out_of, e, gate, row, down);
    for (uint32_t i = 0; i < s->hidden; i++) out[i] += weight * down[i];
  }
}

static void compare_dense(pv_check *check, const pv_capture *c, uint32_t l, size_t p,
                          const double *want, double tolerance, double *worst) {
  const pv_stage_id stage = pv_model_stage(c->model, PV_ROLE_FFN_OUT);
  const uint32_t n = check->model->shape.hidden;
  double scale = 0.0;
  for (uint32_t i = 0; i < n; i++) scale = fmax(scale, fabs(want[i]));
  for (uint32_t i = 0; i < n; i++) {
    const double got = pv_capture_at(c, stage, l, p, i);
    const double error = fabs(got - want[i]) / scale;
    check->compared++;
    if (pv_keep_largest(worst, error)) pv_check_worst(check, stage, l, p, i, got, want[i]);
    if (!(error <= tolerance))
      pv_check_fail(check, "layer %u, position %zu, element %u: %s, the sum over all experts %s", l,
                    p, i, PV_REAL('g', 9, got), PV_REAL('g', 9, want[i]));
  }
}

/* The first prompt of two positions or more, else the first. */
static const pv_reference_prompt *choose(const pv_prompts *prompts) {
  for (size_t i = 0; i < prompts->count; i++)
    if (prompts->items[i]->count > 1) return prompts->items[i];
  return prompts->items[0];
}

static pv_code run_experts_dispatch(pv_check *check, pv_error *err) {
  const double tolerance = pv_check_real(check, "tolerance");
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  pv_prompts prompts;
  const pv_capture *c = NULL;
  double worst = 0.0;
  if (!pv_check_has(check, true)) return PV_OK;
  const pv_shape *s = &check->model->shape;
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  if (code != PV_OK || prompts.count == 0) return code;
  code =
      pv_check_capture(check, pv_check_word(check, "backend"), numerics, choose(&prompts), &c, err);
  if (code != PV_OK || c == NULL) return code;
  double *work = calloc((size_t)PV_MODEL_WIDTH_MAX + 3 * s->hidden + 2 * s->ffn, sizeof *work);
  if (work == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for all experts");
  double *out = work + PV_MODEL_WIDTH_MAX + 2 * s->hidden + 2 * s->ffn;
  const size_t positions = c->positions < 2 ? c->positions : 2;
  for (uint32_t l = 0; l < s->layers; l++)
    for (size_t p = 0; p < positions; p++) {
      dense(check->model, c, l, p, work, out);
      compare_dense(check, c, l, p, out, tolerance, &worst);
      pv_check_progress(check, l * positions + p + 1, s->layers * positions);
    }
  free(work);
  pv_check_metric(check, "worst_relative_error", worst);
  pv_check_needed(check, worst);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_experts_dispatch = {
    .name = "experts.dispatch",
    .about =
        "The experts' sum lies within the tolerance of the dense sum over all experts with weight "
        "0 for those that were not chosen, in every layer at two positions of one prompt. Fails "
        "when another expert's rows are read or one is dropped.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_EXPERTS | PV_NEEDS_PROMPTS,
    .timeout_s = 60,
    .roles = 1u << PV_ROLE_FFN_IN | 1u << PV_ROLE_ROUTER_INDICES | 1u << PV_ROLE_ROUTER_WEIGHTS |
             1u << PV_ROLE_FFN_OUT,
    .params = PV_PARAMS(PV_TAKES_ANY_BACKEND, PV_TAKES_NUMERICS,
                        PV_TAKES_REAL("tolerance", 1e-15, 0.1, PV_LOOSENS_UP, "", "1e-3",
                                      "largest error over the largest value of the exact sum"),
                        PV_TAKES_PROMPTS),
    .run = run_experts_dispatch};

static pv_code run_experts_combine_order(pv_check *check, pv_error *err) {
  pv_prompts prompts;
  if (!pv_check_has(check, true)) return PV_OK;
  const pv_shape *s = &check->model->shape;
  pv_code code = pv_check_prompts(check, LONGEST, &prompts, err);
  for (size_t n = 0; n < prompts.count && code == PV_OK; n++) {
    const pv_capture *c = NULL;
    code = pv_check_capture(check, pv_check_word(check, "backend"), PV_NUMERICS_I16,
                            prompts.items[n], &c, err);
    if (code != PV_OK || c == NULL) return code;
    for (uint32_t l = 0; l < s->layers; l++)
      for (size_t p = 0; p < c->positions; p++) {
        const float *weight =
            pv_capture_row(c, pv_model_stage(c->model, PV_ROLE_ROUTER_WEIGHTS), l, p);
        const float *down = pv_capture_row(c, pv_model_stage(c->model, PV_ROLE_EXPERTS_OUT), l, p);
        const float *got = pv_capture_row(c, pv_model_stage(c->model, PV_ROLE_FFN_OUT), l, p);
        for (uint32_t i = 0; i < s->hidden; i++) {
          float sum = weight[0] * down[i];
          for (uint32_t r = 1; r < s->used; r++)
            sum = pv_fma_f32(weight[r], down[(size_t)r * s->hidden + i], sum);
          check->compared++;
          if (pv_bits_f32(sum) != pv_bits_f32(got[i]))
            pv_check_fail(check, "layer %u, position %zu, element %u: %s, by rank %s", l, p, i,
                          PV_REAL('g', 9, (double)got[i]), PV_REAL('g', 9, (double)sum));
        }
      }
  }
  return code == PV_OK ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_experts_combine_order = {
    .name = "experts.combine_order",
    .about =
        "The weighted sum of experts is taken by rank, product then fma, bit for bit, over prompts "
        "of at most 16 tokens in i16. Fails on any other order.",
    .subject = "forward",
    .needs = PV_NEEDS_MODEL | PV_NEEDS_EXPERTS | PV_NEEDS_PROMPTS,
    .timeout_s = 60,
    .params = PV_PARAMS(PV_TAKES_BACKEND, PV_TAKES_PROMPTS),
    .run = run_experts_combine_order};
