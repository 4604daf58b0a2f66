/* What a verdict is about: every word of a claim is part of the digests, and nothing else is. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/model/bind.h"

static sample s;
static pv_error err;
static char a[] = "a", b[] = "b";
static char *list_a[] = {a}, *list_b[] = {b};
static pv_equation equation;
static pv_stage stage;
static pv_param param;

static const char *semantics(void) {
  static char digests[2][PV_SHA256_HEX];
  static unsigned next;
  char *out = digests[next++ % 2];
  EXPECT(pv_subject_contract(s.contract, out, NULL) == PV_OK);
  return out;
}

/* Everything in it, each text an "a". */
static void fill(pv_contract *c) {
  pv_strings all = {list_a, NULL, 1};
  equation = (pv_equation){a, a, a, all, all, all, {0}};
  stage = (pv_stage){a, a, all, {0}};
  param = (pv_param){.name = a, .list = all};
  c->equations = &equation;
  c->equation_count = 1;
  c->stages = &stage;
  c->stage_count = 1;
  c->falsifiers[0].with = &param;
  c->falsifiers[0].with_count = 1;
  c->falsifiers[0].faults = all;
  c->references = c->depends_on = c->known_divergence = all;
  c->model = (pv_subject_model){a, a, a, {0}};
  c->qa_id = c->qa_name = c->qa_pass_criteria = c->qa_falsification = a;
}

/* One text changed, and back: another digest each time, and then the first one again. */
static void test_every_text_counts(void) {
  REQUIRE(sample_make(&s));
  pv_contract *c = s.contract;
  fill(c);
  char **const texts[] = {&c->schema,
                          &c->name,
                          &c->kind,
                          &c->created,
                          &c->author,
                          &c->description,
                          &c->qa_id,
                          &c->qa_name,
                          &c->qa_pass_criteria,
                          &c->qa_falsification,
                          &equation.name,
                          &equation.formula,
                          &equation.domain,
                          &stage.id,
                          &stage.description,
                          &c->criteria[0].id,
                          &c->criteria[0].property,
                          &c->criteria[0].formal,
                          &c->falsifiers[0].id,
                          &c->falsifiers[0].rule,
                          &c->falsifiers[0].prediction,
                          &c->falsifiers[0].check,
                          &c->falsifiers[0].if_fails,
                          &param.name,
                          &c->model.sha256,
                          &c->model.reference_sha256,
                          &c->model.made_by};
  char first[PV_SHA256_HEX];
  memcpy(first, semantics(), sizeof first);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *const old = *texts[i];
    *texts[i] = b;
    if (!EXPECT(strcmp(semantics(), first) != 0)) printf("text %zu\n", i);
    *texts[i] = old;
    EXPECT_STR(semantics(), first);
  }
  /* A text that is not there is not an empty one, where it may be missing. */
  char **const maybe[] = {&c->author, &equation.domain, &c->model.reference_sha256, &c->qa_id};
  for (size_t i = 0; i < sizeof maybe / sizeof *maybe; i++) {
    char *const old = *maybe[i];
    char without[PV_SHA256_HEX], empty[] = "";
    *maybe[i] = NULL;
    memcpy(without, semantics(), sizeof without);
    *maybe[i] = empty;
    EXPECT(strcmp(semantics(), without) != 0);
    *maybe[i] = old;
  }
}

static void test_every_list_counts(void) {
  REQUIRE(sample_make(&s));
  pv_contract *c = s.contract;
  fill(c);
  pv_strings *const lists[] = {&c->references,
                               &c->depends_on,
                               &c->known_divergence,
                               &equation.invariants,
                               &equation.preconditions,
                               &equation.postconditions,
                               &c->falsifiers[0].criteria,
                               &c->falsifiers[0].faults,
                               &stage.criteria,
                               &param.list};
  char first[PV_SHA256_HEX];
  memcpy(first, semantics(), sizeof first);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const pv_strings old = *lists[i];
    lists[i]->items = list_b;
    if (!EXPECT(strcmp(semantics(), first) != 0)) printf("list %zu\n", i);
    lists[i]->count = 0;
    EXPECT(strcmp(semantics(), first) != 0);
    *lists[i] = old;
  }
  size_t *const counts[] = {&c->equation_count, &c->stage_count, &c->criterion_count,
                            &c->falsifier_count, &c->falsifiers[0].with_count};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    --*counts[i];
    EXPECT(strcmp(semantics(), first) != 0);
    ++*counts[i];
  }
  c->model.sha256 = NULL; /* the contract is about any model */
  EXPECT(strcmp(semantics(), first) != 0);
  c->model.sha256 = a;
  param.text = a; /* a scalar is not a list of one */
  EXPECT(strcmp(semantics(), first) != 0);
  param.text = NULL;
  c->falsifiers[0].timeout_s += 1;
  EXPECT(strcmp(semantics(), first) != 0);
  c->falsifiers[0].timeout_s -= 1;
  c->criteria[0].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  EXPECT(strcmp(semantics(), first) != 0);
  c->criteria[0].needed_for = PV_STATUS_PROPOSED;
  EXPECT_STR(semantics(), first);
}

/* Publishing must not make its own evidence stale. */
static void test_what_does_not_count(void) {
  REQUIRE(sample_make(&s));
  pv_contract *c = s.contract;
  char first[PV_SHA256_HEX];
  memcpy(first, semantics(), sizeof first);
  c->status = PV_STATUS_ACTIVE_RUNTIME;
  c->version = b;
  c->amendments[0].title = b;
  c->amendment_count = 0;
  c->path = b;
  EXPECT_STR(semantics(), first);
}

/* Bytes that are no text can not be digested as JSON: said, and the digest is not touched. */
static void test_no_text(void) {
  static char bad[] = "\xff";
  char out[PV_SHA256_HEX] = "as it was";
  REQUIRE(sample_make(&s));
  s.contract->author = bad;
  EXPECT(pv_subject_contract(s.contract, out, &err) != PV_OK);
  EXPECT(err.message[0] != '\0');
  EXPECT_STR(out, "as it was");
}

/* A check that is not there: the subject and the list are not touched. */
static void test_unknown_check(void) {
  static char nothing[] = "no.such_check";
  pv_subject out = {.kernels = "before"}, *list = &out;
  REQUIRE(sample_make(&s));
  s.contract->falsifiers[1].check = nothing;
  s.contract->falsifiers[1].known = NULL;
  err = PV_ERROR_INIT;
  EXPECT(pv_subject_make(&s.arena, s.contract, &s.contract->falsifiers[1], &s.basis, &out, &err) ==
         PV_ERR_INPUT);
  EXPECT_STR(err.message, "there is no check 'no.such_check'");
  EXPECT_STR(out.kernels, "before");
  EXPECT(pv_subject_all(&s.arena, s.contract, &s.basis, &list, &err) == PV_ERR_INPUT);
  EXPECT(list == &out);
}

static void expect_holds(const pv_subject *then, const pv_subject *now, const char *changed) {
  pv_text text = PV_TEXT_INIT;
  EXPECT(pv_subject_holds(then, now, &text) == (changed[0] == '\0'));
  EXPECT(pv_subject_holds(then, now, NULL) == (changed[0] == '\0'));
  EXPECT_STR(text.data == NULL ? "" : text.data, changed);
  pv_text_free(&text);
}

static void test_numerics(void) {
  pv_fact one[] = {{a, a}}, other[] = {{a, b}}, two[] = {{b, b}, {a, a}},
          swapped[] = {{a, a}, {b, b}};
  pv_subject then = {"", "m", NULL, "h", "k", "p", two, 2, NULL, 0, false},
             now = {"", "m", NULL, "h", "k", "p", swapped, 2, NULL, 0, false};
  expect_holds(&then, &now, ""); /* the order says nothing */
  now.numerics = one;
  now.numerics_count = 1;
  expect_holds(&then, &now, "the numerics"); /* one less */
  expect_holds(&now, &then, "the numerics"); /* one more */
  then.numerics = other;
  then.numerics_count = 1;
  expect_holds(&then, &now, "the numerics");
  then.numerics_count = now.numerics_count = 0; /* unknown on both sides equals nothing */
  expect_holds(&then, &now, "the numerics");
}

static void test_digests(void) {
  pv_fact one[] = {{a, a}};
  const pv_subject now = {"", "m", NULL, "h", "k", "p", one, 1, NULL, 0, false};
  pv_subject then = now;
  expect_holds(&then, &now, "");
  then.model = NULL;
  expect_holds(&then, &now, "the model"); /* the check used none then */
  expect_holds(&now, &then, "the model");
  then.model = "n";
  then.code = then.kernels = then.ptx = PV_SUBJECT_UNKNOWN;
  expect_holds(&then, &now, "the model, the code of its check, the kernels");
  expect_holds(&then, &then,
               "the code of its check, the kernels"); /* not known is not even itself */
  const pv_basis basis = {.model = "", .reference = "r", .kernels = NULL};
  REQUIRE(sample_make(&s));
  REQUIRE(pv_subject_make(&s.arena, s.contract, &s.contract->falsifiers[2], &basis, &then, NULL) ==
          PV_OK);
  EXPECT_STR(then.model, PV_SUBJECT_UNKNOWN);
  EXPECT_STR(then.reference, "r");
  EXPECT_STR(then.kernels, PV_SUBJECT_UNKNOWN);
}

/* Files beside the model: each by its bytes, named as the contract writes it, from its folder. */
static void test_files(void) {
  static char beside[] = "beside.ptx", gone[] = "gone.ptx", first[] = "kernel", second[] = "other";
  static const char *const none[] = {NULL};
  static const pv_known_param params[] = {
      {.name = first, .type = PV_KNOWN_FILE, .words = none},
      {.name = second, .type = PV_KNOWN_FILE, .fallback = "beside.ptx", .words = none}};
  static const pv_known_check check = {
      .name = "kernel.guest", .digest = "d", .params = params, .param_count = 2};
  pv_param with = {.name = first, .text = beside};
  pv_subject then, now;
  REQUIRE(folder_make() != NULL);
  folder_write("beside.ptx", "ret;");
  REQUIRE(sample_make(&s));
  s.contract->path = pv_arena_strdup(&s.arena, folder_path("c.yaml"));
  pv_falsifier f = {.id = beside, .check = first, .known = &check, .with = &with, .with_count = 1};
  REQUIRE(pv_subject_make(&s.arena, s.contract, &f, &s.basis, &then, NULL) == PV_OK);
  EXPECT(then.file_count == 1); /* the other parameter names the same one */
  EXPECT_STR(then.files[0].name, "beside.ptx");
  EXPECT(strlen(then.files[0].value) == PV_SHA256_HEX - 1);
  REQUIRE(pv_subject_make(&s.arena, s.contract, &f, &s.basis, &now, NULL) == PV_OK);
  expect_holds(&then, &now, "");
  EXPECT(pv_subject_changed_file(&then, &now) == NULL);
  folder_write("beside.ptx", "exit;");
  REQUIRE(pv_subject_make(&s.arena, s.contract, &f, &s.basis, &now, NULL) == PV_OK);
  expect_holds(&then, &now, "the file beside.ptx");
  EXPECT_STR(pv_subject_changed_file(&then, &now), "beside.ptx");
  with.text = gone; /* one that can not be read equals nothing, and did not change meanwhile */
  REQUIRE(pv_subject_make(&s.arena, s.contract, &f, &s.basis, &now, NULL) == PV_OK);
  EXPECT(now.file_count == 2);
  EXPECT_STR(now.files[0].value, PV_SUBJECT_UNKNOWN);
  EXPECT(!pv_subject_holds(&now, &now, NULL));
  EXPECT(pv_subject_changed_file(&now, &now) == NULL);
  json_t *bound = NULL;
  REQUIRE(pv_bind_with(&f, NULL, &bound, NULL) == PV_OK);
  EXPECT_STR(json_string_value(json_object_get(bound, "kernel")), "gone.ptx");
  EXPECT(pv_bind_paths(s.contract, &f, bound, NULL) == PV_OK);
  EXPECT_STR(json_string_value(json_object_get(bound, "other")), folder_path("beside.ptx"));
  json_decref(bound);
  folder_remove();
}

/* Of a provider's check nothing of pv's own counts; who did not ask it knows not what it needs. */
static void test_foreign(void) {
  pv_fact program[] = {{a, b}};
  pv_subject then = {.model = "m", .files = program, .file_count = 1}, now = then;
  expect_holds(&then, &now, "");
  now.open = true;
  now.reference = "r"; /* lies here, and the answer did not rest on it */
  expect_holds(&then, &now, "");
  EXPECT(pv_subject_same_model(&then, &now) && pv_subject_same_prompts(&then, &now));
  now.model = "another";
  expect_holds(&then, &now, "the model");
  now.model = PV_SUBJECT_UNKNOWN;
  expect_holds(&then, &now, "the model");
  then.model = NULL;
  expect_holds(&then, &now, "");
  now.file_count = 0;
  expect_holds(&then, &now, "the file a");
  then = (pv_subject){.code = "c"}; /* what is pv's own now, or was */
  now = (pv_subject){0};
  EXPECT(!pv_subject_holds(&then, &now, NULL) && !pv_subject_holds(&now, &then, NULL));
}

/* The sources of the kernels or the PTX that was made of them: one of the two is enough. */
static void test_sources_or_ptx(void) {
  static const struct {
    const char *kernels, *ptx;
    bool holds;
  } cases[] = {{"k", "p", true},
               {"another", "p", true}, /* a comment */
               {"k", "another", true}, /* another toolkit */
               {"k", PV_SUBJECT_UNKNOWN, true},
               {PV_SUBJECT_UNKNOWN, "p", true},
               {"another", "another", false},
               {"another", PV_SUBJECT_UNKNOWN, false},
               {"p", "k", false},
               {"another", NULL, false}};
  pv_fact one[] = {{a, a}};
  const pv_subject now = {"", "m", NULL, "h", "k", "p", one, 1, NULL, 0, false};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pv_subject then = now;
    then.kernels = cases[i].kernels;
    then.ptx = cases[i].ptx;
    expect_holds(&then, &now, cases[i].holds ? "" : "the kernels");
    expect_holds(&now, &then, cases[i].holds ? "" : "the kernels");
    EXPECT(pv_subject_same_code(&then, &now) == cases[i].holds);
    then.code = "another";
    EXPECT(!pv_subject_same_code(&then, &now));
  }
  /* Neither is known on either side: nothing holds. */
  pv_subject blind = now;
  blind.kernels = blind.ptx = PV_SUBJECT_UNKNOWN;
  expect_holds(&blind, &blind, "the kernels");
}

int main(void) {
  const int code = pv_testing_main("subject", (pv_case[]){PV_CASE(test_every_text_counts),
                                                          PV_CASE(test_every_list_counts),
                                                          PV_CASE(test_what_does_not_count),
                                                          PV_CASE(test_no_text),
                                                          PV_CASE(test_unknown_check),
                                                          PV_CASE(test_numerics),
                                                          PV_CASE(test_digests),
                                                          PV_CASE(test_files),
                                                          PV_CASE(test_foreign),
                                                          PV_CASE(test_sources_or_ptx),
                                                          {0}});
  sample_free(&s);
  return code;
}
