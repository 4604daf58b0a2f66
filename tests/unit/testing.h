/* Assertions that print the values, and a main that counts them: a program that ran no test or
 * asserted nothing fails. Usage:
 *
 *   static void test_adds(void) { EXPECT_U64(add(1, 2), 3); }
 *   int main(void) { return pv_testing_main("math", (pv_case[]){PV_CASE(test_adds), {0}}); }
 */
#ifndef PV_TESTING_H
#define PV_TESTING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pv_case {
  const char *name;
  void (*run)(void);
} pv_case;
#define PV_CASE(function) \
  { #function, function }

int pv_testing_main(const char *suite, const pv_case *cases);

/* One assertion each: counted, recorded with CUnit, printed with values when false. */
bool pv_expect(bool ok, const char *text, const char *file, int line);
bool pv_expect_u64(uint64_t got, uint64_t want, const char *text, const char *file, int line);
bool pv_expect_i64(int64_t got, int64_t want, const char *text, const char *file, int line);
bool pv_expect_f64(double got, double want, double tolerance, const char *text, const char *file,
                   int line);
bool pv_expect_str(const char *got, const char *want, const char *text, const char *file, int line);
bool pv_expect_bits32(float got, float want, const char *text, const char *file, int line);
bool pv_expect_bytes(const void *got, const void *want, uint64_t length, const char *text,
                     const char *file, int line);
/* True when `haystack` contains `needle`. */
bool pv_expect_has(const char *haystack, const char *needle, const char *text, const char *file,
                   int line);

#define EXPECT(x)             pv_expect((x), #x, __FILE__, __LINE__)
#define EXPECT_U64(a, b)      pv_expect_u64((a), (b), #a, __FILE__, __LINE__)
#define EXPECT_I64(a, b)      pv_expect_i64((a), (b), #a, __FILE__, __LINE__)
#define EXPECT_F64(a, b, tol) pv_expect_f64((a), (b), (tol), #a, __FILE__, __LINE__)
#define EXPECT_STR(a, b)      pv_expect_str((a), (b), #a, __FILE__, __LINE__)
#define EXPECT_BITS32(a, b)   pv_expect_bits32((a), (b), #a, __FILE__, __LINE__)
#define EXPECT_BYTES(a, b, n) pv_expect_bytes((a), (b), (n), #a, __FILE__, __LINE__)
#define EXPECT_HAS(a, b)      pv_expect_has((a), (b), #a, __FILE__, __LINE__)
/* Stops the test when false. */
#define REQUIRE(x)          \
  do {                      \
    if (!EXPECT(x)) return; \
  } while (0)

/* The golden folder ($PV_GOLDEN, else ../shared), or NULL: a test that needs it then fails under
 * CI=true and says "skipped" otherwise. */
const char *pv_testing_shared(void);
void pv_testing_skip(const char *why);

#endif
