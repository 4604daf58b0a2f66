/* What a reader needs on the first screen and beside each number: the model, the commit, the gate.
 */
#include <stdio.h>
#include <string.h>

#include "reports/render/gate.h"
#include "tests/unit/known.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"

static void expect_gate(const char *check, const char *name, const char *value, double measured,
                        const char *allowed, const char *seen) {
  char own_check[32], own_name[32], own_value[32];
  snprintf(own_check, sizeof own_check, "%s", check);
  snprintf(own_name, sizeof own_name, "%s", name);
  snprintf(own_value, sizeof own_value, "%s", value);
  pv_param with = {.name = own_name, .text = own_value};
  const pv_falsifier f = {.check = own_check,
                          .known = pv_known_check_find(testing_known(), check),
                          .with = &with,
                          .with_count = 1};
  pv_gate gate;
  pv_text text = PV_TEXT_INIT;
  if (!EXPECT(pv_gate_find(&f, &gate))) return;
  pv_gate_put(&text, &gate);
  EXPECT_STR(text.data, allowed);
  pv_text_free(&text);
  pv_gate_put_measured(&text, &gate, measured);
  EXPECT_STR(text.data, seen);
  pv_text_free(&text);
}

static void test_gates(void) {
  expect_gate("router.weights_sum", "tolerance", "1e-6", 1.2e-7, "≤ 1e-6", "1.2e-7");
  expect_gate("router.weights_sum", "backend", "cpu", 1.2e-7, "≤ 1e-6", "1.2e-7"); /* default */
  expect_gate("swiglu.error", "max_ulp", "4", 2.5, "≤ 4 ulp", "2.5");
  expect_gate("throughput.decode", "min_tokens_per_s", "150", 412.5, "≥ 150 tokens/s", "412.5");
  expect_gate("forward.reference", "min_cosine", "0.99", 0.98, "≥ 0.99", "0.98");
  expect_gate("forward.arbiter", "min_cosine", "0.99999999", 0.9999999976,
              "≥ 0.99999999 (1 − 1e-8)", "0.9999999976 (1 − 2.4e-9)");
  expect_gate("forward.arbiter", "min_cosine", "1", 1.0, "≥ 1", "1");
}

/* Bits are compared without a bound, and an unknown check has none. */
static void test_no_gate(void) {
  const pv_known *known = testing_known();
  pv_falsifier f = {.known = pv_known_check_find(known, "forward.parity")};
  pv_gate gate;
  EXPECT(f.known != NULL && !pv_gate_find(&f, &gate));
  f.known = pv_known_check_find(known, "types.dispatch");
  EXPECT(f.known != NULL && !pv_gate_find(&f, &gate));
  EXPECT(!pv_gate_find(&(pv_falsifier){0}, &gate));
}

/* The text before `end`, which is cut there. */
static const char *until(pv_text *text, const char *end) {
  pv_text_puts(text, "");
  char *at = strstr(text->data, end);
  if (EXPECT(at != NULL)) *at = '\0';
  return text->data;
}

static void test_top_box_names_model_and_commit(void) {
  static const char model[] = "models/tiny-coder-moe-Q4_K_M.gguf <code data-first=\"digest\" ";
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_text out = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(s != NULL);
  EXPECT(pv_render_html(&s->result, NULL, &out, &err) == PV_OK);
  const char *top = until(&out, "</section>");
  EXPECT_HAS(top, model);
  EXPECT_HAS(top, "<dt>Commit</dt><dd data-first=\"commit\"><code>28a5f78</code>");
  pv_text_free(&out);
  EXPECT(pv_render_markdown(&s->result, NULL, &out, &err) == PV_OK);
  top = until(&out, "\n## What was claimed");
  EXPECT_HAS(top, "| Model | models/tiny-coder-moe-Q4");
  EXPECT_HAS(top, "| Commit | 28a5f78 |");
  pv_text_free(&out);
  s->result.model_count = s->result.environment_count = 0;
  EXPECT(pv_render_markdown(&s->result, NULL, &out, &err) == PV_OK);
  top = until(&out, "\n## What was claimed");
  EXPECT_HAS(top, "| Model | none was needed |");
  EXPECT_HAS(top, "| Commit | not known |");
  pv_text_free(&out);
  sample_free(s);
}

/* The gate stands before what was measured, and no cell of the table goes without its heading,
 * which a narrow screen shows in its place. */
static void test_table_of_falsifiers(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_text out = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(s != NULL);
  EXPECT(pv_render_html(&s->result, NULL, &out, &err) == PV_OK);
  const char *table = strstr(out.data, "aria-label=\"Falsifiers\"");
  REQUIRE(table != NULL);
  EXPECT_HAS(table,
             "data-h=\"Gate:\">≥ 0.9999999 (1 − 1e-7)</td>"
             "<td class=\"g\" data-h=\"Measured:\">0.9999999941 (1 − 5.863e-9)</td>");
  size_t headings = 0, rows = 0, cells = 0;
  const char *end = strstr(table, "</table>");
  REQUIRE(end != NULL);
  for (const char *p = table; p < end; p++) {
    headings += strncmp(p, "<th scope=\"col\"", 15) == 0;
    rows += strncmp(p, "<tr id=\"f", 9) == 0;
    cells += strncmp(p, " data-h=\"", 9) == 0;
  }
  EXPECT_U64(headings, 7);
  EXPECT_U64(rows, s->result.falsifier_count);
  EXPECT_U64(cells, rows * (headings - 2)); /* verdict and name need none */
  pv_text_free(&out);
  EXPECT(pv_render_markdown(&s->result, NULL, &out, &err) == PV_OK);
  EXPECT_HAS(out.data, "| Compared | Gate | Measured |");
  pv_text_free(&out);
  sample_free(s);
}

static const pv_picture *find_picture(const pv_pictures *p, const char *file) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->items[i].file, file) == 0) return &p->items[i];
  return NULL;
}

/* From 0.4 to 1.6 a cosine near 1 shows nothing: its distance from 1 is drawn, over decades. */
static void test_cosine_is_drawn_as_distance(void) {
  static double x[] = {0, 1, 2}, y[] = {1.0, 0.99999, 0.999};
  static char picture[] = "cosine", name[] = "smallest cosine of a layer's output",
              layer[] = "layer";
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_pictures p;
  REQUIRE(s != NULL);
  pv_series line = {picture, name, layer, picture, x, y, 3, false};
  s->result.falsifiers[1].series = &line;
  s->result.falsifiers[1].series_count = 1;
  EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
  const pv_picture *drawn = find_picture(&p, "cosine.svg");
  REQUIRE(drawn != NULL);
  EXPECT_HAS(drawn->svg, ">exactly 0<");
  EXPECT_HAS(drawn->svg, "10<tspan class=\"pw\" dy=\"-5\">−5</tspan>");
  EXPECT_HAS(drawn->alt, "1 - smallest cosine of a layer's output from 0 to 0.001");
  EXPECT(strstr(drawn->svg, ">0.4<") == NULL);
  EXPECT_F64(line.y[1], 0.99999, 0.0); /* the evidence is as it was */
  pv_pictures_free(&p);
  sample_free(s);
}

/* The bound on a cosine is a line of the picture of its distances. */
static void test_gate_is_drawn(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_pictures p;
  REQUIRE(s != NULL);
  EXPECT(pv_render_pictures(&s->result, &p, NULL) == PV_OK);
  const pv_picture *drawn = find_picture(&p, "stage-error.svg");
  REQUIRE(drawn != NULL);
  EXPECT_HAS(drawn->alt, "gate of the logits' 1 - cosine 1e-7");
  EXPECT_HAS(drawn->svg, "class=\"pl dash s2\"");
  pv_pictures_free(&p);
  sample_free(s);
}

int main(void) {
  return pv_testing_main("reports view", (pv_case[]){PV_CASE(test_gates),
                                                     PV_CASE(test_no_gate),
                                                     PV_CASE(test_top_box_names_model_and_commit),
                                                     PV_CASE(test_table_of_falsifiers),
                                                     PV_CASE(test_cosine_is_drawn_as_distance),
                                                     PV_CASE(test_gate_is_drawn),
                                                     {0}});
}
