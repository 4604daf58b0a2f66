/* The noise floor of a real model: exact where it must be, and the same whoever counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "runtime/noise/noise.h"
#include "tests/unit/testing.h"

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000, 12, 700};
enum { IDS = sizeof ids / sizeof *ids };
static const pv_sequence prompt = {ids, IDS};
#define EMBEDDING (UINT64_C(1) << PV_STAGE_EMBEDDING)

static pv_noise_source changed(uint64_t stages) {
  return (pv_noise_source){.kind = PV_NOISE_PERTURBED, .stages = stages};
}

static pv_noise_source identity(pv_numerics numerics) {
  return (pv_noise_source){
      .kind = PV_NOISE_ROUNDED,
      .side = {pv_side_kind_find("cpu"), numerics, {NULL, -1}, NULL, NULL, ""}};
}

static pv_noise_spec spec_of(const pv_noise_source *sources, size_t count) {
  return (pv_noise_spec){.model = model,
                         .prompts = &prompt,
                         .prompt_count = 1,
                         .batch = IDS,
                         .threads = 2,
                         .sources = sources,
                         .source_count = count,
                         .repeats = 2,
                         .seed = 1,
                         .amount = PV_NOISE_LAST_BIT};
}

static pv_noise_result measure(const pv_noise_spec *spec) {
  pv_noise_result out = {0};
  pv_error err = PV_ERROR_INIT;
  if (!EXPECT_I64(pv_noise(spec, &out, &err), PV_OK)) pv_error_print(&err, stderr);
  return out;
}

static double largest(const pv_noise_of *of, uint32_t layers) {
  double worst = 0.0;
  for (uint32_t l = 0; l < layers; l++)
    for (int s = 0; s < PV_STAGES; s++)
      worst = fmax(worst, fmax(of->stages[l][s].total.error, of->stages[l][s].total.angle));
  return worst;
}

static void test_no_change_no_spread(void) {
  const pv_noise_source sources[] = {changed(EMBEDDING), changed(PV_NOISE_EVERY_STAGE), changed(0)};
  pv_noise_spec spec = spec_of(sources, 3);
  spec.amount = 0.0;
  pv_noise_result r = measure(&spec);
  for (size_t i = 0; i < r.source_count; i++) {
    EXPECT_F64(largest(&r.of[i], r.layers), 0.0, 0.0);
    EXPECT_U64(r.of[i].stages[2][PV_STAGE_MOE_FFN_OUT].elements, 2u * IDS * model->shape.hidden);
    EXPECT_U64(r.of[i].routing[0].sets, 2u * IDS);
    EXPECT_U64(r.of[i].routing[0].changed, 0);
    EXPECT(r.of[i].routing[0].margin > 0.0 && isfinite(r.of[i].routing[0].margin));
    EXPECT(isinf(r.of[i].routing[0].ratio));
    EXPECT_U64(r.of[i].tops, 2u * IDS);
    EXPECT_U64(r.of[i].tops_changed, 0);
    EXPECT(r.of[i].finite);
  }
  EXPECT_U64(r.positions, IDS);
  pv_noise_free(&r);
}

/* A product is linear in what goes in: no element of q moves by more than the sum of the magnitudes
 * of its terms times the change. Over the largest element of its row: */
static double bound_of_q(void) {
  const pv_backend_config config = {PV_NUMERICS_F64, IDS, IDS, 2, NULL};
  const pv_gguf_tensor *w = model->layers[0].weight[PV_STAGE_Q];
  const size_t k = model->shape.hidden, n = (size_t)w->dims[1];
  double *x = calloc(IDS * k, sizeof *x), *q = calloc(IDS * n, sizeof *q);
  double *row = calloc(k, sizeof *row), bound = 0.0;
  pv_forward *forward = NULL;
  if (!EXPECT(x && q && row && pv_forward_open(model, "cpu", &config, &forward, NULL) == PV_OK))
    goto cleanup;
  EXPECT_I64(pv_forward_begin(forward, ids, IDS, 1, NULL), PV_OK);
  pv_step step = {0};
  for (size_t i = 0; i < 3; i++) {
    EXPECT(pv_forward_next(model, 1, &step));
    EXPECT_I64(pv_forward_step(forward, step, NULL), PV_OK);
  }
  EXPECT_I64(pv_forward_read(forward, PV_STAGE_ATTN_NORM, 0, IDS, x, NULL), PV_OK);
  EXPECT_I64(pv_forward_read(forward, PV_STAGE_Q, 0, IDS, q, NULL), PV_OK);
  for (size_t p = 0; p < IDS; p++) {
    double scale = 0.0, terms = 0.0;
    for (size_t r = 0; r < n; r++) {
      double sum = 0.0;
      pv_dequant_f64(w->type, w->data + r * w->row_bytes, k, row);
      for (size_t i = 0; i < k; i++) sum += fabs(row[i] * x[p * k + i]);
      terms = fmax(terms, sum);
      scale = fmax(scale, fabs(q[p * n + r]));
    }
    bound = fmax(bound, terms / scale);
  }
cleanup:
  pv_forward_close(forward);
  free(x);
  free(q);
  free(row);
  return bound;
}

static void test_linear_stage(void) {
  const pv_noise_source sources[] = {changed(UINT64_C(1) << PV_STAGE_ATTN_NORM)};
  pv_noise_spec spec = spec_of(sources, 1);
  const double bound = bound_of_q() * spec.amount;
  pv_noise_result once = measure(&spec);
  spec.amount *= 2.0;
  pv_noise_result twice = measure(&spec);
  const pv_noise_stage *stage = once.of[0].stages[0], *wide = twice.of[0].stages[0];
  const double q = stage[PV_STAGE_Q].total.error;
  EXPECT_F64(stage[PV_STAGE_EMBEDDING].total.error, 0.0, 0.0);
  EXPECT(stage[PV_STAGE_ATTN_NORM].total.error <= PV_NOISE_LAST_BIT * (1.0 + 1e-9));
  EXPECT(stage[PV_STAGE_ATTN_NORM].total.error > PV_NOISE_LAST_BIT * 0.5);
  EXPECT(q <= bound && q > bound / 100.0);
  EXPECT_F64(wide[PV_STAGE_Q].total.error / q, 2.0, 1e-5);
  EXPECT_F64(wide[PV_STAGE_Q].total.angle / stage[PV_STAGE_Q].total.angle, 4.0, 1e-4);
  pv_noise_free(&once);
  pv_noise_free(&twice);
}

/* The last stage that is a quantity: nothing comes behind it. */
static void test_each_stage_is_changed(void) {
  pv_noise_source sources[] = {changed(UINT64_C(1) << PV_STAGE_LOGITS),
                               changed(UINT64_C(1) << PV_STAGE_FFN_RESIDUAL),
                               changed(UINT64_C(1) << PV_STAGE_K_ROPE)};
  pv_noise_spec spec = spec_of(sources, 3);
  pv_noise_result r = measure(&spec);
  const uint32_t last = r.layers - 1;
  EXPECT_F64(r.of[0].stages[last][PV_STAGE_FFN_RESIDUAL].total.error, 0.0, 0.0);
  EXPECT_F64(r.of[0].stages[0][PV_STAGE_FINAL_NORM].total.error, 0.0, 0.0);
  EXPECT(r.of[0].stages[0][PV_STAGE_LOGITS].total.error > PV_NOISE_LAST_BIT / 2.0);
  EXPECT_F64(r.of[1].stages[0][PV_STAGE_MOE_FFN_OUT].total.error, 0.0, 0.0);
  EXPECT(r.of[1].stages[1][PV_STAGE_ATTN_NORM].total.error > 0.0);
  EXPECT_F64(r.of[2].stages[0][PV_STAGE_K].total.error, 0.0, 0.0);
  EXPECT(r.of[2].stages[0][PV_STAGE_ATTN_OUT].total.error > 0.0); /* through the cache */
  pv_noise_free(&r);
}

static bool same(const pv_noise_result *a, size_t i, const pv_noise_result *b, size_t k) {
  const pv_noise_of *x = &a->of[i], *y = &b->of[k];
  return memcmp(x->stages, y->stages, a->layers * sizeof *x->stages) == 0 &&
         memcmp(x->routing, y->routing, a->layers * sizeof *x->routing) == 0 &&
         x->tops == y->tops && x->tops_changed == y->tops_changed;
}

/* Nothing but the seed decides: not the batches, the threads, the other sources or the order. */
static void test_determinism(void) {
  const pv_noise_source sources[] = {changed(PV_NOISE_EVERY_STAGE), identity(PV_NUMERICS_I16)};
  const pv_noise_source turned[] = {sources[1], changed(EMBEDDING), sources[0]};
  pv_noise_spec spec = spec_of(sources, 2);
  pv_noise_result first = measure(&spec), again = measure(&spec);
  spec.batch = 3;
  spec.threads = 1;
  pv_noise_result cut = measure(&spec);
  spec.sources = turned;
  spec.source_count = 3;
  pv_noise_result other = measure(&spec);
  spec.seed = 2;
  pv_noise_result seeded = measure(&spec);
  for (size_t i = 0; i < 2; i++) {
    EXPECT(same(&first, i, &again, i));
    EXPECT(same(&first, i, &cut, i));
  }
  EXPECT(same(&first, 0, &other, 2) && same(&first, 1, &other, 0));
  EXPECT(same(&other, 0, &seeded, 0)); /* an identity has no seed */
  EXPECT(!same(&other, 1, &seeded, 1) && !same(&other, 2, &seeded, 2));
  pv_noise_free(&first);
  pv_noise_free(&again);
  pv_noise_free(&cut);
  pv_noise_free(&other);
  pv_noise_free(&seeded);
}

/* More repeats and more prompts can only widen it. */
static void test_widens(void) {
  static const pv_sequence prompts[] = {{ids, IDS}, {ids, IDS}};
  const pv_noise_source sources[] = {changed(EMBEDDING)};
  pv_noise_spec spec = spec_of(sources, 1);
  spec.repeats = 1;
  pv_noise_result one = measure(&spec);
  spec.repeats = 5;
  pv_noise_result five = measure(&spec);
  spec.repeats = 1;
  spec.prompts = prompts;
  spec.prompt_count = 2;
  pv_noise_result two = measure(&spec);
  size_t wider = 0, again = 0; /* the same tokens are changed in another way each time */
  for (uint32_t l = 0; l < one.layers; l++)
    for (int s = 0; s < PV_STAGES; s++) {
      const double least = one.of[0].stages[l][s].total.error;
      EXPECT(five.of[0].stages[l][s].total.error >= least);
      EXPECT(two.of[0].stages[l][s].total.error >= least);
      wider += five.of[0].stages[l][s].total.error > least;
      again += two.of[0].stages[l][s].total.error > least;
    }
  EXPECT(wider > 20 && again > 20);
  EXPECT_U64(two.positions, 2 * IDS);
  EXPECT_U64(two.of[0].tops, 2 * IDS);
  EXPECT_U64(two.of[0].stages[0][PV_STAGE_LOGITS].elements, 2u * IDS * model->shape.vocab);
  pv_noise_free(&one);
  pv_noise_free(&five);
  pv_noise_free(&two);
}

/* What `pv bisect` measures in its own way: the same figures. */
static void test_agrees_with_bisect(void) {
  static const pv_stage_id from_own[] = {PV_STAGE_ATTN_NORM, PV_STAGE_FFN_NORM,
                                         PV_STAGE_MOE_ROUTER_LOGITS, PV_STAGE_EXPERT_GATE,
                                         PV_STAGE_EXPERT_UP};
  const pv_noise_source sources[] = {identity(PV_NUMERICS_I16), identity(PV_NUMERICS_I8)};
  const pv_noise_spec spec = spec_of(sources, 2);
  const pv_side_kind *cpu = pv_side_kind_find("cpu");
  const pv_bisect_spec sides = {
      .model = model,
      .side = {{"l", {cpu, PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""}, NULL},
               {"r", {cpu, PV_NUMERICS_I8, {NULL, -1}, NULL, NULL, ""}, NULL}},
      .ids = ids,
      .count = IDS,
      .batch = IDS,
      .threads = 2};
  pv_noise_result r = measure(&spec);
  pv_bisect_result b = {0};
  uint64_t moved[2] = {0};
  REQUIRE(pv_bisect(&sides, &b, NULL) == PV_OK);
  for (int i = 0; i < 2; i++) {
    for (uint32_t l = 0; l < r.layers; l++) {
      for (int s = 0; s < PV_STAGES; s++) /* bisect compares experts by rank */
        if (i == 0 || s < PV_STAGE_EXPERT_GATE || s > PV_STAGE_EXPERT_DOWN)
          EXPECT_F64(r.of[i].stages[l][s].total.error, b.stages[l][s].side[i].total, 0.0);
      for (size_t k = 0; k < sizeof from_own / sizeof *from_own; k++)
        EXPECT_F64(r.of[i].stages[l][from_own[k]].block.error,
                   b.stages[l][from_own[k]].side[i].introduced, 0.0);
      /* The experts' products pile up inside their block, and nothing from before it does. */
      const pv_noise_stage *out = &r.of[i].stages[l][PV_STAGE_MOE_FFN_OUT];
      EXPECT(out->block.error > b.stages[l][PV_STAGE_MOE_FFN_OUT].side[i].introduced);
      EXPECT(out->block.error < out->total.error);
      EXPECT(r.of[i].routing[l].shift > 0.0 && isfinite(r.of[i].routing[l].ratio));
      moved[i] += r.of[i].routing[l].changed;
    }
    EXPECT_U64(moved[i], b.routing.from_arbiter[i]);
    /* A cosine by itself is off by some 3e-15. */
    EXPECT_F64(1.0 - r.of[i].stages[0][PV_STAGE_LOGITS].total.angle, b.worst_cosine[i], 1e-14);
    EXPECT_U64(r.of[i].tops_changed, b.tops_from_arbiter[i]);
    EXPECT_STR(r.of[i].computed, "cpu");
  }
  pv_bisect_free(&b);
  pv_noise_free(&r);
}

/* Where other experts were chosen, the block that they compute is judged by that choice. */
static void test_block_has_the_choice(void) {
  enum { COUNT = 24 };
  uint32_t random[COUNT];
  uint64_t state = 1, moved = 0;
  double block = 0.0, total = 0.0, gate = 0.0;
  for (int i = 0; i < COUNT; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    random[i] = (uint32_t)((state >> 33) % model->shape.vocab);
  }
  const pv_sequence tokens = {random, COUNT};
  const pv_noise_source source = identity(PV_NUMERICS_I8);
  pv_noise_spec spec = spec_of(&source, 1);
  spec.prompts = &tokens;
  pv_noise_result r = measure(&spec);
  for (uint32_t l = 0; l < r.layers; l++) {
    const pv_noise_stage *out = &r.of[0].stages[l][PV_STAGE_MOE_FFN_OUT];
    moved += r.of[0].routing[l].changed;
    block = fmax(block, out->block.error);
    total = fmax(total, out->total.error);
    gate = fmax(gate, r.of[0].stages[l][PV_STAGE_EXPERT_GATE].total.error);
  }
  EXPECT(moved > 0 && total > 0.1 && block < 0.05);
  EXPECT(gate > 0.0 && gate < 0.2); /* the same experts alone: another one's output is off by 1 */
  pv_noise_free(&r);
  /* A choice that the arbiter would not make from the same logits. */
  pv_model *tied = NULL;
  pv_noise_source reversed = identity(PV_NUMERICS_I16);
  REQUIRE(pv_fault_tied_model(model, &tied, NULL) == PV_OK);
  REQUIRE(pv_fault_parse("tie_rule_reversed:layer=2", &reversed.side.planted, NULL) == PV_OK);
  spec = spec_of(&reversed, 1);
  spec.model = tied;
  r = measure(&spec);
  EXPECT(r.of[0].routing[2].changed > 0);
  EXPECT(r.of[0].stages[2][PV_STAGE_MOE_FFN_OUT].total.error > 0.01);
  EXPECT(r.of[0].stages[2][PV_STAGE_MOE_FFN_OUT].block.error < 1e-3);
  pv_noise_free(&r);
  pv_fault_model_free(tied);
}

/* A NaN is infinite noise from where it is on, never none: also where the arbiter has it too. */
static void test_not_finite(void) {
  pv_noise_source sources[] = {changed(EMBEDDING), identity(PV_NUMERICS_I16)};
  REQUIRE(pv_fault_parse("nan_in_one_element:layer=2", &sources[1].side.planted, NULL) == PV_OK);
  pv_noise_spec spec = spec_of(sources, 2);
  pv_noise_result r = measure(&spec);
  EXPECT(r.of[0].finite && !r.of[1].finite);
  EXPECT_STR(r.of[1].computed, "definition");
  EXPECT(isfinite(r.of[1].stages[2][PV_STAGE_EXPERT_SWIGLU].total.error));
  EXPECT(isinf(r.of[1].stages[2][PV_STAGE_EXPERT_DOWN].total.error));
  EXPECT(isinf(r.of[1].stages[2][PV_STAGE_EXPERT_DOWN].block.error));
  EXPECT(isinf(r.of[1].stages[3][PV_STAGE_ATTN_NORM].block.angle));
  EXPECT(isinf(r.of[1].stages[0][PV_STAGE_LOGITS].total.angle));
  pv_noise_free(&r);

  pv_planted planted = {0};
  pv_model *broken = NULL;
  REQUIRE(pv_fault_parse("q4k_read_as_q6k:layer=1", &planted, NULL) == PV_OK);
  REQUIRE(pv_fault_model(model, &planted, &broken, NULL) == PV_OK);
  sources[1] = identity(PV_NUMERICS_F32_F64ACC);
  spec.model = broken;
  r = measure(&spec);
  for (int i = 0; i < 2; i++) {
    EXPECT(!r.of[i].finite);
    EXPECT(isfinite(r.of[i].stages[0][PV_STAGE_FFN_RESIDUAL].total.error));
    EXPECT(isinf(r.of[i].stages[0][PV_STAGE_LOGITS].total.error));
  }
  pv_noise_free(&r);
  pv_fault_model_free(broken);
}

static void refused(const pv_noise_spec *spec, const char *why) {
  pv_noise_result out;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_noise(spec, &out, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, why);
  EXPECT(out.of[0].stages == NULL && out.of[0].routing == NULL);
}

static void test_nothing_to_measure(void) {
  const pv_sequence empty = {ids, 0}, beyond = {(const uint32_t[]){1u << 30}, 1};
  const pv_noise_source floor = changed(EMBEDDING), arbiter = identity(PV_NUMERICS_F64);
  const pv_noise_source many[PV_NOISE_SOURCES_MAX + 1] = {{0}};
  const pv_noise_spec good = spec_of(&floor, 1);
  pv_noise_spec spec = good;
  spec.repeats = 0;
  refused(&spec, "0 repeats are outside 1..64");
  spec.repeats = PV_NOISE_REPEATS_MAX + 1;
  refused(&spec, "65 repeats");
  spec = good;
  spec.prompt_count = 0;
  refused(&spec, "nothing to measure");
  spec = good;
  spec.source_count = 0;
  refused(&spec, "nothing to measure");
  spec = good;
  spec.batch = 0;
  refused(&spec, "nothing to measure");
  spec = spec_of(many, PV_NOISE_SOURCES_MAX + 1);
  refused(&spec, "more than 8 sources");
  spec = good;
  spec.prompts = &empty;
  refused(&spec, "prompt 0 has no tokens");
  spec.prompts = &beyond;
  refused(&spec, "token id 1073741824 is outside");
  spec = spec_of(&arbiter, 1);
  refused(&spec, "f64 is the arbiter");
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("noise", (pv_case[]){PV_CASE(test_no_change_no_spread),
                                                        PV_CASE(test_linear_stage),
                                                        PV_CASE(test_each_stage_is_changed),
                                                        PV_CASE(test_determinism),
                                                        PV_CASE(test_widens),
                                                        PV_CASE(test_agrees_with_bisect),
                                                        PV_CASE(test_block_has_the_choice),
                                                        PV_CASE(test_not_finite),
                                                        PV_CASE(test_nothing_to_measure),
                                                        {0}});
  pv_model_close(model);
  return code;
}
