/* Kernels over float vectors. Compiled once per code path; PV_PATH(name) gives each its own name.
 */
#include "kernels/cpu/vector.h"

#include <math.h>

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

/* The best of x[best] and of x[i .. end). */
static size_t best_of(const float *x, size_t best, size_t i, size_t end) {
  for (; i < end; i++)
    if (pv_before(x[i], (int64_t)i, x[best], (int64_t)best)) best = i;
  return best;
}

/* The block of the largest number first, then its place: nothing but the maxima of blocks is
 * compared one by one. */
int32_t PV_PATH(argmax)(const float *x, size_t n) {
  enum { BLOCK = 256 };
  const size_t whole = n - n % BLOCK;
  float most[8], top = -INFINITY;
  size_t at = 0;
  for (size_t i = 0; i < whole; i += BLOCK) {
    v8 all = v8_set(-INFINITY);
    for (size_t j = 0; j < BLOCK; j += 8) all = v8_above(all, v8_load(x + i + j));
    v8_store(most, all);
    for (size_t j = 0; j < 8; j++)
      if (most[j] > top) top = most[j], at = i;
  }
  if (!(top > -INFINITY)) return (int32_t)best_of(x, 0, 0, n);
  return (int32_t)best_of(x, best_of(x, at, at, at + BLOCK), whole, n);
}

/* Scores of n keys at once, each a chain of its own: n is known to the compiler. */
PV_ARITH void scores(const pv_attend *a, const float *k, size_t n, float *e) {
  v8 lane[8];
  for (size_t i = 0; i < n; i++) lane[i] = v8_mul(v8_load(a->q), v8_load(k + i * a->stride));
  for (size_t j = 8; j < a->head_dim; j += 8) {
    const v8 q = v8_load(a->q + j);
    for (size_t i = 0; i < n; i++) lane[i] = v8_fma(q, v8_load(k + i * a->stride + j), lane[i]);
  }
  for (size_t i = 0; i < n; i++) e[i] = v8_fold(lane[i]) * a->scale;
}

/* The largest score; `e` has room for a multiple of eight. */
static float largest(float *e, size_t count) {
  float most[8];
  for (size_t i = count; i % 8 != 0; i++) e[i] = e[0];
  v8 all = v8_load(e);
  for (size_t i = 8; i < count; i += 8) all = v8_larger(all, v8_load(e + i));
  v8_store(most, all);
  for (size_t j = 1; j < 8; j++) most[0] = larger(most[0], most[j]);
  return most[0];
}

/* `width` elements of the weighted values, a number that is known to the compiler. */
PV_ARITH void weighted(const float *e, const float *v, size_t stride, size_t count, size_t width,
                       float *out) {
  v8 sum[8];
  for (size_t w = 0; w < width; w += 8) sum[w / 8] = v8_mul(v8_set(e[0]), v8_load(v + w));
  for (size_t i = 1; i < count; i++) {
    const v8 weight = v8_set(e[i]);
    for (size_t w = 0; w < width; w += 8)
      sum[w / 8] = v8_fma(weight, v8_load(v + i * stride + w), sum[w / 8]);
  }
  for (size_t w = 0; w < width; w += 8) v8_store(out + w, sum[w / 8]);
}

/* Rows of scratch: per chunk the maximum, the sum of exponentials and head_dim weighted values. */
static void attend_chunk(const pv_attend *a, size_t first, size_t count, float *top, float *sum,
                         float *value) {
  float e[PV_ATTENTION_CHUNK] = {0};
  const float *k = a->k + first * a->stride, *v = a->v + first * a->stride;
  size_t i = 0, j = 0;
  for (; i + 8 <= count; i += 8) scores(a, k + i * a->stride, 8, e + i);
  for (; i < count; i++) scores(a, k + i * a->stride, 1, e + i);
  const float m = largest(e, count);
  for (i = 0; i < count; i++) e[i] = pv_exp_f32(e[i] - m);
  for (; j + 64 <= a->head_dim; j += 64) weighted(e, v + j, a->stride, count, 64, value + j);
  for (; j < a->head_dim; j += 8) weighted(e, v + j, a->stride, count, 8, value + j);
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

/* The same of eight neighbouring terms. */
static v8 narrow_dot8(const float *factor, const float *term, size_t stride, size_t n) {
  v8 lane[PV_NARROW_LANES];
  size_t left = n < PV_NARROW_LANES ? n : PV_NARROW_LANES, half = PV_NARROW_LANES / 2;
  for (size_t c = 0; c < left; c++) lane[c] = v8_mul(v8_set(factor[c]), v8_load(term + c * stride));
  for (size_t c = PV_NARROW_LANES; c < n; c++) {
    v8 *l = &lane[c % PV_NARROW_LANES];
    *l = v8_fma(v8_set(factor[c]), v8_load(term + c * stride), *l);
  }
  for (; half > 0; half /= 2) {
    for (size_t i = 0; i + half < left; i++) lane[i] = v8_add(lane[i], lane[i + half]);
    left = left < half ? left : half;
  }
  return lane[0];
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
  for (size_t j = 0; j < a->head_dim; j += 8)
    v8_store(a->out + j, v8_div(narrow_dot8(top, value + j, a->head_dim, chunks), v8_set(total)));
}
