/* Receipts: what holds, what does not and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/store/derive.h"
#include "validator/store/receipt.h"

static sample there, here;
static pv_receipts receipts;
static char published[512];

static char id_old[] = "20261120T101500Z-00000001", id_new[] = "20261122T101500Z-00000002";
static char differs[] = "3 elements differ", cpu_name[] = "fake", device[] = "none";

/* A run elsewhere that judged F_THREE, published under `id`. */
static bool publish(char *id, pv_verdict verdict) {
  if (!EXPECT(sample_make(&there))) return false;
  pv_falsifier_result *f = &there.result.falsifiers[2];
  f->verdict = verdict;
  f->source = PV_FROM_RUN;
  f->compared = 99;
  f->reason = verdict == PV_PASS ? there.result.falsifiers[0].reason : differs;
  there.result.run_id = id;
  return EXPECT(pv_status_derive(&there.arena, &there.result, NULL) == PV_OK) &&
         EXPECT(sample_publish(&there, published) != NULL);
}

/* What F_THREE becomes here. */
static const pv_falsifier_result *apply_as_it_is(void) {
  EXPECT(pv_receipts_load(&here.arena, published, &receipts, NULL) == PV_OK);
  EXPECT(pv_receipts_apply(&here.arena, &receipts, here.subjects, here.result.falsifiers, 3,
                           NULL) == PV_OK);
  EXPECT(pv_status_derive(&here.arena, &here.result, NULL) == PV_OK);
  return &here.result.falsifiers[2];
}

static const pv_falsifier_result *apply(void) {
  EXPECT(sample_subjects(&here));
  return apply_as_it_is();
}

static void begin(void) {
  static unsigned number;
  snprintf(published, sizeof published, "%s-%u", folder_path("published"), number++);
  sample_free(&here);
  EXPECT(sample_make(&here));
}

static void test_none(void) {
  begin();
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_NOT_RUN);
  EXPECT_STR(f->reason, "there is no CUDA device");
  EXPECT_U64(receipts.count, 0);
}

/* What was interpreted is neither held by a device's receipt nor made stale by it. */
static void test_stands_in(void) {
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.result.falsifiers[2].compared = 7;
  const pv_falsifier_result *f = apply();
  EXPECT_U64(receipts.count, 1);
  EXPECT(f->verdict == PV_NOT_RUN);
  EXPECT_STR(f->reason, "there is no CUDA device");
}

/* Nor is a claim about the interpreter, which no digest of a receipt is about. */
static void test_interpreter(void) {
  static char backend[] = "backend", ptx[] = "ptx";
  static pv_param named = {.name = backend, .text = ptx};
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.contract->falsifiers[2].with = &named;
  here.contract->falsifiers[2].with_count = 1;
  EXPECT(pv_receipts_load(&here.arena, published, &receipts, NULL) == PV_OK);
  EXPECT(pv_receipts_apply(&here.arena, &receipts, here.subjects, here.result.falsifiers, 3,
                           NULL) == PV_OK);
  EXPECT_STR(here.result.falsifiers[2].reason, "there is no CUDA device");
  EXPECT(here.result.falsifiers[2].verdict == PV_NOT_RUN);
}

static void test_holds(void) {
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_PASS);
  EXPECT(f->source == PV_FROM_RECEIPT);
  EXPECT_U64(f->compared, 99);
  EXPECT_STR(f->receipt_run, id_old);
  EXPECT_STR(f->receipt_date, "2026-11-22");
  EXPECT_STR(f->receipt_device, "NVIDIA H100");
  EXPECT_STR(f->falsifier->id, "F_THREE");
  EXPECT(f->falsifier == &here.contract->falsifiers[2]);
  EXPECT(here.result.criteria[2].source == PV_FROM_RECEIPT);
  EXPECT(here.result.status_after == PV_STATUS_ACTIVE_RUNTIME);
  /* This run's own answers are not touched. */
  EXPECT(here.result.falsifiers[0].source == PV_FROM_RUN);
}

static void test_failure_holds_too(void) {
  begin();
  REQUIRE(publish(id_old, PV_FAIL));
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_FAIL);
  EXPECT_STR(f->reason, "3 elements differ");
  EXPECT_I64(here.result.exit_code, 1);
}

/* The folder is that of the device; which run is newer stands in the evidence. */
static void test_newest_by_run(void) {
  char from[1200], to[1200];
  const char *newest = id_old;
  begin();
  EXPECT(pv_receipts_newest(&here.arena, published, &newest, NULL) == PV_OK && newest == NULL);
  REQUIRE(publish(id_new, PV_FAIL));
  snprintf(from, sizeof from, "%s/%s", published, id_new);
  snprintf(to, sizeof to, "%s/nvidia-h100", published);
  REQUIRE(rename(from, to) == 0);
  REQUIRE(publish(id_old, PV_PASS));
  EXPECT(apply()->verdict == PV_FAIL);
  EXPECT_U64(receipts.count, 2);
  EXPECT(pv_receipts_newest(&here.arena, published, &newest, NULL) == PV_OK);
  EXPECT_STR(newest, id_new);
}

static void test_newest_wins(void) {
  begin();
  REQUIRE(publish(id_new, PV_FAIL));
  REQUIRE(publish(id_old, PV_PASS));
  EXPECT(apply()->verdict == PV_FAIL);
  begin();
  REQUIRE(publish(id_old, PV_FAIL));
  REQUIRE(publish(id_new, PV_PASS));
  EXPECT(apply()->verdict == PV_PASS);
}

static void test_what_judges_nothing_is_no_receipt(void) {
  static const pv_verdict none[] = {PV_ERROR, PV_TIMEOUT, PV_CRASH, PV_STALE};
  for (size_t i = 0; i < 4; i++) {
    begin();
    REQUIRE(publish(id_new, none[i]));
    REQUIRE(publish(id_old, PV_PASS));
    EXPECT_STR(apply()->receipt_run, id_old);
  }
  begin(); /* a receipt of a receipt */
  REQUIRE(publish(id_old, PV_PASS));
  there.result.falsifiers[2].source = PV_FROM_RECEIPT;
  there.result.falsifiers[2].receipt_run = id_new;
  REQUIRE(sample_publish(&there, published) != NULL);
  EXPECT(apply()->verdict == PV_NOT_RUN);
  EXPECT_U64(receipts.count, 1); /* it is sound evidence all the same */
}

/* Where the evidence did not come from a file that was checked: a PASS over nothing is none. */
static void test_pass_over_nothing(void) {
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  REQUIRE(sample_subjects(&here));
  there.result.falsifiers[2].compared = 0;
  pv_evidence item = {.result = &there.result, .subjects = there.subjects};
  const pv_receipts all = {.items = &item, .count = 1};
  REQUIRE(pv_receipts_apply(&here.arena, &all, here.subjects, here.result.falsifiers, 3, NULL) ==
          PV_OK);
  EXPECT(here.result.falsifiers[2].verdict == PV_NOT_RUN);
  there.result.falsifiers[2].compared = 1;
  REQUIRE(pv_receipts_apply(&here.arena, &all, here.subjects, here.result.falsifiers, 3, NULL) ==
          PV_OK);
  EXPECT(here.result.falsifiers[2].verdict == PV_PASS);
}

/* Nothing was compared, or nothing comparable: that was measured, and holds like a FAIL. */
static void test_other_verdicts_that_judge(void) {
  static const pv_verdict some[] = {PV_VACUOUS, PV_INCOMPARABLE};
  for (size_t i = 0; i < 2; i++) {
    begin();
    REQUIRE(publish(id_old, PV_PASS));
    REQUIRE(publish(id_new, some[i]));
    EXPECT(apply()->verdict == some[i]);
    EXPECT_STR(here.result.falsifiers[2].receipt_run, id_new);
  }
}

/* Of several that do not hold the newest is named, with what changed since that one. */
static void test_newest_stale(void) {
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.kernels = "ff";
  there.basis.kernels = "ee";
  REQUIRE(sample_subjects(&there));
  there.result.run_id = id_new;
  REQUIRE(sample_publish(&there, published) != NULL);
  here.result.falsifiers[2].reason = NULL;
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_STALE);
  EXPECT_STR(f->receipt_run, id_new);
  EXPECT_STR(f->reason,
             "the receipt of 2026-11-22 no longer holds: it was for another state of "
             "the kernels; here: ");
}

/* Thousands of entries are refused, not read in part: the newest might be the one left out. */
static void test_too_many_runs(void) {
  char path[700];
  pv_error err = PV_ERROR_INIT;
  pv_receipts out = {.count = 7};
  begin();
  REQUIRE(mkdir(published, 0777) == 0);
  for (int i = 0; i < 4097; i++) {
    snprintf(path, sizeof path, "%s/20261120T101500Z-%08x", published, (unsigned)i);
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL);
    fclose(file);
  }
  EXPECT(pv_receipts_load(&here.arena, published, &out, &err) == PV_ERR_LIMIT);
  EXPECT_HAS(err.message, "more than 4096 runs lie in '");
  EXPECT(out.count == 7 && out.items == NULL);
  REQUIRE(unlink(path) == 0);
  EXPECT(pv_receipts_load(&here.arena, published, &out, &err) == PV_OK);
  EXPECT_U64(out.count, 0);
  EXPECT_U64(out.broken.count, 4096);
  EXPECT_STR(out.broken.items[0], "20261120T101500Z-00000fff: there is no evidence.json");
}

/* What a killed run left behind begins with a dot; a file in the folder's place is no folder. */
static void test_odd_folders(void) {
  char path[700];
  pv_error err = PV_ERROR_INIT;
  pv_receipts out = {.count = 7};
  begin();
  REQUIRE(mkdir(published, 0777) == 0);
  snprintf(path, sizeof path, "%s/.20261120T101500Z-00000001", published);
  REQUIRE(mkdir(path, 0777) == 0);
  EXPECT(pv_receipts_load(&here.arena, published, &out, &err) == PV_OK);
  EXPECT_U64(out.count + out.broken.count, 0);
  out.count = 7;
  folder_write("a-file", "");
  EXPECT(pv_receipts_load(&here.arena, folder_path("a-file"), &out, &err) == PV_ERR_IO);
  EXPECT_HAS(err.message, "cannot list '");
  EXPECT_U64(out.count, 7);
}

static void expect_stale(const char *what) {
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_STALE);
  EXPECT(f->source == PV_FROM_NOWHERE);
  EXPECT_HAS(f->reason, what);
  EXPECT_STR(f->receipt_run, id_old);
  EXPECT(here.result.criteria[2].verdict == PV_STALE);
  EXPECT_U64(here.result.summary.stale, 1);
}

/* Each digest alone makes it stale, and is named. */
static void test_stale_by_each_digest(void) {
  static char other[] = "i16-v2", property[] = "Third, but tighter", cpu[] = "cpu";
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.kernels = "ff";
  expect_stale("another state of the kernels;");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  REQUIRE(sample_subjects(&here));
  here.subjects[1].code = "ee"; /* of another check: nothing changed for this one */
  EXPECT(apply_as_it_is()->verdict == PV_PASS);
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  REQUIRE(sample_subjects(&here));
  here.subjects[2].code = "ee";
  EXPECT(apply_as_it_is()->verdict == PV_STALE);
  EXPECT_HAS(here.result.falsifiers[2].reason, "another state of the code of its check;");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.numerics[0].value = other;
  expect_stale("another state of the numerics;");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.contract->criteria[2].property = property;
  expect_stale("another state of the claim or its test;");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.contract->falsifiers[2].with[0].text = cpu;
  expect_stale("the claim or its test");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.kernels = NULL; /* not known is not the same */
  here.contract->criteria[2].property = property;
  expect_stale("the claim or its test, the kernels");
}

/* Not STALE: no receipt is about what lies here. The claim was judged once, so that the status is
 * not one that somebody typed. */
static void expect_unseen(const char *reason) {
  here.contract->status = PV_STATUS_ACTIVE_RUNTIME;
  const pv_falsifier_result *f = apply();
  EXPECT(f->verdict == PV_NOT_RUN && f->judged_elsewhere);
  EXPECT(f->source == PV_FROM_NOWHERE && f->receipt_run == NULL);
  EXPECT_STR(f->reason, reason);
  EXPECT(here.result.criteria[2].verdict == PV_NOT_RUN);
  EXPECT_U64(here.result.summary.not_run, 1);
  EXPECT(!here.result.status_carried);
  EXPECT_I64(here.result.exit_code, 3);
}

static void test_another_model(void) {
  static char other[] = "i16-v2";
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.model = "ff";
  here.basis.kernels = "ff"; /* whatever else changed */
  here.numerics[0].value = other;
  expect_unseen("there is no CUDA device; no receipt is about this model");
  begin();
  REQUIRE(publish(id_old, PV_FAIL)); /* nor is a failure of another one a failure of this one */
  here.basis.model = "ff";
  expect_unseen("there is no CUDA device; no receipt is about this model");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.model = NULL;
  here.result.falsifiers[2].reason = NULL;
  expect_unseen("no receipt holds without a model");
  begin(); /* the nearest is the newest that is about this model, not the newest of all */
  REQUIRE(publish(id_old, PV_PASS));
  there.basis.model = "ff";
  REQUIRE(sample_subjects(&there));
  there.result.run_id = id_new;
  REQUIRE(sample_publish(&there, published) != NULL);
  here.basis.kernels = "ff";
  expect_stale("another state of the kernels;");
  EXPECT(!here.result.falsifiers[2].judged_elsewhere);
  begin(); /* and the newest of another model does not hide one that holds */
  REQUIRE(publish(id_old, PV_PASS));
  REQUIRE(sample_publish(&there, published) != NULL);
  EXPECT(apply()->verdict == PV_PASS);
}

/* A run over the built-in prompts and one over the reference's are about different things. */
static void test_other_prompts(void) {
  static char prompts[] = "prompts", p0[] = "p0";
  static pv_param named = {.name = prompts, .text = p0};
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.reference = "ff";
  expect_unseen("there is no CUDA device; no receipt is about these prompts");
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.reference = NULL;
  here.basis.builtin = "dd44";
  expect_unseen("there is no CUDA device; no receipt is about these prompts");
  here.basis.builtin = NULL;
  here.result.falsifiers[2].reason = NULL;
  expect_unseen("no receipt holds without the reference");
  begin(); /* from the built-in prompts of a program to those of the same, and of another one */
  REQUIRE(publish(id_old, PV_FAIL));
  there.basis.reference = NULL;
  there.basis.builtin = "dd44";
  there.result.run_id = id_new;
  REQUIRE(sample_subjects(&there) && sample_publish(&there, published) != NULL);
  here.basis.reference = NULL;
  here.basis.builtin = "dd44";
  EXPECT_STR(apply()->receipt_run, id_new);
  begin();
  REQUIRE(sample_publish(&there, published) != NULL);
  here.basis.reference = NULL;
  here.basis.builtin = "dd45";
  expect_unseen("there is no CUDA device; no receipt is about these prompts");
  begin();
  REQUIRE(sample_publish(&there, published) != NULL);
  expect_unseen("there is no CUDA device; no receipt is about these prompts");
  /* Prompts by name are a reference's, and the built-in ones never stand in for them. */
  begin();
  here.basis.reference = NULL;
  here.basis.builtin = "dd44";
  here.contract->falsifiers[2].with = &named;
  here.contract->falsifiers[2].with_count = 1;
  REQUIRE(sample_subjects(&here));
  EXPECT_STR(here.subjects[2].reference, PV_SUBJECT_UNKNOWN);
  static char all[] = "all", own[] = "builtin-17";
  named.text = all;
  REQUIRE(sample_subjects(&here));
  EXPECT_STR(here.subjects[2].reference, "dd44");
  named.text = own;
  REQUIRE(sample_subjects(&here));
  EXPECT_STR(here.subjects[2].reference, "dd44");
  EXPECT(here.subjects[1].reference == NULL); /* names.resolve looks at no prompt */
}

/* What compared something here keeps its reason; that the claim was judged once is known all the
 * same. */
static void test_another_model_that_was_looked_at(void) {
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.basis.model = "ff";
  here.result.falsifiers[2].compared = 7;
  expect_unseen("there is no CUDA device");
  begin(); /* of this model it was not: somebody changed what is needed */
  REQUIRE(publish(id_old, PV_PASS));
  here.result.falsifiers[2].compared = 7;
  here.contract->status = PV_STATUS_ACTIVE_RUNTIME;
  EXPECT(!apply()->judged_elsewhere);
  EXPECT_I64(here.result.exit_code, 1);
}

/* A claim elsewhere in the contract does not matter. */
static void test_other_claims_do_not_matter(void) {
  static char property[] = "First, but tighter";
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  here.contract->criteria[0].property = property;
  EXPECT(apply()->verdict == PV_PASS);
}

static void test_unknown_equals_nothing(void) {
  begin();
  REQUIRE(sample_make(&there));
  there.basis.kernels = NULL;
  here.basis.kernels = NULL;
  REQUIRE(sample_subjects(&there) && sample_subjects(&here));
  EXPECT(!pv_subject_holds(&there.subjects[0], &here.subjects[0], NULL));
}

static void test_broken_receipts_do_not_count(void) {
  char path[700];
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  snprintf(path, sizeof path, "%s/%s/report.md", published, id_old);
  REQUIRE(pv_file_replace(path, "x", 1, NULL) == PV_OK);
  EXPECT(apply()->verdict == PV_NOT_RUN);
  EXPECT_U64(receipts.count, 0);
  EXPECT_U64(receipts.broken.count, 1);
  EXPECT_HAS(receipts.broken.items[0], "report.md was changed");
}

static void test_device_of_a_cpu_run(void) {
  pv_fact facts[] = {{device, device}, {there.result.environment[0].name, cpu_name}};
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  static char key[] = "cpu", device_key[] = "device";
  facts[0].name = device_key;
  facts[1].name = key;
  there.result.environment = facts;
  there.result.environment_count = 2;
  REQUIRE(sample_publish(&there, published) != NULL);
  EXPECT_STR(apply()->receipt_device, "fake");
}

static void test_device_that_nobody_named(void) {
  static char key[] = "cpu", nothing[] = "";
  pv_fact facts[] = {{key, nothing}};
  begin();
  REQUIRE(publish(id_old, PV_PASS));
  there.result.environment = facts;
  REQUIRE(sample_publish(&there, published) != NULL);
  EXPECT_STR(apply()->receipt_device, "unknown device");
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code =
      pv_testing_main("receipt", (pv_case[]){PV_CASE(test_none),
                                             PV_CASE(test_stands_in),
                                             PV_CASE(test_interpreter),
                                             PV_CASE(test_holds),
                                             PV_CASE(test_failure_holds_too),
                                             PV_CASE(test_newest_wins),
                                             PV_CASE(test_newest_by_run),
                                             PV_CASE(test_what_judges_nothing_is_no_receipt),
                                             PV_CASE(test_stale_by_each_digest),
                                             PV_CASE(test_another_model),
                                             PV_CASE(test_other_prompts),
                                             PV_CASE(test_another_model_that_was_looked_at),
                                             PV_CASE(test_other_claims_do_not_matter),
                                             PV_CASE(test_unknown_equals_nothing),
                                             PV_CASE(test_broken_receipts_do_not_count),
                                             PV_CASE(test_device_of_a_cpu_run),
                                             PV_CASE(test_device_that_nobody_named),
                                             PV_CASE(test_pass_over_nothing),
                                             PV_CASE(test_other_verdicts_that_judge),
                                             PV_CASE(test_newest_stale),
                                             PV_CASE(test_too_many_runs),
                                             PV_CASE(test_odd_folders),
                                             {0}});
  sample_free(&there);
  sample_free(&here);
  folder_remove();
  return code;
}
