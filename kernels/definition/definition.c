/* Every kernel as kernels/arith/act.h words it: the shortest loop that does that. */
#include <math.h>
#include <string.h>

#include "kernels/arith/arith.h"
#include "kernels/arith/rope.h"
#include "kernels/definition/definition.h"

/* The tree of act.h from its root: elements 2 steps apart meet before those 1 step apart. */
static float tree(const float *v, size_t start, size_t step, size_t n) {
  if (start + step >= n) return v[start];
  return tree(v, start, 2 * step, n) + tree(v, start + step, 2 * step, n);
}

float pv_definition_fold(const float *v, size_t n) {
  return n == 0 ? 0.0f : tree(v, 0, 1, n);
}

/* A wide or narrow sum of products: lane j takes elements j, j + lanes, ... */
static float lanes_dot(const float *a, const float *b, size_t stride_b, size_t n, size_t lanes) {
  float lane[PV_WIDE_LANES];
  for (size_t i = 0; i < n; i++)
    lane[i % lanes] =
        i < lanes ? a[i] * b[i * stride_b] : pv_fma_f32(a[i], b[i * stride_b], lane[i % lanes]);
  return pv_definition_fold(lane, n < lanes ? n : lanes);
}

static float wide_sum(const float *x, size_t n) {
  float lane[PV_WIDE_LANES];
  for (size_t i = 0; i < n; i++)
    lane[i % PV_WIDE_LANES] = i < PV_WIDE_LANES ? x[i] : lane[i % PV_WIDE_LANES] + x[i];
  return pv_definition_fold(lane, n < PV_WIDE_LANES ? n : PV_WIDE_LANES);
}

typedef struct act_block { /* rounded activations */
  float d;
  int32_t q[PV_BLOCK_MAX];
} act_block;

static act_block round_block(const float *x, size_t n, float max) {
  act_block s = {0};
  float a = 0.0f;
  bool finite = true;
  for (size_t i = 0; i < n; i++) {
    finite = finite && isfinite(x[i]);
    if (fabsf(x[i]) > a) a = fabsf(x[i]);
  }
  if (!finite) {
    s.d = NAN;
    return s;
  }
  if (a < PV_ACT_TINY) return s;
  s.d = a / max;
  for (size_t i = 0; i < n; i++) s.q[i] = (int32_t)rintf(x[i] * (max / a));
  return s;
}

/* Value of a block with integers `w`. */
static float block_value(const pv_type_info *type, const void *block, const int8_t *w,
                         const act_block *x) {
  pv_scales b = {0};
  int64_t products = 0, minima = 0;
  for (unsigned first = 0; first < type->block_elements; first += 16) {
    const unsigned half = first / 16 % 2;
    b = pv_block_scales(type->type, block, first / PV_SEGMENT);
    for (unsigned i = first; i < first + 16; i++) {
      products += (int64_t)b.sc[half] * w[i] * x->q[i];
      minima += (int64_t)b.lo[half] * x->q[i];
    }
  }
  const float all = b.d * (float)products;
  if (!pv_form_has_minimum(type->form)) return x->d * all;
  return x->d * pv_fma_f32(type->form == PV_FORM_D_M ? b.m : -b.m, (float)minima, all);
}

size_t pv_definition_blocks(const pv_mm *mm, const unsigned char *row, const float *x,
                            float *value) {
  const pv_type_info *type = pv_type_get(mm->type);
  const float max = mm->product == PV_PRODUCT_I8 ? PV_ACT8_MAX : PV_ACT16_MAX;
  size_t count = 0;
  for (size_t at = 0; at < mm->k; at += type->block_elements) {
    const unsigned char *block = row + at / type->block_elements * type->block_bytes;
    int8_t w[PV_BLOCK_MAX];
    pv_block_integers(type->type, block, w);
    const act_block s = round_block(x + at, type->block_elements, max);
    value[count++] = block_value(type, block, w, &s);
  }
  return count;
}

static float dot_f64acc(const pv_mm *mm, const unsigned char *row, const float *x) {
  enum { LANES = 32, CHUNK = 256 };
  const pv_type_info *type = pv_type_get(mm->type);
  double lane[LANES] = {0}, w[CHUNK];
  float rounded[LANES];
  for (size_t at = 0; at < mm->k; at += CHUNK) {
    const size_t n = mm->k - at < CHUNK ? mm->k - at : CHUNK;
    double chunk[LANES] = {0};
    pv_dequant_f64(mm->type, row + at / type->block_elements * type->block_bytes, n, w);
    for (size_t i = 0; i < n; i++)
      chunk[i % LANES] = pv_fma_f64(w[i], (double)x[at + i], chunk[i % LANES]);
    for (size_t l = 0; l < LANES; l++) lane[l] += chunk[l];
  }
  for (size_t l = 0; l < LANES; l++) rounded[l] = (float)lane[l];
  return pv_definition_fold(rounded, LANES);
}

static float dot(const pv_mm *mm, const unsigned char *row, const float *x) {
  float value[PV_K_MAX];
  if (mm->product == PV_PRODUCT_F64ACC) return dot_f64acc(mm, row, x);
  if (pv_type_get(mm->type)->quantised)
    return pv_definition_fold(value, pv_definition_blocks(mm, row, x, value));
  pv_dequant_f32(mm->type, row, mm->k, value);
  return lanes_dot(value, x, 1, mm->k, PV_WIDE_LANES);
}

static void mm(const pv_mm *m) {
  for (size_t t = 0; t < m->act_count; t++)
    for (size_t r = 0; r < m->row_count; r++)
      m->out[t][m->first_out + r] = dot(m, m->rows + r * m->row_bytes, m->acts[t].x);
}

static void rmsnorm(const float *x, const float *weight, size_t n, float eps, float *out) {
  const float mean = lanes_dot(x, x, 1, n, PV_WIDE_LANES) / (float)n;
  const float s = 1.0f / sqrtf(mean + eps);
  for (size_t i = 0; i < n; i++) out[i] = (x[i] * s) * weight[i];
}

static void rope(float *x, size_t n, const float *cos, const float *sin) {
  for (size_t i = 0; i < n / 2; i++) {
    const float a = x[i], b = x[i + n / 2];
    x[i] = pv_fma_f32(a, cos[i], -(b * sin[i]));
    x[i + n / 2] = pv_fma_f32(b, cos[i], a * sin[i]);
  }
}

static void rope_neighbours(float *x, size_t n, const float *cos, const float *sin) {
  for (size_t i = 0; i < n / 2; i++) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = pv_fma_f32(a, cos[i], -(b * sin[i]));
    x[2 * i + 1] = pv_fma_f32(b, cos[i], a * sin[i]);
  }
}

/* The largest; a NaN wins, so that it is seen. */
static float largest(const float *x, size_t n) {
  float top = x[0];
  for (size_t i = 1; i < n; i++)
    if (x[i] > top || isnan(x[i])) top = x[i];
  return top;
}

/* Each chunk of positions with its own maximum; the chunks by narrow sums. Scratch: for each chunk
 * its maximum, its sum and head_dim weighted values. */
static void attend(const pv_attend *a) {
  const size_t dim = a->head_dim;
  const size_t chunks = (a->positions + PV_ATTENTION_CHUNK - 1) / PV_ATTENTION_CHUNK;
  float *top = a->scratch, *sum = top + chunks, *value = sum + chunks;
  for (size_t c = 0; c < chunks; c++) {
    const size_t first = c * PV_ATTENTION_CHUNK, left = a->positions - first;
    const size_t n = left < PV_ATTENTION_CHUNK ? left : PV_ATTENTION_CHUNK;
    const float *k = a->k + first * a->stride, *v = a->v + first * a->stride;
    float e[PV_ATTENTION_CHUNK] = {0};
    for (size_t i = 0; i < n; i++)
      e[i] = lanes_dot(a->q, k + i * a->stride, 1, dim, PV_NARROW_LANES) * a->scale;
    top[c] = largest(e, n);
    for (size_t i = 0; i < n; i++) e[i] = pv_exp_f32(e[i] - top[c]);
    sum[c] = pv_definition_fold(e, n);
    for (size_t j = 0; j < dim; j++) {
      float acc = e[0] * v[j];
      for (size_t i = 1; i < n; i++) acc = pv_fma_f32(e[i], v[i * a->stride + j], acc);
      value[c * dim + j] = acc;
    }
  }
  const float of_chunks = largest(top, chunks), sink = a->sink != NULL ? *a->sink : of_chunks;
  const float m = largest((const float[]){of_chunks, sink}, 2);
  for (size_t c = 0; c < chunks; c++) top[c] = pv_exp_f32(top[c] - m);
  float total = lanes_dot(top, sum, 1, chunks, PV_NARROW_LANES);
  if (a->sink != NULL) total += pv_exp_f32(sink - m);
  for (size_t j = 0; j < dim; j++)
    a->out[j] = lanes_dot(top, value + j, dim, chunks, PV_NARROW_LANES) / total;
}

static void swiglu(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_swiglu_f32(gate[i], up[i]);
}

static void geglu(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_geglu_f32(gate[i], up[i]);
}

static void swiglu_clamped(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_swiglu_clamped_f32(gate[i], up[i]);
}

static void gate(const float *x, float logit, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = pv_gate_f32(x[i], logit);
}

static void scale(const float *x, float factor, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = x[i] * factor;
}

static void add(const float *a, const float *b, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

static void combine(const float *const *rows, const float *weight, size_t ranks, size_t n,
                    float *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = weight[0] * rows[0][i];
    for (size_t r = 1; r < ranks; r++) out[i] = pv_fma_f32(weight[r], rows[r][i], out[i]);
  }
}

static void route(pv_route_form form, const float *logits, size_t n, size_t used, int32_t *indices,
                  float *weights) {
  float p[PV_EXPERTS_MAX];
  for (size_t i = 0; i < n; i++) { /* rank by counting who comes before */
    size_t rank = 0;
    for (size_t j = 0; j < n; j++)
      rank += j != i && pv_before(logits[j], (int64_t)j, logits[i], (int64_t)i);
    if (rank < used) indices[rank] = (int32_t)i;
  }
  for (size_t i = 0; i < n; i++) p[i] = pv_exp_f32(logits[i] - logits[indices[0]]);
  const float all = form == PV_ROUTE_CHOSEN ? 1.0f : wide_sum(p, n);
  for (size_t r = 0; r < used; r++) weights[r] = p[indices[r]] / all;
  if (form == PV_ROUTE_ALL) return;
  const float kept = wide_sum(weights, used);
  for (size_t r = 0; r < used; r++) weights[r] = weights[r] / kept;
}

static int32_t argmax(const float *x, size_t n) {
  int32_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (pv_before(x[i], (int64_t)i, x[best], best)) best = (int32_t)i;
  return best;
}

const pv_cpu_path pv_definition = {.name = "definition",
                                   .gather = pv_dequant_f32,
                                   .mm = mm,
                                   .rmsnorm = rmsnorm,
                                   .angles = pv_rope_row,
                                   .rope = rope,
                                   .rope_neighbours = rope_neighbours,
                                   .attend_scratch = pv_attend_scratch,
                                   .attend = attend,
                                   .swiglu = swiglu,
                                   .geglu = geglu,
                                   .swiglu_clamped = swiglu_clamped,
                                   .gate = gate,
                                   .bias = add,
                                   .scale = scale,
                                   .add = add,
                                   .combine = combine,
                                   .route = route,
                                   .argmax = argmax};

pv_cpu_path pv_definition_with(const pv_cpu_path *replaced) {
  pv_cpu_path all = pv_definition;
  if (replaced == NULL) return all;
#define REPLACE(member) \
  if (replaced->member != NULL) all.member = replaced->member
  REPLACE(gather);
  REPLACE(mm);
  REPLACE(rmsnorm);
  REPLACE(angles);
  REPLACE(rope);
  REPLACE(rope_neighbours);
  REPLACE(attend);
  REPLACE(swiglu);
  REPLACE(geglu);
  REPLACE(swiglu_clamped);
  REPLACE(gate);
  REPLACE(bias);
  REPLACE(scale);
  REPLACE(add);
  REPLACE(combine);
  REPLACE(route);
  REPLACE(argmax);
#undef REPLACE
  return all;
}
