/* Kernels with one thing wrong each; the rest of them is the definition's. */
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "kernels/arith/arith.h"
#include "runtime/faults/faults.h"

static void mm_8bit(const pv_mm *mm) {
  pv_mm coarse = *mm;
  if (mm->product == PV_PRODUCT_I16) coarse.product = PV_PRODUCT_I8;
  pv_definition.mm(&coarse);
}
const pv_cpu_path pv_fault_activations_8bit = {.mm = mm_8bit};

/* Every product by its own rule for one element. */
typedef float (*dot_rule)(const pv_mm *mm, const unsigned char *row, const float *x);

static void mm_by(const pv_mm *mm, dot_rule dot) {
  for (size_t t = 0; t < mm->act_count; t++)
    for (size_t r = 0; r < mm->row_count; r++)
      mm->out[t][mm->first_out + r] = dot(mm, mm->rows + r * mm->row_bytes, mm->acts[t].x);
}

/* 32 lanes as defined, but in float32. */
static float dot_f32(const pv_mm *mm, const unsigned char *row, const float *x) {
  float w[PV_K_MAX], lane[32] = {0};
  pv_dequant_f32(mm->type, row, mm->k, w);
  for (size_t i = 0; i < mm->k; i++) lane[i % 32] = pv_fma_f32(w[i], x[i], lane[i % 32]);
  return pv_definition_fold(lane, 32);
}
static void mm_f32(const pv_mm *mm) {
  mm_by(mm, dot_f32);
}
const pv_cpu_path pv_fault_f32_accumulator = {.mm = mm_f32};

/* What the fold of a row adds: blocks of a quantised row, products of a plain one. */
static size_t terms(const pv_mm *mm, const unsigned char *row, const float *x, float *value) {
  if (pv_type_get(mm->type)->quantised) return pv_definition_blocks(mm, row, x, value);
  pv_dequant_f32(mm->type, row, mm->k, value);
  for (size_t i = 0; i < mm->k; i++) value[i] = value[i] * x[i];
  return mm->k;
}

static float dot_left_to_right(const pv_mm *mm, const unsigned char *row, const float *x) {
  float value[PV_K_MAX], sum = 0.0f;
  const size_t n = terms(mm, row, x, value);
  for (size_t i = 0; i < n; i++) sum += value[i];
  return sum;
}
static void mm_left_to_right(const pv_mm *mm) {
  mm_by(mm, dot_left_to_right);
}
const pv_cpu_path pv_fault_other_order = {.mm = mm_left_to_right};

/* Another order in every process. */
static float dot_any_order(const pv_mm *mm, const unsigned char *row, const float *x) {
  float value[PV_K_MAX];
  const size_t n = terms(mm, row, x, value);
  uint64_t state = (uint64_t)getpid();
  for (size_t i = n; i > 1; i--) {
    const size_t j = (size_t)(pv_random_lcg(&state) % i);
    const float kept = value[i - 1];
    value[i - 1] = value[j];
    value[j] = kept;
  }
  float sum = 0.0f;
  for (size_t i = 0; i < n; i++) sum += value[i];
  return sum;
}
static void mm_any_order(const pv_mm *mm) {
  mm_by(mm, dot_any_order);
}
const pv_cpu_path pv_fault_random_order = {.mm = mm_any_order};

/* Of the two products of a sum the other one is fused: a compiler may choose. */
static void turn_contracted(float *x, float *y, float cos, float sin) {
  const float a = *x, b = *y;
  *x = pv_fma_f32(-b, sin, a * cos);
  *y = pv_fma_f32(a, sin, b * cos);
}
static void rope_contracted(float *x, size_t n, const float *cos, const float *sin) {
  for (size_t i = 0; i < n / 2; i++) turn_contracted(&x[i], &x[i + n / 2], cos[i], sin[i]);
}
static void neighbours_contracted(float *x, size_t n, const float *cos, const float *sin) {
  for (size_t i = 0; i < n / 2; i++) turn_contracted(&x[2 * i], &x[2 * i + 1], cos[i], sin[i]);
}
static void combine_contracted(const float *const *rows, const float *weight, size_t ranks,
                               size_t n, float *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = weight[0] * rows[0][i];
    if (ranks > 1) out[i] = pv_fma_f32(weight[0], rows[0][i], weight[1] * rows[1][i]);
    for (size_t r = 2; r < ranks; r++) out[i] = pv_fma_f32(weight[r], rows[r][i], out[i]);
  }
}
const pv_cpu_path pv_fault_contraction = {.rope = rope_contracted,
                                          .rope_neighbours = neighbours_contracted,
                                          .combine = combine_contracted};

/* exp(x) as 2^(x log2 e) with the product rounded first: its error grows with |x|. */
static float exp_by_two(float x) {
  const float t = x * 0x1.715476p+0f;
  return pv_exp_f32(t * 0x1.62e43p-1f);
}
static void swiglu_approximate(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] / (1.0f + exp_by_two(-gate[i])) * up[i];
}
static void geglu_approximate(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) {
    const float x = gate[i], z = x * pv_fma_f32(0x1.2444f2p-4f, x * x, 0x1.988454p+0f);
    out[i] = x / (1.0f + exp_by_two(-z)) * up[i];
  }
}
static void swiglu_clamped_approximate(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) {
    const float g = gate[i] > 7.0f ? 7.0f : gate[i];
    const float u = up[i] > 7.0f ? 7.0f : up[i] < -7.0f ? -7.0f : up[i];
    out[i] = g / (1.0f + exp_by_two(-1.702f * g)) * (u + 1.0f);
  }
}
const pv_cpu_path pv_fault_approximate_exp = {.swiglu = swiglu_approximate,
                                              .geglu = geglu_approximate,
                                              .swiglu_clamped = swiglu_clamped_approximate};

/* Of equal logits the later expert is taken: the definition's choice over mirrored experts. */
static void route_reversed(pv_route_form form, const float *logits, size_t n, size_t used,
                           int32_t *indices, float *weights) {
  float mirrored[PV_EXPERTS_MAX];
  for (size_t i = 0; i < n; i++) mirrored[i] = logits[n - 1 - i];
  pv_definition.route(form, mirrored, n, used, indices, weights);
  for (size_t r = 0; r < used; r++) indices[r] = (int32_t)n - 1 - indices[r];
}
const pv_cpu_path pv_fault_tie_reversed = {.route = route_reversed};

static void route_not_renormalised(pv_route_form form, const float *logits, size_t n, size_t used,
                                   int32_t *indices, float *weights) {
  float sum = 0.0f;
  pv_definition.route(form, logits, n, used, indices, weights);
  const float top = logits[indices[0]];
  for (size_t i = 0; i < n; i++) sum += pv_exp_f32(logits[i] - top);
  for (size_t r = 0; r < used; r++) weights[r] = pv_exp_f32(logits[indices[r]] - top) / sum;
}
const pv_cpu_path pv_fault_not_renormalised = {.route = route_not_renormalised};

/* Softmax over the chosen alone: the same on paper, other roundings. */
static void route_softmax_after(pv_route_form form, const float *logits, size_t n, size_t used,
                                int32_t *indices, float *weights) {
  float sum = 0.0f;
  pv_definition.route(form, logits, n, used, indices, weights);
  for (size_t r = 0; r < used; r++) {
    weights[r] = pv_exp_f32(logits[indices[r]] - logits[indices[0]]);
    sum += weights[r];
  }
  for (size_t r = 0; r < used; r++) weights[r] = weights[r] / sum;
}
const pv_cpu_path pv_fault_softmax_after = {.route = route_softmax_after};

static void combine_without_last(const float *const *rows, const float *weight, size_t ranks,
                                 size_t n, float *out) {
  pv_definition.combine(rows, weight, ranks > 1 ? ranks - 1 : ranks, n, out);
}
const pv_cpu_path pv_fault_expert_dropped = {.combine = combine_without_last};

static void combine_permuted(const float *const *rows, const float *weight, size_t ranks, size_t n,
                             float *out) {
  float permuted[PV_EXPERTS_MAX];
  for (size_t r = 0; r < ranks; r++) permuted[r] = weight[(r + 1) % ranks];
  pv_definition.combine(rows, permuted, ranks, n, out);
}
const pv_cpu_path pv_fault_weights_permuted = {.combine = combine_permuted};

static void rope_for_neighbours(float *x, size_t n, const float *cos, const float *sin) {
  pv_definition.rope(x, n, cos, sin);
}
static void neighbours_for_rope(float *x, size_t n, const float *cos, const float *sin) {
  pv_definition.rope_neighbours(x, n, cos, sin);
}
const pv_cpu_path pv_fault_rope_pairs = {.rope = neighbours_for_rope,
                                         .rope_neighbours = rope_for_neighbours};

static void no_norm(const float *x, const float *weight, size_t n, float eps, float *out) {
  (void)weight;
  (void)eps;
  memcpy(out, x, n * sizeof *out);
}
const pv_cpu_path pv_fault_no_norm = {.rmsnorm = no_norm};

/* Products whose rows are read as a fault of the block formats reads them. */
static void mm_reading(const pv_mm *mm, const char *name) {
  const pv_fault *fault = pv_fault_find(name);
  _Alignas(8) unsigned char row[4 * PV_K_MAX];
  pv_mm one = *mm;
  one.row_count = 1;
  one.rows = row;
  for (size_t r = 0; r < mm->row_count; r++) {
    one.first_out = mm->first_out + r;
    one.type = pv_fault_read_row(fault, mm->type, mm->rows + r * mm->row_bytes, mm->k, row);
    pv_definition.mm(&one);
  }
}

static void gather_reading(pv_type type, const void *from, uint64_t count, float *out,
                           const char *name) {
  _Alignas(8) unsigned char row[4 * PV_K_MAX];
  type = pv_fault_read_row(pv_fault_find(name), type, from, count, row);
  pv_definition.gather(type, row, count, out);
}

#define READER(part, name)                                                               \
  static void mm_##part(const pv_mm *mm) {                                               \
    mm_reading(mm, name);                                                                \
  }                                                                                      \
  static void gather_##part(pv_type type, const void *row, uint64_t count, float *out) { \
    gather_reading(type, row, count, out, name);                                         \
  }                                                                                      \
  const pv_cpu_path pv_fault_##part##_kernels = {.mm = mm_##part, .gather = gather_##part};
READER(scale_and_min, "swapped_scale_and_min")
READER(high_bits, "high_bits_dropped")
READER(short, "superblock_short")
READER(q4k_as_q6k, "q4k_read_as_q6k")
READER(q6k_as_q4k, "q6k_read_as_q4k")
READER(sub_scale, "wrong_sub_scale")

static void mm_subnormals(const pv_mm *mm) {
  mm_reading(mm, "flushed_subnormals");
}
static void swiglu_flushed(const float *gate, const float *up, size_t n, float *out) {
  pv_definition.swiglu(gate, up, n, out);
  for (size_t i = 0; i < n; i++)
    if (out[i] > -0x1p-126f && out[i] < 0x1p-126f) out[i] = 0.0f;
}
const pv_cpu_path pv_fault_subnormals_kernels = {.mm = mm_subnormals, .swiglu = swiglu_flushed};
