/* Each allocation and each system call fails while a foreign kernel is judged: the verdict is the
 * one without a failure, or there is an error that says why; never a PASS over less, and a refusal
 * of a descriptor gives no wrong advice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/guest/guest.h"
#include "tests/fault/each.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

/* The least case, so that all is quick. */
#define DESCRIPTOR(file, entry, operation, limits)                                        \
  "schema: pv/kernel/v1\nfile: " file "\nentry: " entry "\noperation: " operation         \
  "\nnumerics: float32\nallow: [contraction]\nconstants: {half: \"ceil_div(rows, 2)\"}\n" \
  "scratch: {unused: {bytes: 4 * rows, zero: true}}\ntensors: {y: f32}\n"                 \
  "parameters: [weights, x, y, k, rows]\ngrid: [half, batch]\nblock: 64\n"                \
  "limits: " limits "\n"

/* One for each product, whatever the weights. */
static const char one_ptx[] =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry one(.param .u64 w, .param .u64 x, .param .u64 y, .param .u32 k, .param .u32 "
    "r)\n"
    "{ .reg .b64 %rd<2>; .reg .b32 %r<3>; .reg .pred %p<2>;\n"
    "mov.u32 %r1, %tid.x; setp.ne.s32 %p1, %r1, 0; @%p1 bra end;\n"
    "ld.param.u64 %rd1, [y]; mov.b32 %r2, 1065353216; st.global.b32 [%rd1], %r2;\n"
    "end: ret; }\n";

static const char *descriptor;
static pv_guest_report wanted;

static pv_code check(pv_arena *arena, pv_guest_report *out, pv_error *err) {
  const pv_guest_wish wish = {.descriptor = descriptor};
  return pv_guest_check(arena, &wish, out, err);
}

/* What was found, and over how much. */
static bool same(const pv_guest_report *a, const pv_guest_report *b) {
  bool ok = a->verdict == b->verdict && a->cases == b->cases && a->left_out == b->left_out &&
            a->runs == b->runs && a->tally.compared == b->tally.compared &&
            a->tally.wrong == b->tally.wrong && a->findings.count == b->findings.count;
  for (size_t i = 0; ok && i < a->findings.count; i++)
    ok = strcmp(a->findings.list[i].kind, b->findings.list[i].kind) == 0 &&
         a->findings.list[i].count == b->findings.list[i].count;
  return ok;
}

static pv_code code_of_work(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_guest_report r = {.verdict = PV_GUEST_NOT_RUN};
  pv_error err = PV_ERROR_INIT;
  const pv_code code = check(&arena, &r, &err);
  if (code == PV_OK) EXPECT(same(&r, &wanted));
  if (code != PV_OK) EXPECT(err.code == code && err.message[0] != '\0');
  if (code != PV_OK) EXPECT(r.d == NULL && r.verdict == PV_GUEST_NOT_RUN); /* as it was */
  pv_arena_free(&arena);
  return code;
}

static bool work(void) {
  const pv_code code = code_of_work();
  EXPECT(code == PV_OK || code == PV_ERR_NOMEM);
  return code == PV_OK;
}
static bool work_with_calls(void) {
  return code_of_work() == PV_OK;
}

/* Without a failure first: what is wanted. */
static void judge(const char *text, pv_guest_verdict verdict, size_t findings, unsigned at_least) {
  char path[300];
  pv_arena arena = PV_ARENA_INIT;
  pv_error err = PV_ERROR_INIT;
  folder_write("k.yaml", text);
  snprintf(path, sizeof path, "%s", folder_path("k.yaml"));
  descriptor = path;
  if (!EXPECT(check(&arena, &wanted, &err) == PV_OK)) pv_error_print(&err, stdout);
  EXPECT_U64(wanted.verdict, verdict);
  EXPECT_U64(wanted.findings.count, findings);
  EXPECT(wanted.cases > 0 && wanted.tally.compared > 0);
  each_allocation(work, at_least);
  if (verdict == PV_GUEST_PASS) each_call(work_with_calls, 4);
  pv_arena_free(&arena);
}

static void test_sound(void) {
  judge(DESCRIPTOR("sound.ptx", "q4k_gemv", "q4_k_gemv", "rows <= 2 && k == 256"), PV_GUEST_PASS, 0,
        50);
}
/* A wrong value, and which weights are wrong: one run for each of 32. */
static void test_wrong(void) {
  judge(DESCRIPTOR("one.ptx", "one", "q8_0_gemv", "rows <= 2 && k == 32"), PV_GUEST_FAIL, 2, 300);
}

/* A descriptor that is refused, with a list of words where there is memory for it. */
static const char *refused, *message, *hint;
static bool work_refused(void) {
  pv_arena arena = PV_ARENA_INIT;
  pv_guest_descriptor *d = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code =
      pv_guest_descriptor_parse(&arena, "k.yaml", refused, strlen(refused), NULL, &d, &err);
  EXPECT(d == NULL && err.code == code && (code == PV_ERR_INPUT || code == PV_ERR_NOMEM));
  if (code == PV_ERR_INPUT) EXPECT_HAS(err.message, message);
  if (code == PV_ERR_INPUT) EXPECT_HAS(err.hint, hint);
  pv_arena_free(&arena);
  return code == PV_ERR_INPUT;
}

static void test_refused(void) {
  static const char *const texts[][3] = {
      {DESCRIPTOR("x", "e", "q4_k_gemv", "sizes > 2"), "an unknown name",
       "known here: k, rows, batch, half"},
      {"schema: pv/kernel/v1\noperation: scale\nnumerics: quadruple\n", "there are no numerics",
       "one of: float32, tf32, float16, bfloat16, i16, i8, f32-f64acc"},
      {"schema: pv/kernel/v1\noperation: scale\nnumerics: float32\nentry: e\n"
       "parameters: [{u33: unheard_of}]\ngrid: 1\nblock: 1\n",
       "'u33' is no type of a parameter", "did you mean u32?"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    refused = texts[i][0];
    message = texts[i][1];
    hint = texts[i][2];
    each_allocation(work_refused, 3);
  }
}

/* The same of an entry that a file does not have. */
static bool work_entry(void) {
  static const char ptx[] =
      ".version 8.0\n.target sm_80\n.entry one() { ret; }\n"
      ".entry two() { ret; }\n";
  const pv_guest_launch launch = {.entry = "something", .place = {"k.yaml", 3, 8}};
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  const pv_ptx_function *f = NULL;
  pv_guest_signature s;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_ptx_parse_each(&arena, "x", ptx, sizeof ptx - 1, &m, &err);
  if (code == PV_OK) code = pv_guest_signature_of(m, &launch, &f, &s, &err);
  EXPECT(f == NULL && (code == PV_ERR_INPUT || code == PV_ERR_NOMEM));
  if (code == PV_ERR_INPUT) EXPECT_HAS(err.message, "has no entry 'something'");
  if (code == PV_ERR_INPUT) EXPECT_HAS(err.hint, "it has: one, two");
  pv_arena_free(&arena);
  return code == PV_ERR_INPUT;
}
static void test_entry(void) {
  each_allocation(work_entry, 2);
}

static bool copy(const char *from, const char *to) {
  pv_bytes bytes = {0};
  if (pv_file_read(from, (size_t)1 << 20, &bytes, NULL) != PV_OK) return false;
  char *text = strndup((const char *)bytes.data, bytes.length);
  if (text != NULL) folder_write(to, text);
  const bool ok = text != NULL;
  free(text);
  pv_bytes_free(&bytes);
  return ok;
}

int main(void) {
  if (folder_make() == NULL || !copy("contracts/examples/kernels/q4k_gemv.ptx", "sound.ptx"))
    return 1;
  folder_write("one.ptx", one_ptx);
  const int code = pv_testing_main("fault guest", (pv_case[]){PV_CASE(test_sound),
                                                              PV_CASE(test_wrong),
                                                              PV_CASE(test_refused),
                                                              PV_CASE(test_entry),
                                                              {0}});
  printf("%u failures injected\n", each_injected());
  folder_remove();
  return code;
}
