#include "tests/unit/testing.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRINTED = 20 };      /* failed assertions of one test; the rest is counted only */
enum { SKIPPED_EXIT = 77 }; /* ctest: SKIP_RETURN_CODE */

/* CUnit keeps its state in globals; tests may assert from several threads. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static const char *running = "?";
static unsigned asserted, failures; /* of the test that runs now */
static bool skipping;
static unsigned passed, failed, skipped, total_asserted;

static bool record(bool ok, const char *text, const char *file, int line) {
  asserted++;
  failures += !ok;
  CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, text, file, running, CU_FALSE);
  return ok;
}

/* Opens a block that ends with FINISH: under the lock, the values are printed when `ok` is false.
 */
#define FINISH(ok, ...)                                           \
  do {                                                            \
    pthread_mutex_lock(&guard);                                   \
    if (!record((ok), text, file, line) && failures <= PRINTED) { \
      printf("%s:%d: %s: %s: ", file, line, running, text);       \
      printf(__VA_ARGS__);                                        \
      putchar('\n');                                              \
      fflush(stdout);                                             \
    }                                                             \
    pthread_mutex_unlock(&guard);                                 \
    return ok;                                                    \
  } while (0)

bool pv_expect(bool ok, const char *text, const char *file, int line) {
  FINISH(ok, "is false");
}

bool pv_expect_u64(uint64_t got, uint64_t want, const char *text, const char *file, int line) {
  const bool ok = got == want;
  FINISH(ok, "got %" PRIu64 ", want %" PRIu64, got, want);
}

bool pv_expect_i64(int64_t got, int64_t want, const char *text, const char *file, int line) {
  const bool ok = got == want;
  FINISH(ok, "got %" PRId64 ", want %" PRId64, got, want);
}

bool pv_expect_f64(double got, double want, double tolerance, const char *text, const char *file,
                   int line) {
  /* Equality first, for infinities; a NaN anywhere is false. */
  const bool ok = got == want || (isfinite(got) && fabs(got - want) <= tolerance);
  FINISH(ok, "got %.17g, want %.17g, off by %.3g, allowed %.3g", got, want, fabs(got - want),
         tolerance);
}

bool pv_expect_str(const char *got, const char *want, const char *text, const char *file,
                   int line) {
  const bool ok = (got == NULL || want == NULL) ? got == want : strcmp(got, want) == 0;
  FINISH(ok, "got \"%s\", want \"%s\"", got == NULL ? "(NULL)" : got,
         want == NULL ? "(NULL)" : want);
}

bool pv_expect_bits32(float got, float want, const char *text, const char *file, int line) {
  uint32_t a, b;
  memcpy(&a, &got, sizeof a);
  memcpy(&b, &want, sizeof b);
  const bool ok = a == b;
  FINISH(ok, "got %08" PRIx32 " (%.9g), want %08" PRIx32 " (%.9g)", a, (double)got, b,
         (double)want);
}

bool pv_expect_bytes(const void *got, const void *want, uint64_t length, const char *text,
                     const char *file, int line) {
  const unsigned char *a = got, *b = want;
  uint64_t at = 0;
  if (length > 0 && (a == NULL || b == NULL)) FINISH(false, "one side is NULL");
  while (at < length && a[at] == b[at]) at++;
  const bool ok = at == length;
  FINISH(ok, "byte %" PRIu64 " of %" PRIu64 ": got %02x, want %02x", at, length, a[at], b[at]);
}

bool pv_expect_has(const char *haystack, const char *needle, const char *text, const char *file,
                   int line) {
  const bool ok = haystack != NULL && needle != NULL && strstr(haystack, needle) != NULL;
  FINISH(ok, "\"%s\" does not contain \"%s\"", haystack == NULL ? "(NULL)" : haystack,
         needle == NULL ? "(NULL)" : needle);
}

static bool in_ci(void) {
  const char *ci = getenv("CI");
  return ci != NULL && strcmp(ci, "true") == 0;
}

const char *pv_testing_shared(void) {
  const char *folder = getenv("PV_GOLDEN");
  if (folder == NULL || folder[0] == '\0') folder = "../shared";
  return access(folder, R_OK | X_OK) == 0 ? folder : NULL;
}

void pv_testing_skip(const char *why) {
  if (in_ci()) {
    pv_expect(false, why, "skipped although CI=true", 0);
    return;
  }
  printf("%s: skipped: %s\n", running, why);
  skipping = true;
}

static void before(const CU_pTest test, const CU_pSuite suite) {
  (void)suite;
  running = test->pName;
  asserted = failures = 0;
  skipping = false;
}

static void after(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure) {
  (void)suite;
  (void)failure;
  total_asserted += asserted;
  if (failures > 0) {
    failed++;
    printf("FAILED %s: %u of %u assertions\n", test->pName, failures, asserted);
  } else if (skipping) {
    skipped++;
  } else if (asserted == 0) {
    failed++;
    printf("FAILED %s: it asserted nothing\n", test->pName);
  } else {
    passed++;
  }
}

int pv_testing_main(const char *suite, const pv_case *cases) {
  if (CU_initialize_registry() != CUE_SUCCESS) return 1;
  CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
  for (const pv_case *c = cases; registered != NULL && c->run != NULL; c++) {
    if (CU_add_test(registered, c->name, c->run) == NULL) registered = NULL;
  }
  CU_set_test_start_handler(before);
  CU_set_test_complete_handler(after);
  const bool ran = registered != NULL && CU_run_all_tests() == CUE_SUCCESS;
  const unsigned recorded = CU_get_number_of_failures();
  if (!ran) printf("%s: CUnit could not run it: %s\n", suite, CU_get_error_msg());
  CU_cleanup_registry();
  if (passed + failed + skipped == 0) printf("%s: no test ran\n", suite);
  if (skipped > 0) printf("%u skipped\n", skipped);
  printf("%u passed, %u failed\n", passed, failed);
  if (!ran || failed > 0 || recorded > 0) return 1;
  if (skipped > 0 && passed == 0) return SKIPPED_EXIT;
  return passed > 0 && total_asserted > 0 ? 0 : 1;
}
