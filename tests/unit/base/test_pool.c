/* The pool: every task once, whatever the number of threads, also after they went to sleep. */
#include <stdatomic.h>
#include <time.h>

#include "base/pool.h"
#include "tests/unit/testing.h"

enum { TASKS = 300 };

static atomic_uint done[TASKS];
static atomic_uint largest;

static void task(void *context, size_t i, unsigned thread) {
  atomic_fetch_add((atomic_uint *)context + i, 1);
  if (thread > atomic_load(&largest)) atomic_store(&largest, thread);
}

/* Threads of a pool, which sleep before each run. */
static void runs(unsigned threads) {
  pv_pool *pool = NULL;
  REQUIRE(pv_pool_open(threads, &pool, NULL) == PV_OK);
  EXPECT(threads == 0 ? pv_pool_threads(pool) > 0 : pv_pool_threads(pool) == threads);
  for (unsigned round = 0; round < 3; round++) {
    unsigned wrong = 0;
    for (size_t i = 0; i < TASKS; i++) atomic_store(&done[i], 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    pv_pool_run(pool, task, done, round == 2 ? 1 : TASKS);
    for (size_t i = 0; i < TASKS; i++)
      wrong += atomic_load(&done[i]) != (round < 2 || i == 0 ? 1 : 0);
    EXPECT_U64(wrong, 0);
  }
  EXPECT(atomic_load(&largest) < pv_pool_threads(pool));
  pv_pool_run(pool, task, done, 0);
  pv_pool_close(pool);
}

static void test_runs(void) {
  runs(1);
  runs(2);
  runs(5);
  atomic_store(&largest, 0);
  runs(0);
}

static void test_refused(void) {
  pv_pool *pool = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_pool_open(100000, &pool, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "100000 threads are more than");
  EXPECT(pool == NULL);
  pv_pool_close(NULL);
}

int main(void) {
  return pv_testing_main("pool", (pv_case[]){PV_CASE(test_runs), PV_CASE(test_refused), {0}});
}
