/* The arbiter: see exact.h. */
#include "kernels/exact/exact.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Eight partial sums, so that the compiler may use vectors. */
static double dot(const double *a, const double *b, size_t n) {
  double lane[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) lane[j] += a[i + j] * b[i + j];
  double sum = 0.0;
  for (size_t j = 0; j < 8; j++) sum += lane[j];
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void mm(const pv_exact_mm *m) {
  double w[PV_EXACT_K_MAX];
  for (size_t r = 0; r < m->row_count; r++) {
    pv_dequant_f64(m->type, m->rows + r * m->row_bytes, m->k, w);
    for (size_t t = 0; t < m->act_count; t++)
      m->out[t][m->first_out + r] = dot(w, m->acts[t].x, m->k);
  }
}

/* y = x / sqrt(mean(x^2) + eps) * weight */
static void rmsnorm(const double *x, const float *weight, size_t n, double eps, double *out) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  const double scale = 1.0 / sqrt(sum / (double)n + eps);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * scale * (double)weight[i];
}

/* The pair that is turned `beta` times within the original context. */
static double correction(const pv_rope *r, double dim, double beta) {
  const double two_pi = 6.283185307179586;
  return dim * log(r->original / (beta * two_pi)) / (2.0 * log(r->base));
}

/* How much of pair i is interpolated. */
static double ramp_of(const pv_rope *r, size_t dim, size_t i) {
  double low = correction(r, (double)dim, r->beta_fast);
  double high = correction(r, (double)dim, r->beta_slow);
  low = fmin(fmax(r->unrounded ? low : floor(low), 0.0), (double)dim - 1.0);
  high = fmin(fmax(r->unrounded ? high : ceil(high), 0.0), (double)dim - 1.0);
  if (low == high) high += 0.001;
  return fmin(fmax(((double)i - low) / (high - low), 0.0), 1.0);
}

static void angles(const pv_rope *r, size_t n, size_t position, double *cosine, double *sine) {
  const double magnitude = r->magnitude == 0.0 ? 1.0 : r->magnitude;
  for (size_t i = 0; i < n / 2; i++) {
    double rate = pow(r->base, -2.0 * (double)i / (double)n);
    if (r->factors != NULL) rate /= (double)r->factors[i];
    if (r->factor != 0.0) {
      const double ramp = r->yarn ? ramp_of(r, n, i) : 1.0;
      rate = rate / r->factor * ramp + rate * (1.0 - ramp);
    }
    cosine[i] = cos((double)position * rate) * magnitude;
    sine[i] = sin((double)position * rate) * magnitude;
  }
}

/* Halves are paired: (x[i], x[i + n/2]) turned by angle i. */
static void rope(double *x, size_t n, const double *cosine, const double *sine) {
  for (size_t i = 0; i < n / 2; i++) {
    const double a = x[i], b = x[i + n / 2];
    x[i] = a * cosine[i] - b * sine[i];
    x[i + n / 2] = b * cosine[i] + a * sine[i];
  }
}

/* Neighbours are paired: (x[2 i], x[2 i + 1]). */
static void rope_neighbours(double *x, size_t n, const double *cosine, const double *sine) {
  for (size_t i = 0; i < n / 2; i++) {
    const double a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cosine[i] - b * sine[i];
    x[2 * i + 1] = b * cosine[i] + a * sine[i];
  }
}

static size_t attend_scratch(size_t head_dim, size_t positions) {
  (void)head_dim;
  return positions;
}

/* softmax(q . k scale) v; the sink is one more score, whose value is 0. */
static void attend(const pv_exact_attend *a) {
  const size_t dim = a->head_dim;
  const double sink = a->sink != NULL ? (double)*a->sink : -INFINITY;
  double *score = a->scratch, top = sink, sum = 0.0;
  for (size_t p = 0; p < a->positions; p++) {
    const double product = dot(a->q, a->k + p * a->stride, dim);
    score[p] = a->scale == 0.0 ? product / sqrt((double)dim) : product * a->scale;
    if (!(score[p] <= top)) top = score[p];
  }
  for (size_t p = 0; p < a->positions; p++) {
    score[p] = exp(score[p] - top);
    sum += score[p];
  }
  if (a->sink != NULL) sum += exp(sink - top);
  for (size_t d = 0; d < dim; d++) a->out[d] = 0.0;
  for (size_t p = 0; p < a->positions; p++) {
    const double *v = a->v + p * a->stride;
    for (size_t d = 0; d < dim; d++) a->out[d] += score[p] / sum * v[d];
  }
}

static void swiglu(const double *gate, const double *up, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
}

/* GELU in its tanh form. */
static double gelu(double x) {
  const double pi = 3.141592653589793;
  return 0.5 * x * (1.0 + tanh(sqrt(2.0 / pi) * (x + 0.044715 * x * x * x)));
}

static void geglu(const double *gate, const double *up, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = gelu(gate[i]) * up[i];
}

/* g / (1 + exp(-1.702 g)) (u + 1), g = min(gate, 7), u = up between -7 and 7 */
static void swiglu_clamped(const double *gate, const double *up, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) {
    const double g = gate[i] > 7.0 ? 7.0 : gate[i];
    const double u = up[i] > 7.0 ? 7.0 : up[i] < -7.0 ? -7.0 : up[i];
    out[i] = g / (1.0 + exp(-1.702 * g)) * (u + 1.0);
  }
}

static void gate(const double *x, double logit, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] / (1.0 + exp(-logit));
}

static void bias(const double *x, const float *vector, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] + (double)vector[i];
}

static void scale(const double *x, double factor, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] * factor;
}

static void add(const double *a, const double *b, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

static void combine(const double *const *rows, const double *weight, size_t ranks, size_t n,
                    double *out) {
  memset(out, 0, n * sizeof *out);
  for (size_t r = 0; r < ranks; r++)
    for (size_t i = 0; i < n; i++) out[i] += weight[r] * rows[r][i];
}

static bool before(double a, int32_t index_a, double b, int32_t index_b) {
  if (isnan(a) || isnan(b)) return isnan(a) == isnan(b) ? index_a < index_b : isnan(b);
  return a != b ? a > b : index_a < index_b;
}

/* The best by (value, index), weighted by the softmax over all; but for PV_ROUTE_ALL with sum 1:
 * the same as softmax over the chosen. */
static void route(pv_route_form form, const double *logits, size_t n, size_t used, int32_t *indices,
                  double *weights) {
  double all = 0.0, sum = 0.0;
  bool taken[PV_EXACT_EXPERTS_MAX] = {false};
  for (size_t r = 0; r < used; r++) {
    int32_t best = -1;
    for (int32_t e = 0; e < (int32_t)n; e++)
      if (!taken[e] && (best < 0 || before(logits[e], e, logits[best], best))) best = e;
    taken[best] = true;
    indices[r] = best;
  }
  for (size_t e = 0; e < n; e++) all += exp(logits[e] - logits[indices[0]]);
  for (size_t r = 0; r < used; r++)
    sum += weights[r] = exp(logits[indices[r]] - logits[indices[0]]) / all;
  for (size_t r = 0; r < used && form != PV_ROUTE_ALL; r++) weights[r] = weights[r] / sum;
}

static int32_t argmax(const double *x, size_t n) {
  int32_t best = 0;
  for (int32_t i = 1; i < (int32_t)n; i++)
    if (before(x[i], i, x[best], best)) best = i;
  return best;
}

const pv_exact_kernels pv_exact = {.gather = pv_dequant_f64,
                                   .mm = mm,
                                   .rmsnorm = rmsnorm,
                                   .angles = angles,
                                   .rope = rope,
                                   .rope_neighbours = rope_neighbours,
                                   .attend_scratch = attend_scratch,
                                   .attend = attend,
                                   .swiglu = swiglu,
                                   .geglu = geglu,
                                   .swiglu_clamped = swiglu_clamped,
                                   .gate = gate,
                                   .bias = bias,
                                   .scale = scale,
                                   .add = add,
                                   .combine = combine,
                                   .route = route,
                                   .argmax = argmax};
