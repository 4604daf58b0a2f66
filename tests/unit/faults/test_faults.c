/* The table of faults, how one is named, and that each changes what it says it changes. */
#include <stdlib.h>
#include <string.h>

#include "runtime/checks/spec.h"
#include "runtime/faults/faults.h"
#include "runtime/trace/capture.h"
#include "tests/unit/testing.h"

static pv_model *model;
static const uint32_t ids[] = {861, 1644, 198, 17, 5, 3000};
enum { IDS = sizeof ids / sizeof *ids, CUT = 3 };

static void test_table(void) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  EXPECT(count >= 25);
  for (size_t i = 0; i < count; i++) {
    EXPECT_STR(pv_fault_find(list[i].name)->name, list[i].name);
    EXPECT(list[i].summary[0] != '\0' && list[i].area[0] != '\0');
    EXPECT((list[i].numerics != 0) == (list[i].host != PV_FAULT_IN_READER));
    for (size_t k = 0; k < i; k++) EXPECT(strcmp(list[i].name, list[k].name) != 0);
  }
  EXPECT(pv_fault_find("no_such_fault") == NULL);
}

/* Each is seen by checks that exist. */
static void test_caught_by(void) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  for (size_t i = 0; i < count; i++) {
    size_t checks = 0;
    for (const char *at = list[i].caught_by; *at != '\0'; checks++) {
      char check[64];
      const size_t n = strcspn(at, " ");
      snprintf(check, sizeof check, "%.*s", (int)n, at);
      if (!EXPECT(pv_check_find(check) != NULL)) printf("%s: %s\n", list[i].name, check);
      at += n + (at[n] == ' ');
    }
    EXPECT(checks > 0);
  }
}

static void test_names(void) {
  pv_planted p;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_fault_parse("rope_pairs", &p, &err), PV_OK);
  EXPECT_I64(p.layer, -1);
  EXPECT_I64(pv_fault_parse("rope_pairs:layer=3", &p, &err), PV_OK);
  EXPECT_I64(p.layer, 3);
  EXPECT_STR(p.fault->name, "rope_pairs");
  EXPECT_I64(pv_fault_parse("rope_pair", &p, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.hint, "rope_pairs");
  EXPECT_I64(pv_fault_parse("", &p, &err), PV_ERR_INPUT);
  static const char *const wrong[] = {
      "rope_pairs:",        "rope_pairs:layer=", "rope_pairs:layer=-1",
      "rope_pairs:layer=x", "rope_pairs:2",      "rope_pairs:layer=1024"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    EXPECT_I64(pv_fault_parse(wrong[i], &p, &err), PV_ERR_INPUT);
  EXPECT_I64(pv_fault_parse("argmax_out_of_range:layer=1", &p, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "belongs to no layer");
}

static pv_capture *capture(const pv_model *m, pv_numerics numerics, const pv_planted *planted) {
  const pv_backend_config config = {numerics, IDS, CUT, 2, NULL};
  const pv_capture_spec spec = {.numerics = numerics, .ids = ids, .count = IDS, .batch = CUT};
  pv_fault_side side;
  pv_capture *out = NULL;
  pv_error err = PV_ERROR_INIT;
  if (EXPECT_I64(pv_fault_open(m, "cpu", &config, planted, &side, &err), PV_OK))
    EXPECT_I64(pv_capture_with(side.forward, m, &spec, &out, &err), PV_OK);
  else
    pv_error_print(&err, stderr);
  pv_fault_close(&side);
  return out;
}

/* Each fault in one layer: the first bit that differs is where the table says. */
static void test_first_difference(void) {
  size_t count = 0, tried = 0, shown = 0;
  const pv_fault *list = pv_faults(&count);
  pv_model *tied = NULL;
  REQUIRE(pv_fault_tied_model(model, &tied, NULL) == PV_OK);
  for (size_t i = 0; i < count; i++) {
    pv_planted p = {&list[i], list[i].once ? -1 : 2};
    const pv_numerics numerics =
        (list[i].numerics >> PV_NUMERICS_I16 & 1) != 0 ? PV_NUMERICS_I16 : PV_NUMERICS_F32_F64ACC;
    const pv_model *m = list[i].needs_tie ? tied : model;
    pv_stage_id stage;
    uint32_t layer;
    pv_difference d = {0};
    if (list[i].host == PV_FAULT_IN_READER) continue;
    shown++;
    if (!pv_fault_shows(&p, model, &stage, &layer)) continue;
    pv_capture *sound = capture(m, numerics, NULL), *faulty = capture(m, numerics, &p);
    REQUIRE(sound != NULL && faulty != NULL);
    faulty->model = sound->model; /* the altered one is gone; it had the same shape */
    EXPECT_I64(pv_capture_compare(sound, faulty, &d, NULL), PV_OK);
    const bool right = d.present && d.stage == stage && d.layer == layer;
    if (!EXPECT(right))
      fprintf(stderr, "  %s: %s %u, want %s %u\n", list[i].name, model->plan->rows[d.stage].name,
              d.layer, model->plan->rows[stage].name, layer);
    pv_capture_free(sound);
    pv_capture_free(faulty);
    tried++;
  }
  EXPECT_U64(tried, shown - 1); /* a fallback shows in no stage */
  pv_fault_model_free(tied);
}

static void test_where_it_does_not_exist(void) {
  const pv_backend_config i16 = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const pv_backend_config f64 = {PV_NUMERICS_F64, IDS, IDS, 1, NULL};
  pv_planted p = {pv_fault_find("f32_accumulator"), -1};
  pv_fault_side side;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "does not exist in i16");
  p.fault = pv_fault_find("rope_pairs");
  EXPECT_I64(pv_fault_open(model, "cpu", &f64, &p, &side, &err), PV_ERR_INPUT);
  p.layer = 4;
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "outside 0..3");
  p = (pv_planted){pv_fault_find("q6k_read_as_q4k"), 0}; /* layer 0 has no Q6_K */
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "no tensor there");
  p.fault = pv_fault_find("shape_unchecked");
  EXPECT_I64(pv_fault_open(model, "cpu", &i16, &p, &side, &err), PV_ERR_INPUT);
  EXPECT(side.forward == NULL && side.model == NULL);
}

/* Who was asked for is not who computes. */
static void test_fallback(void) {
  const pv_backend_config config = {PV_NUMERICS_I16, IDS, IDS, 1, NULL};
  const pv_planted p = {pv_fault_find("silent_fallback"), -1};
  pv_fault_side side;
  REQUIRE(pv_fault_open(model, "cuda", &config, &p, &side, NULL) == PV_OK);
  EXPECT_STR(pv_forward_backend(side.forward), "cpu");
  pv_fault_close(&side);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (pv_model_open("models/tiny-coder-moe-Q4_K_M.gguf", &model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("faults", (pv_case[]){PV_CASE(test_table),
                                                         PV_CASE(test_names),
                                                         PV_CASE(test_caught_by),
                                                         PV_CASE(test_first_difference),
                                                         PV_CASE(test_where_it_does_not_exist),
                                                         PV_CASE(test_fallback),
                                                         {0}});
  pv_model_close(model);
  return code;
}
