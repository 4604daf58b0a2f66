/* The suite itself: it covers what the interpreter takes, and it finds what differs. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "kernels/ptx/alu.h"
#include "tests/unit/ptx/conform/suite.h"
#include "tests/unit/ptx/conform/table.h"
#include "tests/unit/testing.h"

/* cvt.sat to a type that holds every value of the other: PTX does not have it. */
static bool can_not_saturate(const char *opcode) {
  char to = 0, from = 0;
  unsigned wide = 0, narrow = 0;
  if (sscanf(opcode, "cvt.sat.%c%u.%c%u", &to, &wide, &from, &narrow) != 4 || from == 'f')
    return false;
  return to == from ? wide >= narrow : to == 's' && wide > narrow;
}

static void test_each_row_of_the_interpreter_is_covered(void) {
  const pv_ptx_alu *row;
  const pv_conform_form *form;
  size_t rows = 0;
  for (; (row = pv_ptx_alu_at(rows)) != NULL; rows++) {
    /* What is not defined bit for bit has no answer. */
    bool found = can_not_saturate(row->opcode) || strstr(row->opcode, ".approx") != NULL ||
                 strstr(row->opcode, ".full") != NULL;
    for (size_t i = 0; !found && (form = pv_conform_form_at(i)) != NULL; i++)
      found = strcmp(form->opcode, row->opcode) == 0;
    pv_expect(found, row->opcode, __FILE__, __LINE__);
  }
  EXPECT(rows > 400);
}

/* A runner that answers with numbers, and from `wrong` on with one bit that differs. */
static uint64_t flipped;
static size_t wrong;

static pv_code run_numbers(pv_conform_runner *self, const pv_conform_kernel *k, uint64_t *out,
                           pv_error *err) {
  (void)self;
  (void)err;
  for (size_t i = 0; i < k->cases; i++)
    for (size_t j = 0; k->results[j] != '\0'; j++)
      out[i * k->out_slots + j] = i * 7 / 3 % 16 & (k->results[j] == 'p' ? 1 : 15);
  if (wrong < k->cases) out[wrong * k->out_slots] ^= flipped;
  return PV_OK;
}

static pv_code refuse(pv_conform_runner *self, const pv_conform_kernel *k, uint64_t *out,
                      pv_error *err) {
  (void)self;
  (void)out;
  return pv_error_set(err, PV_ERR_UNSUPPORTED, "no %s here", k->name);
}

static pv_conform_result run(const char *only, const char *expected, pv_text *answers) {
  pv_conform_runner runner = {.name = "numbers", .driver = "none", .run = run_numbers};
  pv_conform_result result = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_conform_suite_run(&runner, only, expected, answers, &result, &err) == PV_OK);
  return result;
}

static void test_a_difference_is_found_and_told(void) {
  pv_text answers = PV_TEXT_INIT;
  flipped = 0;
  wrong = 0;
  pv_conform_result r = run(NULL, NULL, &answers);
  EXPECT(r.kernels > 500 && r.cases > r.kernels * 2048);
  r = run(NULL, answers.data, NULL);
  EXPECT_U64(r.different, 0);
  EXPECT(r.report.length == 0);

  flipped = 4;
  wrong = 1; /* an edge case: -0 - 0 */
  r = run("sub.rn.f32:f=ff", answers.data, NULL);
  EXPECT_U64(r.kernels, 1);
  EXPECT_U64(r.different, 1);
  EXPECT_HAS(r.report.data,
             "sub.rn.f32:f=ff: case 1: 80000000 00000000: expected 00000002, got 00000006");
  pv_text_free(&r.report);

  wrong = 3000; /* among the random ones */
  r = run("sub.rn.f32:f=ff", answers.data, NULL);
  EXPECT_U64(r.different, 1);
  EXPECT_HAS(r.report.data, "random cases from");
  pv_text_free(&r.report);
  pv_text_free(&answers);
}

static void test_answers_that_are_missing_are_no_pass(void) {
  pv_text answers = PV_TEXT_INIT;
  flipped = 0;
  pv_conform_result r = run("add.s32:r=rr", NULL, &answers);
  EXPECT_U64(r.kernels, 1);
  r = run("add.s64:l=ll", answers.data, NULL);
  EXPECT_U64(r.different, 1);
  EXPECT_HAS(r.report.data, "there are no answers for add.s64:l=ll as it is now");
  pv_text_free(&r.report);

  char *of = strstr(answers.data, " of "); /* another kernel, or other operands */
  REQUIRE(of != NULL);
  of[4] = of[4] == '0' ? '1' : '0';
  r = run("add.s32:r=rr", answers.data, NULL);
  EXPECT_U64(r.different, 1);
  pv_text_free(&r.report);

  of[4] = '\0'; /* cut off */
  r = run("add.s32:r=rr", answers.data, NULL);
  EXPECT_U64(r.different, 1);
  pv_text_free(&r.report);
  pv_text_free(&answers);
}

static void test_what_is_refused_is_counted(void) {
  pv_conform_runner runner = {.run = refuse};
  pv_conform_result result = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_conform_suite_run(&runner, "add.s32", NULL, NULL, &result, &err) == PV_OK);
  EXPECT(result.refused >= 2);
  EXPECT_U64(result.kernels, 0);
  EXPECT_HAS(result.report.data, "add.s32:r=rr: refused: no add.s32:r=rr here");
  pv_text_free(&result.report);
}

static void test_the_page_of_instructions_is_current(void) {
  pv_conform_runner *interpreter = NULL;
  pv_text page = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  pv_bytes kept = {0};
  REQUIRE(pv_file_read("docs/ptx-instructions.md", (size_t)1 << 20, &kept, &err) == PV_OK);
  REQUIRE(pv_conform_interpreter_open(&interpreter, NULL) == PV_OK);
  EXPECT(pv_conform_table(interpreter, &page, &err) == PV_OK);
  EXPECT_STR(page.data, (const char *)kept.data);
  interpreter->close(interpreter);
  pv_text_free(&page);
  pv_bytes_free(&kept);
}

int main(void) {
  return pv_testing_main("ptx conformance",
                         (pv_case[]){PV_CASE(test_each_row_of_the_interpreter_is_covered),
                                     PV_CASE(test_a_difference_is_found_and_told),
                                     PV_CASE(test_answers_that_are_missing_are_no_pass),
                                     PV_CASE(test_what_is_refused_is_counted),
                                     PV_CASE(test_the_page_of_instructions_is_current),
                                     {0}});
}
