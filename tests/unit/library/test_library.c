/* What a child says is believed as little as the kernel that it runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/library/parts.h"
#include "tests/unit/testing.h"

static pv_arena arena;
static pv_op_values v[PV_OP_TENSORS];
static pv_op_case c;
static const pv_operation *op;
static const pv_library_end sound = {0};

/* x * 2 for the four rows of two numbers of `scale`. */
static bool open_case(void) {
  pv_op_numerics n;
  pv_error err = PV_ERROR_INIT;
  arena = PV_ARENA_INIT;
  op = pv_operation_find("scale");
  if (op == NULL || !pv_operation_case_at(op, 0, &c) || !pv_op_numerics_find("float32", &n))
    return false;
  c.size[0] = 2;
  c.size[1] = 4;
  c.scalar[0] = 2.0;
  return pv_operation_make(op, &c, &arena, v, &err) == PV_OK &&
         pv_operation_expect(op, &c, &n, &arena, v, &err) == PV_OK;
}

static void say(pv_text *out, pv_library_word word, int32_t number, int64_t at, const void *bytes,
                size_t length) {
  const pv_library_frame f = {(uint32_t)word, number, at, length};
  pv_text_add(out, (const char *)&f, sizeof f);
  if (length > 0) pv_text_add(out, bytes, length);
}

/* A run of a kernel that makes `y`. */
static void say_run(pv_text *out, int32_t run, const float y[8]) {
  say(out, PV_LIBRARY_BEGIN, run, 0, NULL, 0);
  say(out, PV_LIBRARY_RETURNED, 0, 0, NULL, 0);
  say(out, PV_LIBRARY_OUTPUT, 1, 0, y, 8 * sizeof *y);
}

static pv_library_report judged(const pv_text *said, const pv_library_end *end) {
  pv_library_report r = {0};
  EXPECT(pv_library_judge(op, &c, v, said->data, said->length, end, &r, NULL) == PV_OK);
  return r;
}

static void sound_row(float y[8]) {
  for (size_t i = 0; i < 8; i++) y[i] = 2.0f * v[0].real[i];
}

static void test_sound(void) {
  pv_text said = PV_TEXT_INIT;
  float y[8];
  REQUIRE(open_case());
  sound_row(y);
  say_run(&said, 0, y);
  say_run(&said, 1, y);
  say(&said, PV_LIBRARY_DONE, 0, 0, NULL, 0);
  pv_library_report r = judged(&said, &sound);
  EXPECT_U64(r.finding_count, 0);
  EXPECT_U64(r.compared, 8);
  EXPECT_U64(r.runs, 2);
  EXPECT_U64(r.cases, 1);
  pv_text_free(&said);

  y[5] = NAN;
  said = PV_TEXT_INIT;
  say_run(&said, 0, y);
  y[5] = 1.0f;
  say_run(&said, 1, y);
  say(&said, PV_LIBRARY_DONE, 0, 0, NULL, 0);
  r = judged(&said, &sound);
  EXPECT_U64(r.wrong, 2);
  EXPECT_U64(r.cases_wrong, 1);
  EXPECT_U64(r.finding_count, 2);
  EXPECT_STR(r.findings[0].kind, "not the same twice");
  EXPECT_STR(r.findings[1].kind, "wrong value");
  EXPECT_U64(r.findings[1].count, 2);
  EXPECT_U64(r.findings[1].cases, 1);
  pv_text_free(&said);
  pv_arena_free(&arena);
}

/* Nothing is compared where nothing, too little or too much was said; and that is a finding. */
static void test_hostile(void) {
  float y[8];
  pv_library_report r;
  pv_text said = PV_TEXT_INIT;
  REQUIRE(open_case());
  sound_row(y);
  r = judged(&said, &sound);
  EXPECT_U64(r.compared, 0);
  EXPECT_STR(r.findings[0].kind, "exit");
  say(&said, PV_LIBRARY_BEGIN, 99, 0, NULL, 0);
  say(&said, PV_LIBRARY_BEGIN, -1, 0, NULL, 0);
  say(&said, PV_LIBRARY_OUTPUT, 7, 0, y, sizeof y);
  say(&said, PV_LIBRARY_OUTPUT, -5, 0, y, sizeof y);
  say(&said, PV_LIBRARY_OUTPUT, 1, 0, y, sizeof y - 1);
  say(&said, PV_LIBRARY_OUTSIDE, 55, -3, NULL, 0);
  say(&said, PV_LIBRARY_OUTSIDE, 1, INT64_MIN, NULL, 0);
  say(&said, PV_LIBRARY_FAULT, 55, -3, "deletes", 7);
  say(&said, (pv_library_word)77, 1, 1, y, 4);
  say(&said, PV_LIBRARY_DONE, 0, 0, NULL, 0);
  const pv_library_frame cut = {PV_LIBRARY_OUTPUT, 1, 0, UINT64_MAX};
  pv_text_add(&said, (const char *)&cut, sizeof cut);
  r = judged(&said, &sound);
  EXPECT_U64(r.compared, 0);
  EXPECT_U64(r.runs, 0);
  EXPECT_U64(r.finding_count, 2);
  EXPECT_STR(r.findings[0].text, "it writes 9223372036854775808 bytes before y begins");
  EXPECT_STR(r.findings[1].text, "it deletes memory that is none of its tensors");
  for (size_t length = 0; length < said.length; length++) { /* and cut anywhere */
    r = (pv_library_report){0};
    EXPECT(pv_library_judge(op, &c, v, said.data, length, &sound, &r, NULL) == PV_OK);
    EXPECT(r.compared == 0 && r.finding_count > 0);
  }
  pv_text_free(&said);
  pv_arena_free(&arena);
}

static void test_ends(void) {
  pv_text said = PV_TEXT_INIT;
  REQUIRE(open_case());
  EXPECT_STR(judged(&said, &(pv_library_end){.late = true}).findings[0].kind, "hang");
  EXPECT_STR(judged(&said, &(pv_library_end){.flooded = true}).findings[0].kind, "flood");
  EXPECT_STR(judged(&said, &(pv_library_end){.signal = 4}).findings[0].text,
             "it was ended by a signal: Illegal instruction");
  say(&said, PV_LIBRARY_BEGIN, 0, 0, NULL, 0);
  say(&said, PV_LIBRARY_FAULT, 0, 3, "writes", 6);
  pv_library_report r = judged(&said, &(pv_library_end){.signal = 11});
  EXPECT_U64(r.finding_count, 1);
  EXPECT_STR(r.findings[0].kind, "input written");
  say(&said, PV_LIBRARY_FAULT, 0, -1, "reads", 5);
  r = judged(&said, &(pv_library_end){.signal = 11});
  EXPECT_STR(r.findings[1].kind, "out of bounds");
  EXPECT_STR(r.findings[1].text, "it reads 1 bytes before x begins");
  pv_text_free(&said);
  said = PV_TEXT_INIT;
  for (int32_t i = 0; i < 2; i++) {
    say(&said, PV_LIBRARY_BEGIN, i, 0, NULL, 0);
    say(&said, PV_LIBRARY_RETURNED, 1, 0, NULL, 0);
  }
  say(&said, PV_LIBRARY_DONE, 0, 0, NULL, 0);
  r = judged(&said, &sound);
  EXPECT(r.cases == 0 && r.left_out == 1 && r.finding_count == 0);
  pv_text_free(&said);
  pv_arena_free(&arena);
}

static void test_formats(void) {
  pv_format f[PV_OP_TENSORS];
  pv_error err = PV_ERROR_INIT;
  op = pv_operation_find("q4_k_gemv");
  REQUIRE(op != NULL);
  EXPECT(pv_library_formats(op, "", f, &err) == PV_OK && f[1] == PV_FORMAT_F32);
  EXPECT(pv_library_formats(op, " x=q8_1, y=f16 ", f, &err) == PV_OK);
  EXPECT(f[1] == PV_FORMAT_Q8_1 && f[2] == PV_FORMAT_F16);
  static const char *const wrong[] = {"x",           "x=",     "=f16",  "z=f16",
                                      "weights=f16", "y=q8_0", "x=f64", "x=f16=f16 y"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    EXPECT(pv_library_formats(op, wrong[i], f, &err) == PV_ERR_INPUT);
}

static void test_buffers(void) {
  int64_t at = 0;
  EXPECT(pv_library_pattern(0) != pv_library_pattern(1)); /* a kernel may well write one of them */
  REQUIRE(open_case());
  for (unsigned run = 0; run < PV_LIBRARY_RUNS; run++) {
    pv_library_buffer b;
    REQUIRE(pv_library_place(&op->tensor[1], &v[1], run, &b));
    EXPECT_U64(b.stride, run == 0 ? 8 : 72);
    EXPECT(!pv_library_outside(&b, &at));
    memset(b.data, 1, 8); /* a row is its own */
    EXPECT(!pv_library_outside(&b, &at));
    b.data[run == 0 ? -1 : 8] = 1;
    EXPECT(pv_library_outside(&b, &at));
    EXPECT_I64(at, run == 0 ? -1 : 8);
    pv_library_release(&b);
  }
  pv_arena_free(&arena);
}

int main(void) {
  return pv_testing_main("library", (pv_case[]){PV_CASE(test_sound),
                                                PV_CASE(test_hostile),
                                                PV_CASE(test_ends),
                                                PV_CASE(test_formats),
                                                PV_CASE(test_buffers),
                                                {0}});
}
