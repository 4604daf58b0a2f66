/* Kernels over float vectors. Compiled once per code path; PV_PATH(name) gives each its own name.
 */
#include "kernels/cpu/vector.h"

#include "kernels/arith/fold.h"
#include "kernels/cpu/lanes.h"

/* y = (x * s) * weight, s = 1 / sqrt(mean of squares + eps): reference kernels/arith/act.h. */
void PV_PATH(rmsnorm)(const float *x, const float *weight, size_t n, float eps, float *out) {
  const float mean = pv_div_f32(pv_wide_squares_f32(x, n), (float)n);
  const float s = pv_div_f32(1.0f, pv_sqrt_f32(mean + eps));
  for (size_t i = 0; i < n; i++) out[i] = (x[i] * s) * weight[i];
}

/* (a, b) -> (a cos - b sin, b cos + a sin), each as product then fma. */
void PV_PATH(rope)(float *x, size_t n, const float *cos, const float *sin) {
  const size_t half = n / 2;
  for (size_t i = 0; i < half; i++) {
    const float a = x[i], b = x[i + half];
    x[i] = pv_fma_f32(a, cos[i], -(b * sin[i]));
    x[i + half] = pv_fma_f32(b, cos[i], a * sin[i]);
  }
}

void PV_PATH(rope_neighbours)(float *x, size_t n, const float *cos, const float *sin) {
  for (size_t i = 0; i < n / 2; i++) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = pv_fma_f32(a, cos[i], -(b * sin[i]));
    x[2 * i + 1] = pv_fma_f32(b, cos[i], a * sin[i]);
  }
}

void PV_PATH(swiglu)(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_swiglu_f32(gate[i], up[i]);
}

void PV_PATH(geglu)(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_geglu_f32(gate[i], up[i]);
}

void PV_PATH(swiglu_clamped)(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_swiglu_clamped_f32(gate[i], up[i]);
}

void PV_PATH(gate)(const float *x, float logit, size_t n, float *out) {
  PV_PATH(scale)(x, pv_sigmoid_f32(logit), n, out);
}

void PV_PATH(scale)(const float *x, float factor, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] * factor;
}

void PV_PATH(add)(const float *a, const float *b, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

void PV_PATH(combine)(const float *const *rows, const float *weight, size_t ranks, size_t n,
                      float *out) {
  for (size_t i = 0; i < n; i++) out[i] = weight[0] * rows[0][i];
  for (size_t r = 1; r < ranks; r++)
    for (size_t i = 0; i < n; i++) out[i] = pv_fma_f32(weight[r], rows[r][i], out[i]);
}

/* The order is taken from the logits: exp may merge two that differ. */
void PV_PATH(route)(pv_route_form form, const float *logits, size_t n, size_t used,
                    int32_t *indices, float *weights) {
  float p[PV_EXPERTS_MAX];
  unsigned char taken[PV_EXPERTS_MAX] = {0};
  for (size_t r = 0; r < used; r++) {
    size_t best = n;
    for (size_t i = 0; i < n; i++)
      if (!taken[i] && (best == n || pv_before(logits[i], (int64_t)i, logits[best], (int64_t)best)))
        best = i;
    taken[best] = 1;
    indices[r] = (int32_t)best;
  }
  const float top = logits[indices[0]];
  for (size_t i = 0; i < n; i++) p[i] = pv_exp_f32(logits[i] - top);
  for (size_t r = 0; r < used; r++) weights[r] = p[indices[r]];
  const float all = form == PV_ROUTE_CHOSEN ? 1.0f : pv_wide_sum_f32(p, n);
  for (size_t r = 0; r < used; r++) weights[r] = pv_div_f32(weights[r], all);
  if (form == PV_ROUTE_ALL) return;
  float kept[PV_EXPERTS_MAX];
  memcpy(kept, weights, used * sizeof *kept);
  const float sum = pv_wide_sum_f32(kept, used);
  for (size_t r = 0; r < used; r++) weights[r] = pv_div_f32(weights[r], sum);
}

/* Rows of scratch: per chunk the maximum, the sum of exponentials and head_dim weighted values. */
static void attend_chunk(const pv_attend *a, size_t first, size_t count, float *top, float *sum,
                         float *value) {
  float e[PV_ATTENTION_CHUNK] = {0};
  const size_t dim = a->head_dim;
  const float *k = a->k + first * a->stride, *v = a->v + first * a->stride;
  for (size_t i = 0; i < count; i++) {
    const float *row = k + i * a->stride;
    v8 lane = v8_mul(v8_load(a->q), v8_load(row));
    for (size_t j = 8; j < dim; j += 8) lane = v8_fma(v8_load(a->q + j), v8_load(row + j), lane);
    e[i] = v8_fold(lane) * a->scale;
  }
  float m = e[0];
  for (size_t i = 1; i < count; i++) m = e[i] > m || !(e[i] == e[i]) ? e[i] : m;
  for (size_t i = 0; i < count; i++) e[i] = pv_exp_f32(e[i] - m);
  for (size_t j = 0; j < dim; j += 32) {
    const size_t width = dim - j < 32 ? dim - j : 32;
    v8 acc[4];
    for (size_t w = 0; w < width; w += 8) acc[w / 8] = v8_mul(v8_set(e[0]), v8_load(v + j + w));
    for (size_t i = 1; i < count; i++) {
      const v8 weight = v8_set(e[i]);
      const float *row = v + i * a->stride + j;
      for (size_t w = 0; w < width; w += 8)
        acc[w / 8] = v8_fma(weight, v8_load(row + w), acc[w / 8]);
    }
    for (size_t w = 0; w < width; w += 8) v8_store(value + j + w, acc[w / 8]);
  }
  *top = m;
  *sum = pv_fold_f32(e, count);
}

/* Narrow sum over chunks of f_c * row_c, f_c = exp(top_c - M). */
static float narrow_dot(const float *factor, const float *term, size_t stride, size_t n) {
  float lane[PV_NARROW_LANES];
  const size_t first = n < PV_NARROW_LANES ? n : PV_NARROW_LANES;
  for (size_t c = 0; c < first; c++) lane[c] = factor[c] * term[c * stride];
  for (size_t c = PV_NARROW_LANES; c < n; c++) {
    float *l = &lane[c % PV_NARROW_LANES];
    *l = pv_fma_f32(factor[c], term[c * stride], *l);
  }
  return pv_fold_f32(lane, first);
}

/* The larger of the maximum so far and the next; a NaN stays. */
static float larger(float m, float next) {
  return next > m || !(next == next) ? next : m;
}

/* Positions in chunks of PV_ATTENTION_CHUNK; each chunk has its own maximum; chunks are combined
 * by narrow sums with factors exp(top_c - M), M the largest maximum, or the sink. */
void PV_PATH(attend)(const pv_attend *a) {
  const size_t chunks = (a->positions + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK;
  float *top = a->scratch, *sum = top + chunks, *value = sum + chunks;
  for (size_t c = 0; c < chunks; c++) {
    const size_t first = c * PV_ATTENTION_CHUNK;
    const size_t left = a->positions - first;
    attend_chunk(a, first, left < PV_ATTENTION_CHUNK ? left : PV_ATTENTION_CHUNK, &top[c], &sum[c],
                 value + c * a->head_dim);
  }
  float m = top[0];
  for (size_t c = 1; c < chunks; c++) m = larger(m, top[c]);
  if (a->sink != NULL) m = larger(m, *a->sink);
  for (size_t c = 0; c < chunks; c++) top[c] = pv_exp_f32(top[c] - m);
  float total = narrow_dot(top, sum, 1, chunks);
  if (a->sink != NULL) total += pv_exp_f32(*a->sink - m);
  for (size_t j = 0; j < a->head_dim; j++)
    a->out[j] = pv_div_f32(narrow_dot(top, value + j, a->head_dim, chunks), total);
}
