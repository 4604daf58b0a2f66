/* The page that a stranger is handed: what it says that nobody looked at, where its links lead, how
 * far measurements are from their gates, and what to do where something failed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render/gate.h"
#include "reports/render/unseen.h"
#include "tests/unit/reports/sample.h"
#include "tests/unit/testing.h"

static pv_text page_of(sample *s, const pv_render_links *links) {
  pv_text out = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_render_html(&s->result, links, &out, &err) == PV_OK);
  if (out.data == NULL) pv_text_puts(&out, "");
  return out;
}

/* The row of a topic, or "(none)". */
static const char *unseen(pv_arena *arena, const sample *s, const char *topic, bool open) {
  pv_unseen rows[PV_UNSEEN_ROWS];
  size_t count = 0;
  EXPECT(pv_unseen_find(arena, &s->result, rows, &count));
  for (size_t i = 0; i < count; i++)
    if (strcmp(rows[i].topic, topic) == 0) {
      if (!EXPECT(rows[i].open == open)) fprintf(stderr, "  %s: %s\n", topic, rows[i].text);
      return rows[i].text;
    }
  return "(none)";
}

static void test_unseen_without_a_device(void) {
  sample *s = sample_make(SAMPLE_CARRIED);
  pv_arena arena = PV_ARENA_INIT;
  REQUIRE(s != NULL);
  EXPECT_STR(unseen(&arena, s, "Criteria", true),
             "3 of 12: AC_GPU_MOE_001, AC_GPU_MOE_006 and 1 more");
  EXPECT_STR(unseen(&arena, s, "GPUs", true), "all: nothing was computed on one");
  EXPECT_STR(unseen(&arena, s, "Prompts", false), "(none)"); /* the model says nothing of them */
  EXPECT_STR(unseen(&arena, s, "Layers", false), "none of 48");
  EXPECT_STR(unseen(&arena, s, "Tensor types", true), "not recorded: none was counted");
  EXPECT_STR(unseen(&arena, s, "Numerics", false), "f64");
  EXPECT_STR(unseen(&arena, s, "Planted faults", false), "none of 18");
  EXPECT_STR(unseen(&arena, s, "Stages", false), "(none)");
  /* What a check broke down over was not looked at either. */
  s->result.criteria[1].verdict = s->result.falsifiers[1].verdict = PV_CRASH;
  s->result.falsifiers[2].faults_killed.count = 0;
  EXPECT_STR(unseen(&arena, s, "Criteria", true),
             "4 of 12 without an answer: AC_GPU_MOE_001, AC_GPU_MOE_002 and 2 more");
  EXPECT_STR(unseen(&arena, s, "Planted faults", true), "2 of 16 not tried");
  /* A curve that is not whole, one of a receipt that no longer holds, none. */
  pv_falsifier_result *arbiter = &s->result.falsifiers[10];
  arbiter->series[0].count = arbiter->series[1].count = 36;
  EXPECT_STR(unseen(&arena, s, "Layers", true), "12 of 48 have no curve, the first is 36");
  arbiter->verdict = PV_STALE;
  EXPECT_STR(unseen(&arena, s, "Layers", true), "of none of 48 is there a curve");
  pv_arena_free(&arena);
  sample_free(s);
}

static void test_unseen_on_a_device(void) {
  static char prompts[] = "prompts_from", call[] = "the call", name[] = "tensors_Q6_K",
              param[] = "prompts";
  sample *s = sample_make(SAMPLE_DEVICE);
  pv_arena arena = PV_ARENA_INIT;
  pv_param fewer = {.name = param};
  REQUIRE(s != NULL);
  EXPECT_STR(unseen(&arena, s, "Criteria", false), "none of 12");
  EXPECT_STR(unseen(&arena, s, "GPUs", false), "all but NVIDIA H200");
  EXPECT_STR(unseen(&arena, s, "Planted faults", true), "none of 18; 3 falsifiers declare none");
  /* A device that is there, and on which nothing was computed. */
  for (size_t i = 0; i < s->result.falsifier_count; i++) s->result.falsifiers[i].backends.count = 1;
  EXPECT_STR(unseen(&arena, s, "GPUs", true), "all: nothing was computed on one");
  s->result.environment[0] = (pv_fact){prompts, call};
  s->result.falsifiers[10].metrics[0].name = name;
  EXPECT_STR(unseen(&arena, s, "Tensor types", false), "all but Q6_K");
  EXPECT_STR(unseen(&arena, s, "Prompts", false), "all but those of the call, 295 positions");
  s->contract.falsifiers[4].with = &fewer;
  s->contract.falsifiers[4].with_count = 1;
  EXPECT_STR(unseen(&arena, s, "Prompts", true),
             "all but those of the call, 295 positions; fewer in F_AC_GPU_MOE_005");
  pv_arena_free(&arena);
  sample_free(s);
  s = sample_make(SAMPLE_EMPTY);
  REQUIRE(s != NULL);
  EXPECT_STR(unseen(&arena, s, "Criteria", false), "none of 0");
  EXPECT_STR(unseen(&arena, s, "Planted faults", false), "(none)");
  pv_arena_free(&arena);
  sample_free(s);
}

/* By Vulkan the backend names the device; one of software is no GPU. */
static void test_unseen_by_vulkan(void) {
  static char software[] =
      "llvmpipe (LLVM 15) (software, no GPU), Vulkan 1.3.230, llvmpipe Mesa: 28 "
      "operations proved",
              gpu[] =
                  "AMD Radeon (TM) Pro (discrete), Vulkan 1.3.230, radv Mesa: 28 operations "
                  "proved",
              vulkan[] = "vulkan",
              fact[] = "AMD Radeon (TM) Pro (discrete), Vulkan 1.3.230, radv Mesa";
  sample *s = sample_make(SAMPLE_DEVICE);
  pv_arena arena = PV_ARENA_INIT;
  REQUIRE(s != NULL);
  for (size_t i = 0; i < s->result.falsifier_count; i++) {
    EXPECT(s->result.falsifiers[i].backends.count > 0);
    s->result.falsifiers[i].backends.items[0] = software;
    s->result.falsifiers[i].backends.count = 1;
  }
  EXPECT_STR(unseen(&arena, s, "GPUs", true), "all: nothing was computed on one");
  pv_text page = page_of(s, NULL);
  EXPECT(strstr(page.data, "by Vulkan") == NULL);
  pv_text_free(&page);
  s->result.falsifiers[3].backends.items[0] = s->result.falsifiers[4].backends.items[0] = gpu;
  s->result.environment[0] = (pv_fact){vulkan, fact};
  EXPECT_STR(unseen(&arena, s, "GPUs", false), "all but AMD Radeon (TM) Pro");
  page = page_of(s, NULL);
  EXPECT_HAS(page.data, "by Vulkan: AMD Radeon (TM) Pro (discrete), Vulkan 1.3.230, radv Mesa");
  pv_text_free(&page);
  pv_arena_free(&arena);
  sample_free(s);
}

static void expect_margin(pv_gate gate, double measured, double want) {
  double factor = -1.0;
  if (!EXPECT(pv_gate_margin(&gate, measured, &factor) == !isnan(want)) || isnan(want)) return;
  if (isinf(want))
    EXPECT(isinf(factor));
  else
    EXPECT_F64(factor, want, 1e-9 * want);
}

static void test_margins(void) {
  const pv_gate most = {.value = 1e-6}, least = {.value = 150.0, .minimum = true};
  const pv_gate cosine = {.value = 0.99, .minimum = true, .nines = true};
  expect_margin(most, 1.25e-7, 8.0);
  expect_margin(most, 2e-6, 0.5);
  expect_margin(most, 0.0, INFINITY);
  expect_margin(most, -1.0, NAN);
  expect_margin(most, NAN, NAN);
  expect_margin((pv_gate){.value = 0.0}, 1.0, NAN);
  expect_margin(least, 300.0, 2.0);
  expect_margin(least, 75.0, 0.5);
  expect_margin(least, 0.0, 0.0);
  expect_margin(cosine, 0.999, 10.0);
  expect_margin(cosine, 0.98, 0.5);
  expect_margin(cosine, 1.0, INFINITY);
  expect_margin((pv_gate){.value = 1.0, .minimum = true, .nines = true}, 0.5, NAN);
}

static void test_margins_are_drawn(void) {
  sample *s = sample_make(SAMPLE_DEVICE);
  REQUIRE(s != NULL);
  pv_text out = page_of(s, NULL);
  const char *figure = strstr(out.data, "<h2 id=\"margins\">");
  REQUIRE(figure != NULL);
  EXPECT_HAS(figure, "<title id=\"margins-t\">Margins of 4 falsifiers to their gates</title>");
  EXPECT_HAS(figure, ">≥ 150 tokens/s</text>");
  EXPECT_HAS(figure, ">exact</text>");
  EXPECT_HAS(figure, ">gate</text>");
  EXPECT_HAS(figure,
             "Nearest to its gate: <a href=\"#f6\"><code>F_AC_GPU_MOE_006</code></a>, gate "
             "≥ 150 tokens/s, measured 412.5, 2.75 times.</figcaption>");
  pv_text_free(&out);
  sample_free(s);
  s = sample_make(SAMPLE_EMPTY);
  REQUIRE(s != NULL);
  out = page_of(s, NULL);
  EXPECT(strstr(out.data, "id=\"margins\"") == NULL);
  pv_text_free(&out);
  sample_free(s);
}

/* The value of an attribute that begins at `at`; NULL when it is too long to be ours. */
static bool value_at(const char *at, char *out, size_t room) {
  const size_t n = strcspn(at, "\"");
  if (n >= room) return false;
  memcpy(out, at, n);
  out[n] = '\0';
  return true;
}

/* Links of a page that lead nowhere: no such anchor, or none of the files of a run. */
static size_t dead_links(const char *page, size_t *links) {
  static const char href[] = " href=\"";
  static const char *const files[] = {"evidence.json", "report.md", "junit.xml", "statement.json"};
  char to[64], want[80];
  size_t dead = 0;
  for (const char *at = page; (at = strstr(at, href)) != NULL; at++) {
    bool found = false;
    if (!value_at(at + sizeof href - 1, to, sizeof to)) {
      dead++;
      continue;
    }
    snprintf(want, sizeof want, " id=\"%s\"", to + 1);
    const char *target = to[0] == '#' ? strstr(page, want) : NULL;
    found = target != NULL && strstr(target + 1, want) == NULL; /* once */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) found |= strcmp(to, files[i]) == 0;
    if (!found) fprintf(stderr, "  dead: %s\n", to);
    dead += !found;
    ++*links;
  }
  return dead;
}

static void test_links_lead_somewhere(void) {
  static const pv_render_links links = {.folder = "reports/runs/x"};
  for (int k = 0; k < SAMPLE_KINDS; k++) {
    size_t all = 0, alone = 0;
    sample *s = sample_make((sample_kind)k);
    REQUIRE(s != NULL);
    pv_text out = page_of(s, &links);
    EXPECT_U64(dead_links(out.data, &all), 0);
    EXPECT(all >= 4);
    if (k == SAMPLE_DEVICE) { /* a line that the page lost is missed */
      char *line = strstr(out.data, "<li id=\"L5\">");
      REQUIRE(line != NULL);
      line[9] = 'X';
      EXPECT_U64(dead_links(out.data, &alone), 1);
    }
    pv_text_free(&out);
    out = page_of(s, NULL); /* handed on alone, it names no file beside it */
    EXPECT(strstr(out.data, "href=\"evidence.json\"") == NULL);
    pv_text_free(&out);
    sample_free(s);
  }
}

/* From a claim to its falsifier, to the record and to the line of the contract. */
static void test_ways(void) {
  static const pv_render_links links = {.folder = "reports/runs/x"};
  sample *s = sample_make(SAMPLE_REFUTED);
  REQUIRE(s != NULL);
  pv_text out = page_of(s, &links);
  const char *claim = strstr(out.data, "<tr id=\"c1\"");
  REQUIRE(claim != NULL);
  EXPECT_HAS(claim,
             "<a href=\"#L5\" title=\"contracts/qwen3-moe-forward-gpu-v1.yaml:5\">line\xc2\xa0"
             "5");
  EXPECT_HAS(claim, "<a href=\"#f1\"><code>F_AC_GPU_MOE_001</code></a>");
  const char *falsifier = strstr(out.data, "<tr id=\"f1\"");
  REQUIRE(falsifier != NULL);
  EXPECT_HAS(falsifier, "judges <a href=\"#c1\"><code>AC_GPU_MOE_001</code></a>");
  EXPECT_HAS(falsifier, "<a href=\"evidence.json\"><code>evidence.json</code></a> .falsifiers[0]");
  EXPECT_HAS(out.data, "<li id=\"L5\">  - id: AC_GPU_MOE_001</li>");
  EXPECT_HAS(out.data, "<li id=\"L30\">  - id: F_AC_GPU_MOE_001</li>");
  pv_text_free(&out);
  sample_free(s);
}

static void test_commands_to_copy(void) {
  static char command[] = "pv bisect cpu:i16 cuda:i16 --model 'a <b>.gguf'";
  static char *items[] = {command};
  static const pv_strings next = {.items = items, .count = 1};
  const pv_render_links links = {.next = &next};
  sample *s = sample_make(SAMPLE_REFUTED);
  REQUIRE(s != NULL);
  pv_text out = page_of(s, &links);
  EXPECT_HAS(
      out.data,
      "<pre class=\"copy\">pv bisect cpu:i16 cuda:i16 --model &#39;a &lt;b&gt;.gguf&#39;</pre>");
  pv_text_free(&out);
  sample_free(s);
  s = sample_make(SAMPLE_DEVICE); /* nothing failed */
  REQUIRE(s != NULL);
  out = page_of(s, NULL);
  EXPECT(strstr(out.data, "pv bisect") == NULL);
  pv_text_free(&out);
  sample_free(s);
}

int main(void) {
  return pv_testing_main("reports page", (pv_case[]){PV_CASE(test_unseen_without_a_device),
                                                     PV_CASE(test_unseen_on_a_device),
                                                     PV_CASE(test_unseen_by_vulkan),
                                                     PV_CASE(test_margins),
                                                     PV_CASE(test_margins_are_drawn),
                                                     PV_CASE(test_links_lead_somewhere),
                                                     PV_CASE(test_ways),
                                                     PV_CASE(test_commands_to_copy),
                                                     {0}});
}
