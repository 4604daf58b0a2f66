/* A trace folder in a side's place: what is wrong in it, what it lacks, and what is refused. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/bisect/bisect.h"
#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/bisect/recording.h"
#include "tests/unit/testing.h"

static uint64_t undefined(const pv_bisect_result *r, int side) {
  uint64_t sum = 0;
  for (uint32_t l = 0; l < r->layers; l++)
    for (int s = 0; s < PV_STAGES; s++) sum += r->stages[l][s].side[side].undefined;
  return sum;
}

static void test_equal(void) {
  recording_make("sound", PV_NUMERICS_I16, NULL, NULL, NULL);
  pv_bisect_result r = recording_bisect(NULL, "sound");
  EXPECT_I64(r.verdict, PV_BISECT_EQUAL);
  EXPECT(r.compared > 100000);
  EXPECT_U64(r.different + undefined(&r, 0) + undefined(&r, 1), 0);
  EXPECT_U64(r.routing.sets, 4 * RECORDING_COUNT);
  EXPECT(r.worst_cosine[0] == r.worst_cosine[1]);
  pv_bisect_free(&r);
  r = recording_bisect("sound", "sound");
  EXPECT_I64(r.verdict, PV_BISECT_EQUAL);
  EXPECT(r.compared > 100000);
  pv_bisect_free(&r);
}

/* Each is found in the stage and layer that it was planted in, and nowhere else unless it acts
 * there too. */
static void test_faults(void) {
  static const struct {
    const char *fault;
    pv_stage_id stage;
    uint32_t layer;
  } table[] = {{"wrong_sub_scale:layer=1", PV_STAGE_Q, 1},
               {"contraction:layer=3", PV_STAGE_Q_ROPE, 3},
               {"wrong_head_group:layer=2", PV_STAGE_ATTN_OUT, 2},
               {"stale_kv_entry:layer=1", PV_STAGE_ATTN_OUT, 1},
               {"no_renormalisation:layer=0", PV_STAGE_MOE_ROUTER, 0},
               {"expert_stride_off_by_one:layer=2", PV_STAGE_EXPERT_GATE, 2},
               {"approximate_exp:layer=2", PV_STAGE_EXPERT_SWIGLU, 2},
               {"nan_in_one_element:layer=1", PV_STAGE_EXPERT_DOWN, 1},
               {"weights_permuted:layer=3", PV_STAGE_MOE_FFN_OUT, 3},
               {"argmax_out_of_range", PV_STAGE_ARGMAX, 0}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char name[32];
    snprintf(name, sizeof name, "fault%zu", i);
    recording_make(name, PV_NUMERICS_I16, table[i].fault, NULL, NULL);
    pv_bisect_result r = recording_bisect(NULL, name);
    EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
    EXPECT(r.culprit[1].present);
    EXPECT_STR(r.plan->rows[r.culprit[1].stage].name, r.plan->rows[table[i].stage].name);
    EXPECT_U64(r.culprit[1].layer, table[i].layer);
    EXPECT_U64(undefined(&r, 0), 0);
    EXPECT(r.first.present && r.first.stage == r.culprit[1].stage);
    EXPECT(r.routing.replayed == false);
    pv_bisect_free(&r);
  }
}

static void test_both_recorded(void) {
  recording_make("left", PV_NUMERICS_I16, "rope_pairs:layer=2", NULL, NULL);
  recording_make("right", PV_NUMERICS_I16, "superblock_short:layer=1", NULL, NULL);
  pv_bisect_result r = recording_bisect("left", "right");
  EXPECT_I64(r.verdict, PV_BISECT_BOTH);
  EXPECT_I64(r.culprit[0].stage, PV_STAGE_Q_ROPE);
  EXPECT_U64(r.culprit[0].layer, 2);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_Q);
  EXPECT_U64(r.culprit[1].layer, 1);
  pv_bisect_free(&r);
}

/* Stages that are not there are made from those that are; what is wrong shows in the next one. */
static void test_missing(void) {
  recording_make("few", PV_NUMERICS_I16, NULL, "v,ffn_residual,logits", NULL);
  pv_bisect_result r = recording_bisect(NULL, "few");
  EXPECT_I64(r.verdict, PV_BISECT_EQUAL);
  EXPECT_U64(r.compared, (uint64_t)RECORDING_COUNT * (4 * (128 + 256) + 4096));
  EXPECT_U64(r.stages[1][PV_STAGE_Q].elements + r.stages[1][PV_STAGE_Q].side[1].judged, 0);
  EXPECT(r.stages[1][PV_STAGE_Q].side[0].judged > 0);
  EXPECT_U64(r.routing.sets, 0);
  pv_bisect_free(&r);
  recording_make("few-wrong", PV_NUMERICS_I16, "wrong_head_group:layer=2", "v,ffn_residual,logits",
                 NULL);
  r = recording_bisect(NULL, "few-wrong");
  EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_FFN_RESIDUAL);
  EXPECT_U64(r.culprit[1].layer, 2);
  EXPECT(isfinite(r.culprit[1].left) && isfinite(r.culprit[1].right));
  pv_bisect_free(&r);
  /* One layer alone: the others are made by the witness. */
  recording_make("layer", PV_NUMERICS_I16, "contraction:layer=3", "q_rope,k_rope", "3");
  r = recording_bisect("layer", NULL);
  EXPECT_I64(r.verdict, PV_BISECT_LEFT);
  EXPECT_I64(r.culprit[0].stage, PV_STAGE_Q_ROPE);
  EXPECT_U64(r.culprit[0].layer, 3);
  EXPECT_I64(pv_bisect_less_exact(&r), -1);
  EXPECT(isnan(r.worst_cosine[0]) && isfinite(r.worst_cosine[1]));
  pv_bisect_free(&r);
}

/* The choice of experts of the last two positions alone: in the first batch it is not recorded, and
 * the place of the fault has no expert. */
static void test_last_rows(void) {
  const int used = (int)recording_model->shape.used;
  static const char file[] = "moe_router_indices.2.bin";
  recording_make("last", PV_NUMERICS_I16, "expert_stride_off_by_one:layer=2", NULL, NULL);
  recording_change("last", file, "shape", json_pack("[i, i]", 2, used));
  recording_change("last", file, "offset", json_integer(2 * used * 4));
  recording_change("last", file, "position", json_integer(2));
  recording_change("last", file, "sha256", NULL);
  pv_bisect_result r = recording_bisect(NULL, "last");
  REQUIRE(EXPECT_I64(r.verdict, PV_BISECT_RIGHT));
  EXPECT_STR(r.plan->rows[r.culprit[1].stage].name, "expert_gate");
  EXPECT_U64(r.culprit[1].layer, 2);
  EXPECT_U64(r.culprit[1].position, 0);
  EXPECT_I64(r.culprit[1].expert, -1);
  EXPECT_U64(r.routing.sets, 4 * RECORDING_COUNT - 2);
  pv_bisect_free(&r);
}

static void test_nothing_in_common(void) {
  recording_make("only-q", PV_NUMERICS_I16, NULL, "q", NULL);
  recording_make("only-k", PV_NUMERICS_I16, NULL, "k", NULL);
  pv_bisect_result r = recording_bisect("only-q", "only-k");
  EXPECT_I64(r.verdict, PV_BISECT_VACUOUS);
  EXPECT_U64(r.compared, 0);
  pv_bisect_free(&r);
}

static void test_other_identity(void) {
  recording_make("i8", PV_NUMERICS_I8, NULL, NULL, NULL);
  pv_bisect_result r = recording_bisect(NULL, "i8");
  EXPECT_I64(r.verdict, PV_BISECT_FUNCTIONS);
  EXPECT_U64(undefined(&r, 0) + undefined(&r, 1), 0);
  EXPECT_I64(pv_bisect_less_exact(&r), 1);
  EXPECT_I64(r.first.stage, PV_STAGE_Q);
  /* As defined, so it can be made again with the left side's routing. */
  EXPECT(r.routing.different == 0 || r.routing.replayed);
  pv_bisect_free(&r);
  recording_make("f64", PV_NUMERICS_F64, NULL, NULL, NULL);
  r = recording_bisect("f64", NULL);
  EXPECT_I64(r.verdict, PV_BISECT_FUNCTIONS);
  EXPECT_U64(undefined(&r, 0) + undefined(&r, 1), 0);
  EXPECT_F64(r.stages[2][PV_STAGE_FFN_RESIDUAL].side[0].introduced, 0.0, 0.0);
  EXPECT(r.stages[2][PV_STAGE_FFN_RESIDUAL].side[1].introduced > 0.0);
  pv_bisect_free(&r);
}

/* Whose identity is unknown is held to no definition: float64 alone tells the error. */
static void test_unknown_identity(void) {
  recording_make("unknown", PV_NUMERICS_I16, NULL, NULL, NULL);
  recording_change("unknown", NULL, "numerics", json_string("somebody's/3"));
  pv_bisect_result r = recording_bisect(NULL, "unknown");
  EXPECT_I64(r.verdict, PV_BISECT_EQUAL);
  EXPECT(r.defined[0] && !r.defined[1] && !r.same_identity);
  pv_bisect_free(&r);
  r = recording_bisect("unknown", "unknown");
  EXPECT_I64(r.verdict, PV_BISECT_UNDECIDED);
  EXPECT_U64(r.different, 0);
  pv_bisect_free(&r);
  recording_make("unknown-wrong", PV_NUMERICS_I16, "wrong_head_group:layer=2", NULL, NULL);
  recording_change("unknown-wrong", NULL, "numerics", NULL);
  r = recording_bisect(NULL, "unknown-wrong");
  EXPECT_I64(r.verdict, PV_BISECT_UNDECIDED);
  EXPECT_U64(undefined(&r, 1), 0);
  EXPECT(r.stages[2][PV_STAGE_ATTN_OUT].side[1].introduced > 0.1);
  EXPECT(r.stages[3][PV_STAGE_FFN_RESIDUAL].side[1].introduced < 1e-5);
  pv_bisect_free(&r);
  /* A NaN where there is a number is wrong in any identity. */
  recording_make("unknown-nan", PV_NUMERICS_I16, "nan_in_one_element:layer=1", NULL, NULL);
  recording_change("unknown-nan", NULL, "numerics", json_string("somebody's/3"));
  r = recording_bisect(NULL, "unknown-nan");
  EXPECT_I64(r.verdict, PV_BISECT_RIGHT);
  EXPECT_I64(r.culprit[1].stage, PV_STAGE_EXPERT_DOWN);
  EXPECT_U64(r.culprit[1].layer, 1);
  EXPECT_U64(undefined(&r, 1), 1);
  pv_bisect_free(&r);
}

static void refuses(const char *name, const char *file, const char *why) {
  pv_recorded *out = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_recorded_model of = {.model = recording_model, .path = RECORDING_MODEL};
  EXPECT(pv_recorded_open(folder_path(name), &of, &out, &err) != PV_OK);
  EXPECT(out == NULL);
  EXPECT_HAS(err.message, why);
  EXPECT_HAS(err.file, file);
  pv_recorded_close(out);
}

static json_t *shape(int rows, int width) {
  return json_pack("[i, i]", rows, width);
}

static pv_code open_shape(json_t *dims, bool any_width, uint64_t *rows, uint64_t *width) {
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_recorded_model of = {.model = recording_model, .any_width = any_width};
  recording_change("shapes", "q.1.bin", "shape", dims);
  const pv_code code = pv_recorded_open(folder_path("shapes"), &of, &r, &err);
  const pv_trace_tensor *t = code == PV_OK ? pv_recorded_tensor(r, PV_STAGE_Q, 1) : NULL;
  *rows = t != NULL ? t->rows.until : 0;
  *width = t != NULL ? t->width : 0;
  pv_recorded_close(r);
  return code;
}

/* Of three dimensions the first is a batch of one, or heads follow it: the model's width tells. */
static void test_shapes(void) {
  uint64_t rows = 0, width = 0;
  recording_make("shapes", PV_NUMERICS_I16, NULL, "q", NULL);
  EXPECT_I64(open_shape(json_pack("[i, i, i]", 4, 4, 128), false, &rows, &width), PV_OK);
  EXPECT(rows == 4 && width == 512);
  EXPECT_I64(open_shape(json_pack("[i, i, i]", 1, 4, 512), false, &rows, &width), PV_OK);
  EXPECT(rows == 4 && width == 512);
  /* One row of heads is shorter than its file. */
  EXPECT_I64(open_shape(json_pack("[i, i, i]", 1, 4, 128), false, &rows, &width), PV_ERR_INPUT);
  recording_change("shapes", "q.1.bin", "offset", json_integer(0));
  recording_change("shapes", "q.1.bin", "sha256", NULL);
  EXPECT_I64(open_shape(json_pack("[i, i, i]", 1, 4, 128), false, &rows, &width), PV_OK);
  EXPECT(rows == 1 && width == 512);
  /* Another width is refused, or taken as it is by who asks for that. */
  EXPECT_I64(open_shape(json_pack("[i, i]", 4, 256), false, &rows, &width), PV_ERR_INPUT);
  EXPECT_I64(open_shape(json_pack("[i, i]", 4, 256), true, &rows, &width), PV_OK);
  EXPECT(rows == 4 && width == 256);
  EXPECT_I64(open_shape(json_pack("[i, i, i]", 4, 2, 128), true, &rows, &width), PV_OK);
  EXPECT(rows == 4 && width == 256);
}

static void test_refused(void) {
  recording_make("bad", PV_NUMERICS_I16, NULL, "q,logits,argmax", NULL);
  const struct {
    const char *file, *key;
    json_t *wrong, *right;
    const char *where, *why;
  } table[] = {
      {NULL, "schema", json_string("pv/trace/v3"), json_string("pv/trace/v2"), "manifest.json",
       "is no manifest"},
      {NULL, "ids", json_string("1,2,x"), json_string(RECORDING_IDS), "manifest.json", "token id"},
      {NULL, "ids", json_string("1,2"), json_string(RECORDING_IDS), "manifest.json",
       "has 2 token ids and tensors of 4 positions"},
      {NULL, "ids", json_integer(1), json_string(RECORDING_IDS), "manifest.json",
       "neither a list nor a text"},
      {NULL, "ids", json_pack("[i, i, i, f]", 1, 2, 3, 4.0), json_string(RECORDING_IDS),
       "manifest.json", "number 3 of ids is no token id"},
      {NULL, "model_sha256", json_string("7234FB"), NULL, "manifest.json", "64 hexadecimal digits"},
      {NULL, "model_sha256",
       json_string("00000000000000000000000000000000000000000000000000000000000000ff"), NULL, "bad",
       "is of another model: its SHA-256 begins with 000000000000, that of " RECORDING_MODEL},
      {NULL, "model_sha256", json_null(), NULL, "manifest.json", "64 hexadecimal digits"},
      {NULL, "engine", json_integer(3), NULL, "manifest.json", "engine is no text"},
      {NULL, "configuration", json_pack("{s:i}", "ubatch", 512), NULL, "manifest.json",
       "configuration is no object of texts"},
      {"q.1.bin", "stage", json_string("quux"), json_string("q"), "manifest.json",
       "'quux.1' is of a stage that a forward does not have"},
      {"q.1.bin", "layer", json_integer(4), json_integer(1), "manifest.json",
       "'q.4' is of layer 4, which this model does not have"},
      {"q.1.bin", "layer", json_integer(-1), json_integer(1), "manifest.json",
       "has a layer that is none"},
      {"q.1.bin", "layer", json_null(), json_integer(1), "manifest.json", "is of no layer"},
      {"q.1.bin", "layer", json_integer(2), json_integer(1), "manifest.json",
       "'q.2' is there twice, from position 0 on"},
      {"logits.bin", "layer", json_integer(1), json_null(), "manifest.json", "outside the layers"},
      {"q.1.bin", "dtype", json_string("f64"), json_string("f32"), "manifest.json", "another type"},
      {"q.1.bin", "dtype", json_string("f32le"), json_string("f32"), "manifest.json",
       "is neither f16, bf16, f32 nor f64"},
      {"argmax.bin", "dtype", json_string("f32"), json_string("i32"), "manifest.json",
       "'argmax' is neither i32 nor i64"},
      {"q.2.bin", "shape", shape(RECORDING_COUNT, 128), shape(RECORDING_COUNT, 512),
       "manifest.json", "'q.2' is 128 wide, q of this model 512"},
      {"q.2.bin", "shape", shape(7, 512), shape(RECORDING_COUNT, 512), "manifest.json",
       "has 4 token ids and tensors of 7 positions"},
      {"q.2.bin", "shape", shape(-1, 512), shape(RECORDING_COUNT, 512), "manifest.json",
       "no shape"},
      {"q.2.bin", "position", json_integer(1), json_integer(0), "manifest.json",
       "has 4 token ids and tensors of 5 positions"},
      {"q.2.bin", "posiition", json_integer(1), NULL, "manifest.json",
       "has a key that pv does not know: 'posiition'"},
      {"q.2.bin", "sha256", json_string("12"), NULL, "manifest.json",
       "'q.2' has a sha256 that is not 64"},
      {"q.2.bin", "file", json_string("../x"), NULL, "manifest.json", "inside the folder"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    recording_change("bad", table[i].file, table[i].key, table[i].wrong);
    refuses("bad", table[i].where, table[i].why);
    if (strcmp(table[i].key, "file") != 0)
      recording_change("bad", table[i].file, table[i].key, table[i].right);
  }
  refuses("nowhere", "manifest.json", "cannot open");
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_file_replace(folder_path("only-q/q.2.bin"), "short", 5, &err), PV_OK);
  refuses("only-q", "q.2.bin", "the file has 5 bytes, the manifest says 8192");
  EXPECT_I64(unlink(folder_path("only-q/q.2.bin")), 0);
  refuses("only-q", "q.2.bin", "cannot open");
}

/* Shortened, or of another length, after it was opened. */
static void test_changed_meanwhile(void) {
  pv_recorded *recorded = NULL;
  pv_bisect_result out;
  pv_error err = PV_ERROR_INIT;
  pv_recorded_model of = {.model = recording_model, .path = RECORDING_MODEL};
  REQUIRE(pv_recorded_open(folder_path("only-k"), &of, &recorded, &err) == PV_OK);
  pv_bisect_spec spec = {
      .model = recording_model,
      .side = {{"left",
                {pv_side_kind_find("cpu"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""},
                NULL},
               {"right",
                {pv_side_kind_find("trace"), PV_NUMERICS_I16, {NULL, -1}, NULL, NULL, ""},
                recorded}},
      .ids = recording_ids,
      .count = RECORDING_COUNT - 1,
      .batch = RECORDING_BATCH};
  EXPECT_I64(pv_bisect(&spec, &out, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "the trace has 4 positions, the run 3");
  spec.count = RECORDING_COUNT;
  EXPECT_I64(truncate(folder_path("only-k/k.2.bin"), 100), 0);
  EXPECT_I64(pv_bisect(&spec, &out, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "the file has 100 bytes");
  EXPECT_HAS(err.file, "only-k/k.2.bin");
  pv_recorded_close(recorded);
}

int main(void) {
  pv_error err = PV_ERROR_INIT;
  if (folder_make() == NULL || pv_model_open(RECORDING_MODEL, &recording_model, &err) != PV_OK) {
    pv_error_print(&err, stderr);
    return 1;
  }
  const int code = pv_testing_main("recorded", (pv_case[]){PV_CASE(test_equal),
                                                           PV_CASE(test_faults),
                                                           PV_CASE(test_both_recorded),
                                                           PV_CASE(test_missing),
                                                           PV_CASE(test_last_rows),
                                                           PV_CASE(test_nothing_in_common),
                                                           PV_CASE(test_other_identity),
                                                           PV_CASE(test_unknown_identity),
                                                           PV_CASE(test_shapes),
                                                           PV_CASE(test_refused),
                                                           PV_CASE(test_changed_meanwhile),
                                                           {0}});
  pv_model_close(recording_model);
  folder_remove();
  return code;
}
