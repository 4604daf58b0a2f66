/* Other engines' products: see foreign.h. */
#include "kernels/foreign/foreign.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Rounding of a product and of a sum to float32, and how many of them are seen in a row of any
 * engine: a result lies within ORDERS * UNIT of the sum of magnitudes. */
#define UNIT   0x1p-24
#define ORDERS 16.0

static void round_q8_k(const double *x, size_t n, double *out) {
  float most = 0.0f, top = 0.0f;
  for (size_t i = 0; i < n; i++)
    if (fabsf((float)x[i]) > most) {
      top = (float)x[i];
      most = fabsf(top);
    }
  const float scale = -127.0f / top, d = 1.0f / scale;
  for (size_t i = 0; i < n; i++) {
    const float q = rintf(scale * (float)x[i]);
    out[i] = most == 0.0f ? 0.0 : (double)d * (double)(q > 127.0f ? 127.0f : q);
  }
}

static void round_q8_0(const double *x, size_t n, double *out) {
  float most = 0.0f;
  for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf((float)x[i]));
  const float scale = 127.0f / most, d = pv_f16_to_f32(pv_f32_to_f16(most / 127.0f));
  for (size_t i = 0; i < n; i++)
    out[i] = most == 0.0f ? 0.0 : (double)d * (double)rintf((float)x[i] * scale);
}

void pv_foreign_round(pv_rounding rounding, const double *x, size_t k, double *out) {
  const size_t block = rounding == PV_ROUND_Q8_K ? 256 : 32;
  switch (rounding) {
    case PV_ROUND_Q8_K:
    case PV_ROUND_Q8_0:
      for (size_t i = 0; i < k; i += block) {
        const size_t n = k - i < block ? k - i : block;
        (rounding == PV_ROUND_Q8_K ? round_q8_k : round_q8_0)(x + i, n, out + i);
      }
      return;
    case PV_ROUND_BF16:
      for (size_t i = 0; i < k; i++) out[i] = (double)pv_bf16_to_f32(pv_f32_to_bf16((float)x[i]));
      return;
    case PV_ROUND_F16:
      for (size_t i = 0; i < k; i++) out[i] = (double)pv_f16_to_f32(pv_f32_to_f16((float)x[i]));
      return;
    case PV_ROUND_NONE:
    case PV_ROUND_TF32:
    case PV_ROUND_ANY_8_32:
    case PV_ROUND_ANY_8:
      memmove(out, x, k * sizeof *out);
      return;
  }
}

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) \
  case PV_TYPE_##NAME:                   \
    return PV_CLASS_##NAME;
#define PV_TYPE_ROW(NAME, name, number, elements, form, ...) \
  case PV_TYPE_##NAME:                                       \
    return (elements) == 256       ? PV_CLASS_256            \
           : (form) == PV_FORM_D_M ? PV_CLASS_32_MINIMUM     \
                                   : PV_CLASS_32;
static pv_foreign_class class_of(pv_type type) {
  switch (type) {
#include "kernels/quant/list.h"
  }
  return PV_CLASS_COUNT;
}

pv_rounding pv_foreign_rounding(const pv_foreign *f, pv_type type) {
  return f->rounding[class_of(type)];
}

/* How far from x each activation may be: half a step of 8 bits of the largest of its block; of TF32
 * its own rounding and the weight's. */
static void steps_of(pv_rounding rounding, const double *x, size_t k, double *out) {
  const size_t block = rounding == PV_ROUND_ANY_8_32 ? 32 : 256;
  for (size_t i = 0; i < k; i += block) {
    const size_t end = k - i < block ? k : i + block;
    double most = 0.0;
    for (size_t j = i; j < end; j++) most = fmax(most, fabs(x[j]));
    for (size_t j = i; j < end; j++)
      out[j] = rounding == PV_ROUND_TF32 ? 0x1p-9 * fabs(x[j])
                                         : most / 253.0; /* 254, and what its own arithmetic adds */
  }
}

void pv_foreign_magnitudes(pv_type type, const unsigned char *row, size_t k, double *w) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  const bool minimum = pv_form_has_minimum(info->form);
  for (size_t i = 0; i < k && !minimum; i++) w[i] = fabs(w[i]);
  for (size_t i = 0; i < k && minimum; i++) {
    const size_t at = i % info->block_elements;
    const pv_scales s = pv_block_scales(type, row + i / info->block_elements * info->block_bytes,
                                        (unsigned)(at / 32));
    const double taken = (double)s.m * (double)s.lo[at / 16 % 2];
    const double product = info->form == PV_FORM_D_M ? w[i] - taken : w[i] + taken;
    w[i] = fabs(product) + fabs(taken);
  }
}

/* As pv_foreign_magnitudes; but the 32 that Q6_K's numbers begin below 0 is a minimum where weights
 * meet blocks of Q8_K: ggml multiplies it with sums of 16 activations, in other lanes than their
 * products, and what cancels meets in float32. */
static void add_up(const pv_foreign *f, pv_type type, const unsigned char *row, size_t k,
                   double *w) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  const bool apart = type == PV_TYPE_Q6_K && pv_foreign_rounding(f, type) == PV_ROUND_Q8_K;
  if (!apart) pv_foreign_magnitudes(type, row, k, w);
  for (size_t i = 0; i < k && apart; i++) {
    const size_t at = i % info->block_elements;
    const pv_scales s = pv_block_scales(type, row + i / info->block_elements * info->block_bytes,
                                        (unsigned)(at / 32));
    const double taken = (double)s.d * (double)(s.sc[at / 16 % 2] * info->low);
    w[i] = fabs(w[i] - taken) + fabs(taken);
  }
}

static double dot(const double *a, const double *b, size_t n) {
  double lane[8] = {0}, sum = 0.0;
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) lane[j] += a[i + j] * b[i + j];
  for (size_t j = 0; j < 8; j++) sum += lane[j];
  for (; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* What each activation contributes for weight 1: itself, or to the bound. */
static void prepare(const pv_foreign *f, const pv_exact_mm *m, const double *x, bool bound,
                    double *out) {
  const pv_rounding rounding = pv_foreign_rounding(f, m->type);
  double steps[PV_EXACT_K_MAX];
  pv_foreign_round(rounding, x, m->k, out);
  if (!bound) return;
  const bool unknown = rounding >= PV_ROUND_TF32;
  if (unknown) steps_of(rounding, x, m->k, steps);
  for (size_t i = 0; i < m->k; i++)
    out[i] = ORDERS * UNIT * fabs(out[i]) + (unknown ? steps[i] : 0.0);
}

/* Rows are decoded in groups, so that an activation is rounded once for many of them. */
static void multiply(const pv_foreign *f, const pv_exact_mm *m, bool bound) {
  double w[PV_EXACT_K_MAX], x[PV_EXACT_K_MAX];
  const size_t group = PV_EXACT_K_MAX / m->k;
  for (size_t first = 0; first < m->row_count; first += group) {
    const size_t rows = m->row_count - first < group ? m->row_count - first : group;
    for (size_t r = 0; r < rows; r++)
      pv_dequant_f64(m->type, m->rows + (first + r) * m->row_bytes, m->k, w + r * m->k);
    pv_foreign_round(f->weights, w, rows * m->k, w);
    for (size_t r = 0; r < rows && bound; r++)
      add_up(f, m->type, m->rows + (first + r) * m->row_bytes, m->k, w + r * m->k);
    for (size_t t = 0; t < m->act_count; t++) {
      prepare(f, m, m->acts[t].x, bound, x);
      for (size_t r = 0; r < rows; r++)
        m->out[t][m->first_out + first + r] = dot(w + r * m->k, x, m->k);
    }
  }
}

static void attend(const pv_exact_attend *a, pv_rounding cache) {
  double q[PV_EXACT_HEAD_MAX];
  pv_exact_attend own = *a;
  pv_foreign_round(cache, a->q, a->head_dim, q);
  own.q = q;
  pv_exact.attend(&own);
}
static void attend_f16(const pv_exact_attend *a) {
  attend(a, PV_ROUND_F16);
}
static void attend_bf16(const pv_exact_attend *a) {
  attend(a, PV_ROUND_BF16);
}
static void attend_q8_0(const pv_exact_attend *a) {
  attend(a, PV_ROUND_Q8_0);
}

void (*pv_foreign_attend(pv_rounding cache))(const pv_exact_attend *) {
  return cache == PV_ROUND_F16    ? attend_f16
         : cache == PV_ROUND_BF16 ? attend_bf16
         : cache == PV_ROUND_Q8_0 ? attend_q8_0
                                  : pv_exact.attend;
}

void pv_foreign_combine(const double *const *rows, const double *weight, size_t ranks, size_t n,
                        double *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = 0.0;
    for (size_t r = 0; r < ranks; r++) out[i] += fabs(weight[r] * rows[r][i]);
    out[i] *= (double)ranks + 2.0;
  }
}

/* In the order of pv_foreign_class. On a CPU ggml takes GELU from a table over binary16, of values
 * in binary16: two roundings of 2^-11, of which the argument's is magnified where the value is
 * small. ggml's Q8_1, which meets a minimum, keeps a sum of activations that is rounded once more,
 * to binary16. */
#define FOR(f32, f16, bf16, q8_0, q8_1, k)                                             \
  {                                                                                    \
    PV_ROUND_##f32, PV_ROUND_##f16, PV_ROUND_##bf16, PV_ROUND_##q8_0, PV_ROUND_##q8_1, \
        PV_ROUND_##k                                                                   \
  }
#define IDENTITIES(X)                                                                              \
  X(any, "any", "any engine that rounds activations to 8 bits or finer", NONE, 0.0, NONE, 0x1p-11, \
    4.0, 0x1p-9, FOR(NONE, ANY_8, ANY_8, ANY_8, ANY_8, ANY_8))                                     \
  X(float32, "float32", "float32 arithmetic, in any order", NONE, 0.0, NONE, 0x1p-20, 2.0, 0.0,    \
    FOR(NONE, NONE, NONE, NONE, NONE, NONE))                                                       \
  X(ggml_cpu, "ggml-cpu", "products as ggml makes them on a CPU", NONE, 0.0, F16, 0x1p-11, 2.0,    \
    0x1p-9, FOR(NONE, F16, BF16, Q8_0, ANY_8_32, Q8_K))                                            \
  X(ggml_cuda, "ggml-cuda", "products as ggml makes them on an NVIDIA GPU, in batches too", NONE,  \
    0.0, F16, 0x1p-11, 4.0, 0.0, FOR(TF32, ANY_8_32, ANY_8_32, ANY_8_32, ANY_8_32, ANY_8_32))      \
  X(bfloat16, "bfloat16", "weights and activations of bfloat16, and stored as that", BF16, 0x1p-8, \
    BF16, 0x1p-8, 2.0, 0.0, FOR(BF16, BF16, BF16, BF16, BF16, BF16))                               \
  X(float16, "float16", "weights and activations of binary16, and stored as that", F16, 0x1p-11, \
    F16, 0x1p-11, 2.0, 0.0, FOR(F16, F16, F16, F16, F16, F16))

enum {
#define NUMBER(id, ...) N_##id,
  IDENTITIES(NUMBER) COUNT
};
static const pv_foreign table[COUNT];

#define FUNCTIONS(id, ...)                         \
  static void product_##id(const pv_exact_mm *m) { \
    multiply(&table[N_##id], m, false);            \
  }                                                \
  static void bound_##id(const pv_exact_mm *m) {   \
    multiply(&table[N_##id], m, true);             \
  }
IDENTITIES(FUNCTIONS)

#define ROW(id, name, about, weights, stored, cache, attend, turn, gelu, ...)   \
  {name,   about, __VA_ARGS__, PV_ROUND_##weights, stored,    PV_ROUND_##cache, \
   attend, turn,  gelu,        product_##id,       bound_##id},
static const pv_foreign table[COUNT] = {IDENTITIES(ROW)};

const pv_foreign *pv_foreign_at(size_t n) {
  return n < COUNT ? &table[n] : NULL;
}

static const struct {
  const char *name;
  pv_rounding rounding;
} caches[] = {{"f32", PV_ROUND_NONE},
              {"f16", PV_ROUND_F16},
              {"bf16", PV_ROUND_BF16},
              {"q8_0", PV_ROUND_Q8_0}};
enum { CACHES = sizeof caches / sizeof *caches };

const char *pv_foreign_cache(size_t n) {
  return n < CACHES ? caches[n].name : NULL;
}

static const pv_foreign *find(const char *name, size_t length) {
  for (size_t i = 0; i < COUNT; i++)
    if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
      return &table[i];
  return NULL;
}

bool pv_foreign_read(const char *text, pv_foreign *out) {
  const size_t length = strcspn(text, "/");
  const pv_foreign *found = find(text, length);
  size_t c = 0;
  while (text[length] != '\0' && c < CACHES && strcmp(caches[c].name, text + length + 1) != 0) c++;
  if (found == NULL || c == CACHES) return false;
  *out = *found;
  if (text[length] != '\0') out->cache = caches[c].rounding;
  if (out->cache == PV_ROUND_BF16) out->attend = fmax(out->attend, 0x1p-9); /* so are weights */
  return true;
}

void pv_foreign_text(const pv_foreign *f, char *out, size_t size) {
  const pv_foreign *usual = find(f->name, strlen(f->name));
  size_t c = 0;
  while (c < CACHES && caches[c].rounding != f->cache) c++;
  snprintf(out, size, "%s%s%s", f->name, usual->cache != f->cache ? "/" : "",
           usual->cache != f->cache ? caches[c].name : "");
}
