/* From verdicts to status and exit code, over every combination of three criteria. */
#include <stdlib.h>
#include <string.h>

#include "runtime/model/arch/qwen3moe.h"
#include "tests/unit/store/sample.h"
#include "tests/unit/testing.h"
#include "validator/store/derive.h"

static sample s;

/* Verdicts of F_ONE (PROPOSED), F_TWO (ACTIVE_ALGORITHM_LEVEL), F_THREE (ACTIVE_RUNTIME). */
static int derive(pv_contract_status file, pv_verdict one, pv_verdict two, pv_verdict three) {
  const pv_verdict verdicts[] = {one, two, three};
  s.contract->status = file;
  for (size_t i = 0; i < 3; i++) {
    pv_falsifier_result *f = &s.result.falsifiers[i];
    f->verdict = verdicts[i];
    f->compared = verdicts[i] == PV_PASS ? 1 : 0;
    f->source = verdicts[i] == PV_NOT_RUN ? PV_FROM_NOWHERE : PV_FROM_RUN;
  }
  EXPECT(pv_status_derive(&s.arena, &s.result, NULL) == PV_OK);
  return s.result.exit_code;
}

static void test_ladder(void) {
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_NOT_RUN, PV_NOT_RUN, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT && s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_PROPOSED);
  EXPECT_I64(derive(PV_STATUS_ACTIVE_ALGORITHM_LEVEL, PV_PASS, PV_PASS, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL && s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_PASS), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_RUNTIME);
  /* A higher rung does not stand on a lower one that is missing. */
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_STALE, PV_PASS, PV_PASS), 3);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT && !s.result.status_carried);
}

/* A status that nothing ever supported was typed by somebody: that is false, not merely open. */
static void test_typed_status(void) {
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_PASS, PV_NOT_RUN), 1);
  EXPECT(!s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_PASS, PV_STALE), 3);
  s.result.partial = true; /* only a part was asked to run */
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_PASS, PV_NOT_RUN), 3);
  s.result.partial = false;
}

/* What a stage is, of every combination of its two criteria, and that nobody's exit code asks. */
static void test_stages(void) {
  for (int v = 0; v < 81; v++) {
    const pv_verdict two = (pv_verdict)(v % 9), three = (pv_verdict)(v / 9);
    const bool refuted =
        two == PV_FAIL || two == PV_VACUOUS || three == PV_FAIL || three == PV_VACUOUS;
    const int held = (two == PV_PASS) + (three == PV_PASS);
    const pv_stage_status want = refuted     ? PV_STAGE_FALSIFIED
                                 : held == 0 ? PV_STAGE_PENDING
                                 : held == 1 ? PV_STAGE_IN_PROGRESS
                                             : PV_STAGE_DONE;
    derive(PV_STATUS_PROPOSED, PV_PASS, two, three);
    const pv_stage_result *stages = s.result.stages;
    REQUIRE(EXPECT_U64(s.result.stage_count, 3));
    EXPECT(stages[1].status == want && stages[1].held == (size_t)held);
    EXPECT(stages[1].stage == &s.contract->stages[1]);
    EXPECT(stages[2].status == PV_STAGE_PENDING && stages[2].held == 0);
  }
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 0);
  EXPECT(s.result.stages[0].status == PV_STAGE_DONE);
  EXPECT(s.result.stages[1].status == PV_STAGE_PENDING);
  EXPECT_STR(pv_stage_status_name(PV_STAGE_FALSIFIED), "FALSIFIED");
}

/* Judged once, for another model: open, not typed. One that nobody judged, beside it, is typed. */
static void test_judged_elsewhere(void) {
  const pv_strings bound = s.contract->falsifiers[1].criteria;
  const pv_contract_status runtime = PV_STATUS_ACTIVE_RUNTIME;
  s.result.falsifiers[2].judged_elsewhere = true;
  EXPECT_I64(derive(runtime, PV_PASS, PV_PASS, PV_NOT_RUN), 3);
  EXPECT(!s.result.status_carried && s.result.status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL);
  EXPECT_I64(derive(runtime, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 1);
  EXPECT_I64(derive(runtime, PV_PASS, PV_FAIL, PV_NOT_RUN), 1);
  s.contract->falsifiers[1].criteria = s.contract->falsifiers[2].criteria;
  s.contract->criterion_count = 3;
  s.contract->criteria[1].needed_for = PV_STATUS_DEPRECATED; /* nobody judges it now */
  EXPECT_I64(derive(runtime, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 1);
  s.result.falsifiers[1].judged_elsewhere = true;
  EXPECT_I64(derive(runtime, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 3);
  s.contract->criteria[1].needed_for = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;
  s.contract->falsifiers[1].criteria = bound;
  s.result.falsifiers[1].judged_elsewhere = s.result.falsifiers[2].judged_elsewhere = false;
}

/* 9 x 9 x 9 verdicts x 4 statuses against the definition, written a second time. */
static void test_every_combination(void) {
  static const pv_contract_status rungs[] = {PV_STATUS_DRAFT, PV_STATUS_PROPOSED,
                                             PV_STATUS_ACTIVE_ALGORITHM_LEVEL,
                                             PV_STATUS_ACTIVE_RUNTIME};
  unsigned wrong = 0;
  for (int v = 0; v < 9 * 9 * 9 * 4; v++) {
    const pv_verdict of[] = {(pv_verdict)(v % 9), (pv_verdict)(v / 9 % 9),
                             (pv_verdict)(v / 81 % 9)};
    const int file = v / 729;
    int carried = 0, code = 0;
    while (carried < 3 && of[carried] == PV_PASS) carried++;
    if (file > carried) code = 3;
    for (int i = 0; i < 3; i++)
      if (of[i] == PV_ERROR || of[i] == PV_TIMEOUT || of[i] == PV_CRASH || of[i] == PV_INCOMPARABLE)
        code = 3;
    for (int i = 0; i < 3; i++)
      if (of[i] == PV_FAIL || of[i] == PV_VACUOUS || (of[i] == PV_NOT_RUN && i < file)) code = 1;
    wrong += derive(rungs[file], of[0], of[1], of[2]) != code ||
             s.result.status_after != rungs[carried] ||
             s.result.status_carried != (file <= carried);
  }
  EXPECT_U64(wrong, 0);
}

static void test_nobody_claims(void) {
  pv_criterion *criteria = s.contract->criteria;
  criteria[2].needed_for = PV_STATUS_PROPOSED;
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_PASS, PV_PASS), 1);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL);
  pv_text why = PV_TEXT_INIT;
  pv_status_explain(&s.result, &why);
  EXPECT_HAS(why.data, "no criterion is needed for that status");
  pv_text_free(&why);
  criteria[2].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  const size_t count = s.contract->criterion_count;
  s.contract->criterion_count = 0; /* a contract without a claim is a draft */
  derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_PASS);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT);
  s.contract->criterion_count = count;
}

static void test_unbound_criterion(void) {
  s.contract->falsifiers[0].criteria.count = 0;
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_PASS), 1);
  EXPECT(s.result.criteria[0].verdict == PV_NOT_RUN);
  /* Bound to nothing, but false all the same. */
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_FAIL, PV_PASS, PV_PASS), 1);
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_CRASH, PV_PASS, PV_PASS), 3);
  s.contract->falsifiers[0].criteria.count = 1;
}

static void test_worst_of_several(void) {
  char *both[] = {s.contract->criteria[0].id};
  const pv_strings old = s.contract->falsifiers[1].criteria;
  s.contract->falsifiers[1].criteria = (pv_strings){both, NULL, 1};
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_FAIL, PV_NOT_RUN), 1);
  EXPECT(s.result.criteria[0].verdict == PV_FAIL);
  EXPECT_U64(s.result.criteria[0].falsifier_count, 2);
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_NOT_RUN, PV_NOT_RUN), 1);
  EXPECT(s.result.criteria[0].source == PV_FROM_NOWHERE);
  derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_NOT_RUN);
  s.result.falsifiers[1].source = PV_FROM_RECEIPT;
  EXPECT(pv_status_derive(&s.arena, &s.result, NULL) == PV_OK);
  EXPECT(s.result.criteria[0].source == PV_FROM_RECEIPT);
  s.contract->falsifiers[1].criteria = old;
}

static void test_known_divergence(void) {
  const pv_contract_status known = PV_STATUS_KNOWN_DIVERGENCE;
  char *named[] = {s.contract->criteria[1].id};
  s.contract->known_divergence = (pv_strings){named, NULL, 1};
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_PASS), 0);
  EXPECT(s.result.status_after == known && s.result.status_carried);
  EXPECT_I64(derive(known, PV_PASS, PV_PASS, PV_PASS), 1); /* it does not diverge */
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_RUNTIME && !s.result.status_carried);
  EXPECT_I64(derive(known, PV_FAIL, PV_FAIL, PV_PASS), 1);    /* another one fails */
  EXPECT_I64(derive(known, PV_PASS, PV_VACUOUS, PV_PASS), 1); /* nothing was shown to diverge */
  EXPECT_I64(derive(known, PV_PASS, PV_NOT_RUN, PV_PASS), 3);
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_NOT_RUN), 3);
  EXPECT(!s.result.status_carried);
  /* Under any other status the names excuse nothing. */
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_FAIL, PV_PASS), 1);
  s.contract->known_divergence.count = 0;
  EXPECT_I64(derive(known, PV_PASS, PV_PASS, PV_PASS), 1);
}

/* What is not about the model is neither in the way of a status nor a reason for one. */
static void test_not_applicable(void) {
  const pv_verdict apart = PV_NOT_APPLICABLE;
  pv_text why = PV_TEXT_INIT;
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, apart, PV_PASS), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_RUNTIME && s.result.status_carried);
  EXPECT_U64(s.result.summary.discharged, 2);
  EXPECT_U64(s.result.summary.not_applicable, 1);
  EXPECT_U64(s.result.summary.error, 0);
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, apart, PV_PASS, PV_FAIL), 1);
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, apart, PV_PASS, PV_STALE), 3);
  /* Where nothing applies nothing is shown. */
  EXPECT_I64(derive(PV_STATUS_ACTIVE_RUNTIME, apart, apart, apart), 3);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT && !s.result.status_carried);
  pv_status_explain(&s.result, &why);
  EXPECT_STR(why.data,
             "the file claims ACTIVE_RUNTIME, the evidence supports DRAFT: no criterion that it "
             "needs applies to this model");
  pv_text_free(&why);
  /* What a lower rung lacks a higher one may have. */
  EXPECT_I64(derive(PV_STATUS_PROPOSED, apart, PV_PASS, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL);
  EXPECT_I64(derive(PV_STATUS_DRAFT, apart, apart, apart), 0);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT);
}

static void test_deprecated(void) {
  EXPECT_I64(derive(PV_STATUS_DEPRECATED, PV_NOT_RUN, PV_NOT_RUN, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_DEPRECATED && s.result.status_carried);
}

static void test_summary_and_sentence(void) {
  pv_text why = PV_TEXT_INIT;
  derive(PV_STATUS_ACTIVE_RUNTIME, PV_PASS, PV_STALE, PV_CRASH);
  EXPECT_U64(s.result.summary.discharged, 1);
  EXPECT_U64(s.result.summary.stale, 1);
  EXPECT_U64(s.result.summary.error, 1);
  pv_status_explain(&s.result, &why);
  EXPECT_STR(why.data,
             "the file claims ACTIVE_RUNTIME, the evidence supports PROPOSED: AC_TWO is "
             "STALE, AC_THREE is CRASH");
  pv_text_free(&why);
  derive(PV_STATUS_PROPOSED, PV_PASS, PV_FAIL, PV_VACUOUS);
  EXPECT_U64(s.result.summary.falsified, 1);
  EXPECT_U64(s.result.summary.vacuous, 1);
  pv_status_explain(&s.result, &why);
  EXPECT_U64(why.length, 0);
}

/* A criterion that no rung of the ladder needs raises nothing, and one that a draft needs lets
 * nothing stand when it is open. */
static void test_odd_rungs(void) {
  pv_criterion *criteria = s.contract->criteria;
  criteria[2].needed_for = PV_STATUS_DEPRECATED;
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_PASS), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_ALGORITHM_LEVEL);
  criteria[2].needed_for = PV_STATUS_DRAFT;
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_STALE), 3);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT && !s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_NOT_RUN), 1); /* nobody ever looked */
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_STALE), 3);
  EXPECT(!s.result.status_carried);
  criteria[2].needed_for = PV_STATUS_ACTIVE_RUNTIME;
}

/* Nothing rises to a rung that needs no criterion, and what needs none claims nothing. */
static void test_nothing_claimed(void) {
  pv_criterion *criteria = s.contract->criteria;
  derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_PASS);
  EXPECT_U64(pv_result_needed(&s.result, PV_STATUS_DRAFT), 0);
  EXPECT_U64(pv_result_needed(&s.result, PV_STATUS_ACTIVE_ALGORITHM_LEVEL), 2);
  EXPECT_U64(pv_result_needed(&s.result, PV_STATUS_KNOWN_DIVERGENCE), 3);
  EXPECT_U64(pv_result_needed(&s.result, PV_STATUS_DEPRECATED), 0);
  criteria[0].needed_for = criteria[1].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_DRAFT);
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_NOT_RUN), 0);
  EXPECT(s.result.status_after == PV_STATUS_PROPOSED && s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_PASS), 0);
  EXPECT(s.result.status_after == PV_STATUS_ACTIVE_RUNTIME);
  criteria[0].needed_for = PV_STATUS_PROPOSED;
  criteria[1].needed_for = PV_STATUS_ACTIVE_ALGORITHM_LEVEL;
}

/* A declared fault that was to be tried and was not is no exit code 0. */
static void test_untried_faults(void) {
  s.result.faults_untried = 1;
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_PASS), 3);
  EXPECT(s.result.status_carried);
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_FAIL, PV_PASS), 1);
  s.result.faults_untried = 0;
  EXPECT_I64(derive(PV_STATUS_PROPOSED, PV_PASS, PV_PASS, PV_PASS), 0);
}

/* A falsifier that no criterion of the contract is judged by can be false, and can break down. */
static void test_unbound_falsifier_of_a_divergence(void) {
  static const pv_verdict broken[] = {PV_ERROR, PV_TIMEOUT, PV_CRASH, PV_INCOMPARABLE};
  const pv_contract_status known = PV_STATUS_KNOWN_DIVERGENCE;
  char *named[] = {s.contract->criteria[1].id}, *two[2] = {named[0], s.contract->criteria[0].id};
  const size_t count = s.contract->criterion_count;
  const pv_strings bound = s.contract->falsifiers[1].criteria;
  s.contract->known_divergence = (pv_strings){named, NULL, 1};
  s.contract->criterion_count = 2; /* F_THREE judges none of them */
  s.contract->falsifiers[2].criteria.count = 0;
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_PASS), 0);
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_FAIL), 1); /* declared by nobody */
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_VACUOUS), 1);
  for (size_t i = 0; i < 4; i++) {
    EXPECT_I64(derive(known, PV_PASS, PV_FAIL, broken[i]), 3);
    EXPECT(s.result.status_carried); /* the status is right, the run was not whole */
  }
  /* Under any other status nothing is excused, bound or not. */
  EXPECT_I64(derive(PV_STATUS_DRAFT, PV_PASS, PV_PASS, PV_FAIL), 1);
  /* One that is also bound to what was not declared is not excused, be it a criterion or none. */
  s.contract->falsifiers[1].criteria = (pv_strings){two, NULL, 2};
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_PASS), 1);
  two[1] = s.contract->criteria[2].id;
  EXPECT_I64(derive(known, PV_PASS, PV_FAIL, PV_PASS), 1);
  s.contract->falsifiers[1].criteria = bound;
  s.contract->falsifiers[2].criteria.count = 1;
  s.contract->criterion_count = count;
  s.contract->known_divergence.count = 0;
}

static void expect_sentence(const char *want) {
  pv_text why = PV_TEXT_INIT;
  pv_status_explain(&s.result, &why);
  EXPECT_STR(why.data, want);
  pv_text_free(&why);
}

static void test_sentence_of_a_divergence(void) {
  char *named[] = {s.contract->criteria[1].id};
  s.contract->known_divergence = (pv_strings){named, NULL, 1};
  derive(PV_STATUS_KNOWN_DIVERGENCE, PV_PASS, PV_PASS, PV_CRASH);
  expect_sentence(
      "the file claims KNOWN_DIVERGENCE, the evidence supports ACTIVE_ALGORITHM_LEVEL: "
      "AC_TWO is PASS, AC_THREE is CRASH");
  s.contract->known_divergence.count = 0;
}

/* Four are named, the others counted. */
static void test_sentence_over_many(void) {
  pv_criterion many[7];
  pv_criterion *const old = s.contract->criteria;
  for (size_t i = 0; i < 7; i++) many[i] = old[0];
  s.contract->criteria = many;
  s.contract->criterion_count = 7;
  derive(PV_STATUS_PROPOSED, PV_STALE, PV_PASS, PV_PASS);
  expect_sentence(
      "the file claims PROPOSED, the evidence supports DRAFT: AC_ONE is STALE, AC_ONE "
      "is STALE, AC_ONE is STALE, AC_ONE is STALE and 3 more");
  many[0].needed_for = many[1].needed_for = many[2].needed_for = PV_STATUS_ACTIVE_RUNTIME;
  derive(PV_STATUS_PROPOSED, PV_STALE, PV_PASS, PV_PASS);
  expect_sentence(
      "the file claims PROPOSED, the evidence supports DRAFT: AC_ONE is STALE, AC_ONE "
      "is STALE, AC_ONE is STALE, AC_ONE is STALE");
  s.contract->criteria = old;
  s.contract->criterion_count = 3;
}

int main(void) {
  if (!sample_make(&s)) return 1;
  const int code =
      pv_testing_main("derive", (pv_case[]){PV_CASE(test_ladder),
                                            PV_CASE(test_typed_status),
                                            PV_CASE(test_stages),
                                            PV_CASE(test_judged_elsewhere),
                                            PV_CASE(test_every_combination),
                                            PV_CASE(test_not_applicable),
                                            PV_CASE(test_nobody_claims),
                                            PV_CASE(test_unbound_criterion),
                                            PV_CASE(test_worst_of_several),
                                            PV_CASE(test_known_divergence),
                                            PV_CASE(test_deprecated),
                                            PV_CASE(test_summary_and_sentence),
                                            PV_CASE(test_odd_rungs),
                                            PV_CASE(test_nothing_claimed),
                                            PV_CASE(test_untried_faults),
                                            PV_CASE(test_unbound_falsifier_of_a_divergence),
                                            PV_CASE(test_sentence_of_a_divergence),
                                            PV_CASE(test_sentence_over_many),
                                            {0}});
  sample_free(&s);
  return code;
}
