/* Programs that must fail, one for each argument; self_test.sh looks at how. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/testing.h"

static void good(void) {
  EXPECT(true);
}
static void silent(void) {}
static void skipping(void) {
  pv_testing_skip("because");
}
static void is_false(void) {
  EXPECT(1 > 2);
}
static void u64(void) {
  EXPECT_U64(1, 2);
}
static void i64(void) {
  EXPECT_I64(-1, 1);
}
static void f64(void) {
  EXPECT_F64(1.5, 1.0, 0.25);
}
static void not_a_number(void) {
  EXPECT_F64((double)NAN, (double)NAN, INFINITY);
}
static void string(void) {
  EXPECT_STR("left", "right");
}
static void no_string(void) {
  EXPECT_STR(NULL, "right");
}
static void bits(void) {
  EXPECT_BITS32(0.0f, -0.0f);
}
static void bytes(void) {
  EXPECT_BYTES("abcd", "abxd", 4);
}
static void has(void) {
  EXPECT_HAS("haystack", "needle");
}
static void stops(void) {
  REQUIRE(1 > 2);
  puts("not reached");
}

int main(int argc, char **argv) {
  static const pv_case failing[] = {PV_CASE(is_false),  PV_CASE(u64),          PV_CASE(i64),
                                    PV_CASE(f64),       PV_CASE(not_a_number), PV_CASE(string),
                                    PV_CASE(bits),      PV_CASE(bytes),        PV_CASE(has),
                                    PV_CASE(no_string), PV_CASE(stops),        {0}};
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "good") == 0) return pv_testing_main(what, (pv_case[]){PV_CASE(good), {0}});
  if (strcmp(what, "none") == 0) return pv_testing_main(what, (pv_case[]){{0}});
  if (strcmp(what, "silent") == 0)
    return pv_testing_main(what, (pv_case[]){PV_CASE(good), PV_CASE(silent), {0}});
  if (strcmp(what, "skip") == 0) return pv_testing_main(what, (pv_case[]){PV_CASE(skipping), {0}});
  for (const pv_case *c = failing; c->run != NULL; c++)
    if (strcmp(what, c->name) == 0)
      return pv_testing_main(what, (pv_case[]){PV_CASE(good), *c, {0}});
  return 99;
}
