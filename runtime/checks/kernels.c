/* Checks of single operations, on any kernel set: no model is needed. The cases are those of
 * runtime/alone; what is right is said here, by other means than the definition's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernels/arith/arith.h"
#include "runtime/alone/rows.h"
#include "runtime/checks/check.h"

enum { CASES = 64 };

typedef struct judged {
  pv_check *check;
  const char *set;
  pv_product product;
  bool exact;     /* no error is allowed */
  double allowed; /* else */
  double worst;
  bool absent; /* there is no such set here: the verdict stands */
} judged;

/* Adds the cases of a kernel with these data (bits of pv_alone_data). */
static void add_cases(const pv_kernel *kernel, pv_type type, unsigned data, bool is_i8,
                      pv_alone_case cases[CASES], size_t *count) {
  const pv_alone_case none = {0};
  pv_alone_case c;
  for (size_t i = 0; *count < CASES && pv_alone_case_at(kernel, i, &none, &c); i++) {
    if (c.type != type || (data >> c.data & 1) == 0) continue;
    c.is_i8 = is_i8;
    cases[(*count)++] = c;
  }
}

static pv_code judge_on(pv_alone_set *set, const pv_kernel *kernel, const pv_alone_case *cases,
                        size_t count, const pv_alone_judge *judge, pv_check *check, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    pv_alone_result r;
    code = pv_alone_run(set, kernel, &cases[i], judge, &r, err);
    if (r.fault[0] == '\0') continue;
    return pv_check_fail(check, "%s on %s: %s", kernel->name, set->name, r.fault);
  }
  return code;
}

/* Every case on the set that `on` names; of the CPU on each code path that this machine has. */
static pv_code judge_cases(judged *j, const pv_kernel *kernel, const pv_alone_case *cases,
                           size_t count,
                           void (*see)(void *, const pv_alone_case *, const pv_alone_output *),
                           pv_error *err) {
  static const char *const paths[] = {"scalar", "avx2", "vnni"};
  const char *on = pv_check_word(j->check, "on");
  const bool every = strcmp(on, "cpu") == 0;
  const pv_alone_judge judge = {see, j};
  for (size_t p = 0; p < (every ? 3 : 1); p++) {
    pv_error local = PV_ERROR_INIT;
    pv_alone_set set = {0};
    j->set = every ? paths[p] : on;
    pv_code code = pv_check_set(j->check, j->set, &set, &local);
    if (code == PV_OK) code = judge_on(&set, kernel, cases, count, &judge, j->check, &local);
    pv_alone_set_close(&set);
    if (code == PV_ERR_UNSUPPORTED && every) continue;
    j->absent = code == PV_ERR_UNSUPPORTED;
    if (j->absent) return pv_check_verdict(j->check, "NOT_RUN", "%s", local.message);
    if (code != PV_OK) return *err = local, code;
    pv_check_backend(j->check, on);
  }
  return PV_OK;
}

/* Each element of a product against its exact value. */
static void see_product(void *context, const pv_alone_case *c, const pv_alone_output *o) {
  judged *j = context;
  const pv_type_info *type = pv_type_get(c->type);
  const size_t bytes = c->k / type->block_elements * type->block_bytes, rows = o->words / c->batch;
  for (size_t i = 0; o->in[0] != NULL && i < o->words; i++) {
    const float *x = (const float *)o->in[1] + i / rows * c->k;
    double bound;
    const double want = pv_rows_exact_value(
        c->type, j->product, (const char *)o->in[0] + i % rows * bytes, x, c->k, &bound);
    const double got = (double)pv_f32_bits(o->got[i]), error = fabs(got - want);
    if (j->exact) bound = 0.0;
    j->check->compared++;
    pv_keep_largest(&j->worst, j->exact ? error : error / bound);
    if (!(error <= bound))
      pv_check_fail(j->check, "%s row of %u on %s is %s, exact is %s: %s apart, the bound is %s",
                    type->name, c->k, j->set, PV_REAL('g', 9, got), PV_REAL('g', 17, want),
                    PV_REAL('g', 3, error), PV_REAL('g', 3, bound));
  }
}

static pv_code judge_products(judged *j, pv_product product, unsigned data, pv_error *err) {
  const pv_type_info *type = pv_type_by_name(pv_check_word(j->check, "type"));
  pv_alone_case cases[CASES];
  size_t count = 0;
  if (type == NULL) return pv_error_set(err, PV_ERR_INPUT, "unknown tensor type");
  const pv_kernel *kernel = pv_alone_gemv(type->type, product);
  add_cases(kernel, type->type, data, product == PV_PRODUCT_I8, cases, &count);
  j->product = product;
  return judge_cases(j, kernel, cases, count, see_product, err);
}

static pv_code run_gemv_exact(pv_check *check, pv_error *err) {
  judged j = {.check = check, .exact = true};
  pv_code code = judge_products(&j, PV_PRODUCT_I16, 1u << PV_DATA_EXACT, err);
  if (code == PV_OK && !j.absent)
    code = judge_products(&j, PV_PRODUCT_F64ACC, 1u << PV_DATA_EXACT, err);
  return code == PV_OK && !j.absent ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_gemv_exact = {
    .name = "gemv.exact",
    .about =
        "Products of rows of small integers with power-of-two scales are exact, in i16 and "
        "f32-f64acc, over 13 lengths and at least 200 rows, on every CPU code path or on the "
        "kernels "
        "that are named.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE, PV_TAKES_SET),
    .run = run_gemv_exact};

static pv_code run_gemv_bound(pv_check *check, pv_error *err) {
  const pv_numerics numerics = pv_check_numerics(check, "numerics");
  const pv_product product = numerics == PV_NUMERICS_I8           ? PV_PRODUCT_I8
                             : numerics == PV_NUMERICS_F32_F64ACC ? PV_PRODUCT_F64ACC
                                                                  : PV_PRODUCT_I16;
  judged j = {.check = check};
  const pv_code code =
      judge_products(&j, product, 1u << PV_DATA_ORDINARY | 1u << PV_DATA_OUTLIERS, err);
  if (code != PV_OK || j.absent) return code;
  pv_check_metric(check, "worst_error_over_bound", j.worst);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_gemv_bound = {
    .name = "gemv.bound",
    .about =
        "Products of random rows lie within the rounding bound that the definition allows, against "
        "float64, over 13 lengths and at least 200 rows, on every CPU code path or on the kernels "
        "that are named.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE, PV_TAKES_NUMERICS, PV_TAKES_SET),
    .run = run_gemv_bound};

/* The decoder against the format's definition, written a second time (kernels/quant/spec.h). */
/* One block: float64 by the arbiter's decoder, float32 as the set gives it. */
static void see_block(judged *j, const pv_type_info *type, const unsigned char *block,
                      const uint32_t *got) {
  const pv_fault *fault = j->check->planted.fault;
  _Alignas(8) unsigned char read[1024];
  double w[256];
  pv_type as = type->type;
  if (fault != NULL) as = pv_fault_read_row(fault, as, block, type->block_elements, read);
  pv_dequant_f64(as, fault != NULL ? read : block, type->block_elements, w);
  for (size_t i = 0; i < type->block_elements; i++) {
    const double want = pv_block_spec(type->type, block, i);
    const double f = (double)pv_f32_bits(got[i]);
    j->check->compared += 2;
    if (w[i] != want)
      pv_check_fail(j->check, "weight %zu of a %s block decodes to %s, the format says %s", i,
                    type->name, PV_REAL('g', 17, w[i]), PV_REAL('g', 17, want));
    if (!(fabs(f - want) <= 2e-7 * (fabs(want) + 1.0)))
      pv_check_fail(j->check, "weight %zu of a %s block decodes to %s in float32 on %s, not %s", i,
                    type->name, PV_REAL('g', 9, f), j->set, PV_REAL('g', 9, want));
  }
}

static void see_rows(void *context, const pv_alone_case *c, const pv_alone_output *o) {
  const pv_type_info *type = pv_type_get(c->type);
  const size_t blocks = c->k / type->block_elements;
  const uint32_t *ids = o->in[1];
  for (size_t i = 0; i < c->batch * blocks; i++) {
    const size_t block = ids[i / blocks] * blocks + i % blocks;
    see_block(context, type, (const unsigned char *)o->in[0] + block * type->block_bytes,
              o->got + i * type->block_elements);
  }
}

static pv_code run_quant_blocks(pv_check *check, pv_error *err) {
  const pv_type_info *type = pv_type_by_name(pv_check_word(check, "type"));
  judged j = {.check = check};
  if (type == NULL) return pv_error_set(err, PV_ERR_INPUT, "unknown tensor type");
  const pv_alone_case rows = {.k = 256, .rows = 200, .batch = 200, .type = type->type};
  const pv_code code = judge_cases(&j, pv_kernel_get(PV_GPU_embed), &rows, 1, see_rows, err);
  return code == PV_OK && !j.absent ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_quant_blocks = {
    .name = "quant.blocks",
    .about =
        "The block decoder against the format's definition, written a second time, over 200 random "
        "rows of 256: the same in float64, within its rounding in float32, on every CPU code path "
        "or on the kernels that are named.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_TYPE, PV_TAKES_SET),
    .run = run_quant_blocks};

/* Error of one SwiGLU in units in the last place of the exact result. */
static double swiglu_ulp(float gate, float up, float got) {
  const long double g = gate, exact = g / (1.0L + expl(-g)) * (long double)up;
  int exponent;
  if (isnan(gate) || isnan(up)) return isnan(got) ? 0.0 : INFINITY;
  const float nearest = (float)exact;
  if (nearest == got || isinf(nearest)) return nearest == got ? 0.0 : INFINITY;
  frexpl(exact, &exponent);
  const long double ulp = ldexpl(1.0L, (exponent < -125 ? -125 : exponent) - 24);
  return (double)(fabsl((long double)got - exact) / ulp);
}

static void see_swiglu(void *context, const pv_alone_case *c, const pv_alone_output *o) {
  judged *j = context;
  const float *gate = o->in[0], *up = o->in[1];
  (void)c;
  for (size_t i = 0; gate != NULL && i < o->words; i++) {
    const float got = pv_f32_bits(o->got[i]);
    const double ulp = swiglu_ulp(gate[i], up[i], got);
    j->check->compared++;
    pv_keep_largest(&j->worst, ulp);
    if (!(ulp <= j->allowed))
      pv_check_fail(j->check, "swiglu(%.9g, %.9g) on %s is %s: %s ulp off", (double)gate[i],
                    (double)up[i], j->set, PV_REAL('g', 9, (double)got), PV_REAL('g', 3, ulp));
  }
}

static pv_code run_swiglu_error(pv_check *check, pv_error *err) {
  const pv_alone_case sweep = {.k = 1000, .rows = 1, .batch = 201, .data = PV_DATA_SWEEP};
  judged j = {.check = check, .allowed = pv_check_real(check, "max_ulp")};
  const pv_code code = judge_cases(&j, pv_kernel_get(PV_GPU_swiglu), &sweep, 1, see_swiglu, err);
  if (code != PV_OK || j.absent) return code;
  pv_check_metric(check, "largest_error_ulp", j.worst);
  pv_check_needed(check, j.worst);
  return pv_check_pass(check);
}

const pv_check_spec pv_check_swiglu_error = {
    .name = "swiglu.error",
    .about =
        "SwiGLU against extended precision over 200000 pairs and edge values, in units in the last "
        "place, on every CPU code path or on the kernels that are named.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_REAL("max_ulp", 0.5, 1000, PV_LOOSENS_UP, "ulp", "4",
                                      "largest error in units in the last place"),
                        PV_TAKES_SET),
    .run = run_swiglu_error};

/* The oracle sorts all experts by (value descending, index ascending), NaN last. */
typedef struct candidate {
  float value;
  int32_t index;
} candidate;

static int by_rule(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  const bool nx = isnan(x->value), ny = isnan(y->value);
  if (nx != ny) return nx ? 1 : -1;
  if (!nx && x->value != y->value) return x->value > y->value ? -1 : 1;
  return (x->index > y->index) - (x->index < y->index);
}

enum { EXPERTS = 128, USED = 8 };

/* One row of one of the two outputs. */
static void see_route(judged *j, pv_alone_data data, const float *logits, bool weights,
                      const uint32_t *got) {
  candidate all[EXPERTS];
  double sum = 0.0;
  for (int32_t e = 0; e < EXPERTS; e++) all[e] = (candidate){logits[e], e};
  qsort(all, EXPERTS, sizeof *all, by_rule);
  for (int r = 0; r < USED; r++) sum += exp((double)all[r].value - (double)all[0].value);
  for (int r = 0; r < USED; r++) {
    const double want = exp((double)all[r].value - (double)all[0].value) / sum;
    const double weight = (double)pv_f32_bits(got[r]);
    j->check->compared++;
    if (!weights && (int32_t)got[r] != all[r].index)
      pv_check_fail(j->check, "%s, %s: rank %d is expert %d, the rule says %d", j->set,
                    pv_alone_data_name(data), r, (int32_t)got[r], all[r].index);
    if (weights && !(fabs(weight - want) <= 1e-6))
      pv_check_fail(j->check, "%s, %s: weight of rank %d is %s, exact %s", j->set,
                    pv_alone_data_name(data), r, PV_REAL('g', 9, weight), PV_REAL('g', 9, want));
  }
}

static void see_routes(void *context, const pv_alone_case *c, const pv_alone_output *o) {
  for (size_t i = 0; i < c->batch; i++)
    see_route(context, c->data, (const float *)o->in[0] + i * EXPERTS, o->real, o->got + i * USED);
}

static pv_code run_router_topk_rule(pv_check *check, pv_error *err) {
  static const pv_alone_data data[] = {PV_DATA_ORDINARY, PV_DATA_INTEGERS, PV_DATA_TIES,
                                       PV_DATA_EQUAL, PV_DATA_PAIRS};
  enum { KINDS = sizeof data / sizeof *data };
  pv_alone_case cases[KINDS];
  judged j = {.check = check};
  for (size_t i = 0; i < KINDS; i++)
    cases[i] = (pv_alone_case){.k = EXPERTS, .rows = USED, .batch = 250, .data = data[i]};
  const pv_code code = judge_cases(&j, pv_kernel_get(PV_GPU_route), cases, KINDS, see_routes, err);
  return code == PV_OK && !j.absent ? pv_check_pass(check) : code;
}

const pv_check_spec pv_check_router_topk_rule = {
    .name = "router.topk_rule",
    .about =
        "Softmax, choice and weights of the router against a sorting oracle, over 1250 rows with "
        "planted ties (value descending, then index ascending), on every CPU code path or on the "
        "kernels that are named; weights within 1e-6.",
    .subject = "kernels",
    .timeout_s = 30,
    .params = PV_PARAMS(PV_TAKES_SET),
    .run = run_router_topk_rule};
