/* Stages in each format: what their criteria make of them, and nothing where there are none. */
#include <jansson.h>
#include <string.h>

#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/stage.h"

static char word_done[] = "done", word_open[] = "open", word_none[] = "none",
            word_bad[] = "refuted";
static char holds[] = "AC_GPU_MOE_002", holds_too[] = "AC_GPU_MOE_003",
            not_run[] = "AC_GPU_MOE_001";
static char says[] = "All of it", hostile[512];
static char *two[] = {holds, holds_too}, *mixed[] = {not_run, holds}, *other[] = {not_run};

static pv_stage stages[] = {{word_done, says, {two, NULL, 2}, {0}},
                            {word_open, hostile, {mixed, NULL, 2}, {0}},
                            {word_none, says, {NULL, NULL, 0}, {0}},
                            {word_bad, says, {other, NULL, 1}, {0}}};
enum { STAGES = sizeof stages / sizeof *stages };
static pv_stage_result results[STAGES];

/* Of the sample's criteria 002 and 003 hold, 001 was not run. */
static sample *make(size_t count) {
  sample *s = sample_make(SAMPLE_CARRIED);
  if (s == NULL) return NULL;
  strcpy(hostile, sample_hostile);
  for (size_t i = 0; i < count; i++) results[i] = pv_stage_derive(&s->result, &stages[i]);
  s->result.stages = results;
  s->result.stage_count = count;
  return s;
}

static void test_markdown(void) {
  sample *s = make(3);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL && pv_render_markdown(&s->result, NULL, &out, NULL) == PV_OK);
  EXPECT_HAS(out.data, "\n## Stages\n");
  EXPECT_HAS(out.data,
             " DONE | `done` All of it | 2 of 2 | `AC_GPU_MOE_002`, `AC_GPU_MOE_003` |\n");
  EXPECT_HAS(out.data, " IN_PROGRESS | `open` ");
  EXPECT_HAS(out.data, " | 1 of 2 | `AC_GPU_MOE_001`, `AC_GPU_MOE_002` |\n");
  EXPECT_HAS(out.data, " PENDING | `none` All of it | no criterion yet |  |\n");
  EXPECT(strstr(out.data, "<script>") == NULL);
  pv_text_free(&out);
  sample_free(s);
}

static void test_html(void) {
  sample *s = make(3);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL && pv_render_html(&s->result, NULL, &out, NULL) == PV_OK);
  const char *at = strstr(out.data, "<h2>Stages</h2>");
  REQUIRE(EXPECT(at != NULL));
  EXPECT_HAS(at, "DONE</td>");
  EXPECT_HAS(at, ">2 of 2</td>");
  EXPECT_HAS(at, "IN_PROGRESS</td>");
  EXPECT_HAS(at, ">no criterion yet</td>");
  EXPECT(strstr(out.data, "<script>alert") == NULL);
  pv_text_free(&out);
  sample_free(s);
}

static void test_json(void) {
  sample *s = make(3);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL && pv_render_json(&s->result, NULL, &out, NULL) == PV_OK);
  json_t *root = json_loadb(out.data, out.length, 0, NULL);
  const json_t *list = json_object_get(root, "stages");
  EXPECT_U64(json_array_size(list), 3);
  const json_t *open = json_array_get(list, 1);
  EXPECT_STR(json_string_value(json_object_get(open, "id")), "open");
  EXPECT_STR(json_string_value(json_object_get(open, "status")), "IN_PROGRESS");
  EXPECT_STR(json_string_value(json_array_get(json_object_get(open, "criteria"), 0)), not_run);
  EXPECT_U64(json_array_size(json_object_get(json_array_get(list, 2), "criteria")), 0);
  json_decref(root);
  pv_text_free(&out);
  sample_free(s);
}

static void test_terminal(void) {
  static const pv_terminal wide = {.width = 160};
  sample *s = make(3);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL && pv_render_terminal(&s->result, NULL, &wide, &out, NULL) == PV_OK);
  EXPECT_HAS(
      out.data,
      "  stages: done DONE (2 of 2), open IN_PROGRESS (1 of 2), none PENDING (no criterion yet)"
      "\n");
  pv_text_free(&out);
  sample_free(s);
}

static void test_none(void) {
  static const pv_terminal wide = {.width = 160};
  sample *s = make(0);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL && pv_render_markdown(&s->result, NULL, &out, NULL) == PV_OK);
  EXPECT(pv_render_html(&s->result, NULL, &out, NULL) == PV_OK);
  EXPECT(pv_render_terminal(&s->result, NULL, &wide, &out, NULL) == PV_OK);
  EXPECT(strstr(out.data, "tages") == NULL);
  pv_text_free(&out);
  sample_free(s);
}

/* A stage that is not what its criteria make of it is in no report. */
static void test_contradictions(void) {
  sample *s = make(STAGES);
  pv_error err = PV_ERROR_INIT;
  REQUIRE(s != NULL);
  EXPECT(pv_render_check(&s->result, NULL) == PV_OK);
  for (int status = 0; status < PV_STAGE_COUNT; status++)
    for (size_t i = 0; i < STAGES; i++) {
      const pv_stage_status old = results[i].status;
      results[i].status = (pv_stage_status)status;
      EXPECT(pv_render_check(&s->result, &err) ==
             (old == (pv_stage_status)status ? PV_OK : PV_ERR_INTERNAL));
      results[i].status = old;
    }
  EXPECT_HAS(err.message, "a stage that is not what its criteria make of it: refuted");
  results[0].held--;
  EXPECT(pv_render_check(&s->result, NULL) == PV_ERR_INTERNAL);
  results[0].held++;
  results[1].stage = NULL;
  EXPECT(pv_render_check(&s->result, NULL) == PV_ERR_INTERNAL);
  sample_free(s);
}

/* More stages than a report has room for: it says so. */
static void test_many(void) {
  enum { MANY = 2000 };
  static pv_stage_result many[MANY];
  sample *s = make(1);
  pv_text out = PV_TEXT_INIT;
  REQUIRE(s != NULL);
  for (size_t i = 0; i < MANY; i++) many[i] = results[0];
  s->result.stages = many;
  s->result.stage_count = MANY;
  EXPECT(pv_render_markdown(&s->result, NULL, &out, NULL) == PV_OK);
  EXPECT(out.length < PV_RENDER_MARKDOWN_LIMIT);
  EXPECT_HAS(out.data, " more stages were left out");
  pv_text_free(&out);
  EXPECT(pv_render_html(&s->result, NULL, &out, NULL) == PV_OK);
  EXPECT_HAS(out.data, " more stages were left out");
  pv_text_free(&out);
  sample_free(s);
}

int main(void) {
  return pv_testing_main("stages in reports", (pv_case[]){PV_CASE(test_markdown),
                                                          PV_CASE(test_html),
                                                          PV_CASE(test_json),
                                                          PV_CASE(test_terminal),
                                                          PV_CASE(test_none),
                                                          PV_CASE(test_contradictions),
                                                          PV_CASE(test_many),
                                                          {0}});
}
