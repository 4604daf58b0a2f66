/* Every allocation of the PTX reader and of the assertions fails once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ptx/assert.h"
#include "tests/fault/each.h"
#include "tests/unit/ptx/sample.h"
#include "tests/unit/testing.h"

static pv_bytes text;

/* Reads and judges everything; false when memory was out, which must be what the error says. */
static bool work(void) {
  static const char *const list[] = {"mov", "st", "zero"}, *const counts[] = {"add.1"};
  const pv_ptx_directives d = {.require = list,
                               .forbid = list,
                               .order = list,
                               .count = counts,
                               .requires = 2,
                               .forbids = 2,
                               .orders = 2,
                               .counts = 1};
  const pv_ptx_flow flow = {"shfl", "cvt", "add", list, 3, list, 1};
  pv_arena arena = PV_ARENA_INIT;
  pv_ptx_module *m = NULL;
  pv_ptx_report report = {0};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_ptx_parse_each(&arena, "x", (const char *)text.data, text.length, &m, &err);
  EXPECT((code == PV_OK) == (m != NULL));
  for (size_t i = 0; code == PV_OK && m != NULL && i < m->function_count; i++) {
    const pv_ptx_function *f = m->functions[i];
    if (!f->is_entry || f->unread != NULL) continue;
    code = pv_ptx_check_directives(&arena, f, &d, &report, &err);
    if (code == PV_OK) code = pv_ptx_check_rules(&arena, f, NULL, 0, &report, &err);
    if (code == PV_OK) code = pv_ptx_check_flow(&arena, f, &flow, &report, &err);
  }
  pv_arena_free(&arena);
  EXPECT(code == PV_OK || (code == PV_ERR_NOMEM && err.code == PV_ERR_NOMEM));
  return code == PV_OK;
}

static void fail_each(const char *path, unsigned at_least) {
  REQUIRE(pv_file_read(path, (size_t)1 << 20, &text, NULL) == PV_OK);
  each_allocation(work, at_least);
  pv_bytes_free(&text);
}

static void test_by_hand(void) {
  fail_each(SAMPLES "reader.ptx", 1); /* one block of the arena */
}
static void test_what_nvcc_made(void) {
  fail_each(SAMPLES "faults.ptx", 8);
}

/* What is left unread takes memory to be named. */
static void test_unread(void) {
  static const char head[] = ".version 8.0\n.target sm_80\n",
                    part[] = ".entry k%03d() { sust 1; }\n";
  char *whole = malloc(sizeof head + 200 * sizeof part);
  REQUIRE(whole != NULL);
  size_t length = (size_t)sprintf(whole, "%s", head);
  for (int i = 0; i < 200; i++) length += (size_t)sprintf(whole + length, part, i);
  text = (pv_bytes){.data = (unsigned char *)whole, .length = length};
  each_allocation(work, 2);
  pv_bytes_free(&text);
}

int main(void) {
  return pv_testing_main(
      "ptx_fault",
      (pv_case[]){PV_CASE(test_by_hand), PV_CASE(test_what_nvcc_made), PV_CASE(test_unread), {0}});
}
