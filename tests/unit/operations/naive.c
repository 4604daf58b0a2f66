#include "tests/unit/operations/naive.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/quant/quant.h"
#include "tests/unit/testing.h"

enum { LONGEST = 151936 };
static float terms[LONGEST], weights[LONGEST];

static float cut(float x, defect d) {
  uint32_t bits;
  if (d == HALF_SUM) return pv_f16_to_f32(pv_f32_to_f16(x));
  if (d == BF16_SUM) return pv_bf16_to_f32(pv_f32_to_bf16(x));
  if (d == FLUSHED) return fabsf(x) < 0x1p-126f ? 0.0f : x;
  if (d != TF32_FACTORS) return x;
  memcpy(&bits, &x, sizeof bits);
  bits &= 0xffffe000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static float off(float x, defect d) {
  return d == APPROXIMATE ? nextafterf(nextafterf(x, INFINITY), INFINITY) : cut(x, d);
}

static float in_pairs(const float *t, size_t n) {
  return n == 1 ? t[0] : in_pairs(t, n / 2) + in_pairs(t + n / 2, n - n / 2);
}

static float add_up(const float *t, size_t n, defect d) {
  float lane[32] = {0}, sum = 0.0f;
  if (d == PAIRWISE) return in_pairs(t, n);
  if (d == BLOCKED) {
    for (size_t i = 0; i < n; i++) lane[i % 32] += t[i];
    return in_pairs(lane, 32);
  }
  for (size_t i = 0; i < (d == DROPPED && n > 1 ? n - 1 : n); i++)
    sum = d == HALF_SUM || d == BF16_SUM || d == FLUSHED ? cut(sum + t[i], d) : sum + t[i];
  return sum;
}

/* A row of weights, with the defects that a kernel may have in reading them. */
static void read_row(pv_type type, const unsigned char *row, size_t k, defect d, float *out) {
  const pv_type_info *info = pv_type_get((uint32_t)type);
  unsigned char block[256];
  uint8_t sc[8], m[8];
  if (d != WRONG_SCALE && d != NO_MINIMUM) {
    pv_dequant_f32(type, row, k, out);
    return;
  }
  for (size_t i = 0; i < k; i += info->block_elements, row += info->block_bytes) {
    memcpy(block, row, info->block_bytes);
    if (d == NO_MINIMUM) memset(block + 2, 0, 2);
    if (d == WRONG_SCALE && (type == PV_TYPE_Q4_K || type == PV_TYPE_Q5_K)) {
      pv_k4_scales(block + 4, sc, m);
      sc[7] = sc[6];
      pv_k4_pack(sc, m, block + 4);
    }
    if (d == WRONG_SCALE && type == PV_TYPE_Q6_K) block[192 + 15] = block[192 + 14];
    if (d == WRONG_SCALE && type == PV_TYPE_Q8_0 && i > 0) memcpy(block, row - 34, 2);
    pv_dequant_f32(type, block, info->block_elements, out + i);
  }
}

static void products(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
                     naive *out) {
  const bool experts = strstr(op->name, "experts") != NULL;
  const pv_op_values *y = &v[experts ? 3 : 2];
  float *to = out->real[experts ? 3 : 2];
  const size_t k = v[0].row, used = experts ? c->size[4] : 1, sources = experts ? c->size[5] : 1;
  for (size_t r = 0; r < v[0].rows; r++) {
    read_row(op->type, v[0].bytes + r * v[0].row_bytes, k, d, weights);
    for (size_t s = 0; s < y->rows; s++) {
      if (experts && (size_t)v[2].index[s] != r / y->row) continue;
      const size_t from = s / used * sources + s % used % sources;
      for (size_t i = 0; i < k; i++) {
        const float product = cut(weights[i], d) * cut(v[1].real[from * k + i], d);
        terms[i] = d == TF32_FACTORS ? product : cut(product, d);
      }
      if (d == LAST_ROW_MISSING && r % y->row == y->row - 1) continue;
      to[s * y->row + r % y->row] = add_up(terms, k, d);
    }
  }
}

static void of_bytes(const pv_op_values *v, defect d, naive *out) {
  const size_t k = v[0].row;
  for (size_t r = 0; r < v[0].rows; r++)
    for (size_t b = 0; b < v[2].rows; b++) {
      const float scale = d == NO_WEIGHT ? 1.0f : v[1].real[d == SHIFTED && r > 0 ? r - 1 : r];
      for (size_t i = 0; i < k; i++)
        terms[i] = (float)(int8_t)v[0].bytes[r * k + i] * v[2].real[b * k + i];
      out->real[3][b * v[3].row + r] = scale * add_up(terms, k, d);
    }
}

static void grouped(const pv_op_case *c, const pv_op_values *v, defect d, naive *out) {
  const size_t k = v[0].row, group = c->size[3];
  for (size_t r = 0; r < v[0].rows; r++)
    for (size_t b = 0; b < v[3].rows; b++) {
      for (size_t i = 0; i < k; i++) {
        const size_t g = r * v[2].row + (d == WRONG_SCALE ? 0 : i / group);
        const int32_t zero = d == NO_WEIGHT ? 1 : v[1].index[g];
        const size_t from = d == SHIFTED ? (i + 1) % k : i;
        const float w = (float)(v[0].index[r * k + from] - zero) * v[2].real[g];
        terms[i] = cut(w, d) * cut(v[3].real[b * k + i], d);
      }
      if (d != LAST_ROW_MISSING || r + 1 < v[0].rows)
        out->real[4][b * v[4].row + r] = add_up(terms, k, d);
    }
}

static float gelu(float x) {
  return 0.5f * x * (1.0f + tanhf(0.79788456f * x * (1.0f + 0.044715f * x * x)));
}

static void elements(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
                     naive *out) {
  const size_t last = pv_operation_tensors(op) - 1, count = v[0].rows * v[0].row;
  float *y = out->real[last];
  for (size_t i = 0; i < count; i++) {
    const float x = cut(v[0].real[i], d), e = off(expf(-x), d);
    const float other = last == 2 && d != NO_WEIGHT ? cut(v[1].real[i], d) : 1.0f;
    if (strcmp(op->name, "swiglu") == 0) y[i] = cut(cut(x / (1.0f + e), d) * other, d);
    if (strcmp(op->name, "silu") == 0) y[i] = cut(x / (1.0f + e), d);
    if (strcmp(op->name, "gelu") == 0) y[i] = cut(gelu(x), d);
    if (strcmp(op->name, "add") == 0) y[i] = cut(x + other, d);
    if (strcmp(op->name, "scale") == 0) y[i] = cut(x * (float)c->scalar[0], d);
  }
  if (d == SHIFTED) memmove(y + 1, y, (count - 1) * sizeof *y);
  if (d == LAST_ROW_MISSING) y[count - 1] = 0.0f;
}

static void norms(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
                  naive *out) {
  const size_t last = pv_operation_tensors(op) - 1, k = v[0].row;
  const bool added = last == 3 && v[1].rows == v[0].rows && strcmp(op->name, "add_rmsnorm") == 0;
  const bool layer = strcmp(op->name, "layernorm") == 0;
  const float *weight = v[added ? 2 : 1].real, eps = d == NO_EPS ? 0.0f : (float)c->scalar[0];
  for (size_t r = 0; r < v[0].rows; r++) {
    float row[5120], mean = 0.0f;
    for (size_t i = 0; i < k; i++) {
      row[i] = v[0].real[r * k + i];
      if (!added) continue;
      row[i] += v[1].real[r * k + i];
      out->real[1][r * k + i] = row[i];
    }
    if (layer) mean = add_up(row, k, d) / (float)k;
    for (size_t i = 0; i < k; i++) terms[i] = (row[i] - mean) * (row[i] - mean);
    const float scale = 1.0f / off(sqrtf(add_up(terms, k, d) / (float)k + eps), d);
    for (size_t i = 0; i < k; i++) {
      const float w =
          d == NO_WEIGHT || last == 1 ? 1.0f : weight[d == SHIFTED && i > 0 ? i - 1 : i];
      out->real[last][r * k + i] = (row[i] - mean) * scale * w + (layer ? v[2].real[i] : 0.0f);
    }
  }
}

static void softmax(const pv_op_values *v, defect d, naive *out) {
  const size_t k = v[0].row;
  for (size_t r = 0; r < v[0].rows; r++) {
    const float *x = v[0].real + r * k;
    float top = -INFINITY;
    for (size_t i = 0; i < k; i++) top = fmaxf(top, x[i]);
    for (size_t i = 0; i < k; i++) terms[i] = off(expf(x[i] - top), d);
    const float sum = add_up(terms, k, d);
    for (size_t i = 0; i < k; i++) out->real[1][r * k + i] = terms[i] / sum;
    if (d == SHIFTED) memmove(out->real[1] + r * k + 1, out->real[1] + r * k, (k - 1) * sizeof sum);
  }
}

static void choose(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
                   naive *out) {
  const size_t k = v[0].row, last = pv_operation_tensors(op) - 1;
  const size_t used = last == 1 ? 1 : c->size[2];
  for (size_t r = 0; r < v[0].rows; r++) {
    const float *x = v[0].real + r * k;
    int32_t *ids = out->index[last] + r * used;
    float all = 0.0f, kept = 0.0f, top = x[0];
    for (size_t i = 0; i < k; i++) top = fmaxf(top, x[i]);
    for (size_t i = 0; i < k; i++) all += terms[i] = expf(x[i] - top);
    for (size_t u = 0; u < used; u++) {
      /* Of a tie the last one: any will do. Of the router by what exp made of it. */
      const float *by = last == 1 ? x : terms;
      int32_t best = -1;
      for (size_t i = 0; i < (d == DROPPED && k > 1 ? k - 1 : k); i++) {
        bool taken = false;
        for (size_t w = 0; w < u; w++) taken = taken || ids[w] == (int32_t)i;
        if (!taken && (best < 0 || by[i] >= by[best])) best = (int32_t)i;
      }
      ids[u] = best < 0 ? 0 : best;
      kept += terms[ids[u]];
    }
    const float by = (strcmp(op->name, "topk_softmax") == 0) == (d != SHIFTED) ? all : kept;
    for (size_t u = 0; last == 2 && u < used; u++) out->real[1][r * used + u] = terms[ids[u]] / by;
  }
}

static void blocks(const pv_operation *op, const pv_op_values *v, defect d, naive *out) {
  const size_t last = pv_operation_tensors(op) - 1, k = v[last].row;
  for (size_t r = 0; r < v[last].rows; r++) {
    const size_t from = last == 2 ? (size_t)v[1].index[r] : r;
    if (op->tensor[last].element == PV_OP_PACKED) {
      memcpy(terms, v[0].real + r * k, k * sizeof *terms);
      for (size_t i = 0; d == SHIFTED && i < k; i++) terms[i] *= 1.02f;
      for (size_t i = 0; i < k;
           i += 32) { /* what is not finite can not be stored, and is not judged */
        unsigned char *to = out->bytes[1] + r * v[1].row_bytes;
        (void)pv_format_encode(op->packed, terms + i, 32, to + pv_format_bytes(op->packed, i));
      }
      continue;
    }
    float *to = out->real[last] + r * k;
    read_row(op->type, v[0].bytes + from * v[0].row_bytes, k, d, to);
    for (size_t i = 0; i < k; i++) to[i] = cut(to[i], d);
    if (d == DROPPED) to[k - 1] = 0.0f;
  }
}

static void turn(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
                 naive *out) {
  const size_t dim = c->size[0], heads = c->size[1];
  const bool pairs = (strcmp(op->name, "rope_pairs") == 0) == (d != SHIFTED);
  for (size_t h = 0; h < heads * v[0].rows; h++) {
    const float position = (float)v[1].index[h / heads] + (d == DROPPED ? 1.0f : 0.0f);
    const float *x = v[0].real + h * dim;
    float *y = out->real[2] + h * dim;
    for (size_t i = 0; i < dim / 2; i++) {
      const float angle = position * powf((float)c->scalar[0], -2.0f * (float)i / (float)dim);
      const size_t one = pairs ? 2 * i : i, two = pairs ? one + 1 : one + dim / 2;
      y[one] = x[one] * cosf(angle) - x[two] * sinf(angle);
      y[two] = x[two] * cosf(angle) + x[one] * sinf(angle);
    }
  }
}

static void attend(const pv_op_case *c, const pv_op_values *v, defect d, naive *out) {
  const size_t dim = c->size[0], heads = c->size[1], kv = c->size[2], width = kv * dim;
  const size_t positions = c->size[3] - (d == DROPPED && c->size[3] > 1 ? 1 : 0);
  for (size_t h = 0; h < heads; h++) {
    const size_t first = h / (heads / kv) * dim;
    float score[1024], top = -INFINITY, sum = 0.0f;
    for (size_t p = 0; p < positions; p++) {
      for (size_t i = 0; i < dim; i++)
        terms[i] = v[0].real[h * dim + i] * v[1].real[p * width + first + i];
      score[p] = add_up(terms, dim, d) / sqrtf((float)dim);
      top = fmaxf(top, score[p]);
    }
    for (size_t p = 0; p < positions; p++) sum += score[p] = expf(score[p] - top);
    for (size_t i = 0; i < dim; i++) {
      for (size_t p = 0; p < positions; p++) terms[p] = score[p] * v[2].real[p * width + first + i];
      out->real[3][h * dim + i] = add_up(terms, positions, d) / sum;
    }
  }
}

void naive_run(const pv_operation *op, const pv_op_case *c, const pv_op_values *v, defect d,
               pv_arena *arena, naive *out) {
  *out = (naive){0};
  for (size_t i = 0; i < pv_operation_tensors(op); i++) {
    if (op->tensor[i].role == PV_OP_IN) continue;
    out->real[i] = PV_ARENA_NEW(arena, v[i].rows * v[i].row, float);
    out->index[i] = PV_ARENA_NEW(arena, v[i].rows * v[i].row, int32_t);
    out->bytes[i] = PV_ARENA_NEW(arena, v[i].rows * v[i].row_bytes, unsigned char);
  }
  if (strcmp(op->name, "int4_gemv") == 0)
    grouped(c, v, d, out);
  else if (strcmp(op->name, "int8_gemv") == 0)
    of_bytes(v, d, out);
  else if (strstr(op->name, "gemv") != NULL)
    products(op, c, v, d, out);
  else if (strstr(op->name, "norm") != NULL && strstr(op->name, "topk") == NULL)
    norms(op, c, v, d, out);
  else if (strcmp(op->name, "softmax") == 0)
    softmax(v, d, out);
  else if (strstr(op->name, "topk") != NULL || strcmp(op->name, "argmax") == 0)
    choose(op, c, v, d, out);
  else if (strstr(op->name, "quantize") != NULL || strstr(op->name, "embed") != NULL)
    blocks(op, v, d, out);
  else if (strstr(op->name, "rope") != NULL)
    turn(op, c, v, d, out);
  else if (strcmp(op->name, "attention") == 0)
    attend(c, v, d, out);
  else
    elements(op, c, v, d, out);
}

static void note(const pv_operation *op, const pv_op_case *c, size_t at, double excess,
                 const char *values, judged *out) {
  char text[96];
  const bool wrong = !(excess <= 1.0);
  out->compared++;
  if (wrong ? out->wrong == 0 : out->wrong == 0 && excess > out->worst) {
    pv_operation_case_text(op, c, text, sizeof text);
    snprintf(out->where, sizeof out->where, "%s: [%zu] %s", text, at, values);
  }
  out->wrong += wrong;
  if (!(excess <= out->worst)) out->worst = excess;
}

static void judge_tensor(const pv_operation *op, const pv_op_case *c, size_t tensor,
                         const pv_op_values *v, const naive *got, judged *out) {
  char text[64];
  for (size_t r = 0; r < v->rows; r++) {
    double packed[4096 / 32 * 34];
    if (op->tensor[tensor].element == PV_OP_PACKED)
      pv_format_numbers(op->packed, got->bytes[tensor] + r * v->row_bytes, v->row, packed);
    for (size_t i = 0; i < v->parts; i++) {
      const size_t at = r * v->parts + i;
      if (op->tensor[tensor].element == PV_OP_INDEX) {
        const bool fits = pv_op_index_fits(v, r, got->index[tensor] + r * v->row, i);
        snprintf(text, sizeof text, "%d, not %d", (int)got->index[tensor][at],
                 (int)v->want_index[at]);
        out->unjudged += v->want_index[at] < 0;
        note(op, c, at, fits ? 0.0 : INFINITY, text, out);
        continue;
      }
      const double x =
          op->tensor[tensor].element == PV_OP_PACKED ? packed[i] : (double)got->real[tensor][at];
      out->exact += v->bound[at] == 0.0;
      out->unjudged += v->bound[at] < 0.0;
      snprintf(text, sizeof text, "%.9g, not %.9g +- %.3g", x, v->want[at], v->bound[at]);
      note(op, c, at, pv_op_excess(x, v->want[at], v->bound[at]), text, out);
    }
  }
}

void naive_judge(const pv_operation *op, const pv_op_case *c, const pv_op_numerics *n, defect d,
                 judged *out) {
  pv_arena arena = PV_ARENA_INIT;
  pv_op_values v[PV_OP_TENSORS];
  pv_error err = PV_ERROR_INIT;
  naive got;
  const size_t before = out->wrong;
  if (!EXPECT(pv_operation_make(op, c, &arena, v, &err) == PV_OK) ||
      !EXPECT(pv_operation_expect(op, c, n, &arena, v, &err) == PV_OK))
    printf("%s: %s\n", op->name, err.message);
  else {
    naive_run(op, c, v, d, &arena, &got);
    for (size_t i = 0; i < pv_operation_tensors(op); i++)
      if (op->tensor[i].role != PV_OP_IN) judge_tensor(op, c, i, &v[i], &got, out);
  }
  out->cases++;
  out->cases_wrong += out->wrong > before;
  pv_arena_free(&arena);
}

judged naive_judge_all(const char *operation, const char *numerics, defect d) {
  judged out = {0};
  pv_op_case c;
  pv_op_numerics n;
  const pv_operation *op = pv_operation_find(operation);
  char name[32];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(numerics, " "), numerics);
  if (!EXPECT(op != NULL) || !EXPECT(pv_op_numerics_find(name, &n))) return out;
  n.ftz = strstr(numerics, " ftz") != NULL;
  n.approx = strstr(numerics, " approx") != NULL;
  for (size_t i = 0; pv_operation_case_at(op, i, &c); i++) naive_judge(op, &c, &n, d, &out);
  return out;
}
