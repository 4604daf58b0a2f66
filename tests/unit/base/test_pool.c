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

typedef struct sum { /* of the tasks of a thread, in lines of their own */
  _Alignas(64) uint64_t tasks, count;
} sum;

static void sum_task(void *context, size_t i, unsigned thread) {
  sum *s = (sum *)context + thread;
  s->tasks += i;
  s->count++;
}

/* More tasks than one ticket counts, and more threads than processors. */
static void test_many(void) {
  enum { THREADS = 64 };
  const uint64_t count = ((uint64_t)1 << 24) + 5;
  static sum sums[THREADS];
  sum all = {0};
  pv_pool *pool = NULL;
  REQUIRE(pv_pool_open(THREADS, &pool, NULL) == PV_OK);
  pv_pool_run(pool, sum_task, sums, count);
  for (size_t i = 0; i < THREADS; i++) {
    all.tasks += sums[i].tasks;
    all.count += sums[i].count;
  }
  EXPECT_U64(all.count, count);
  EXPECT_U64(all.tasks, count * (count - 1) / 2);
  pv_pool_close(pool);
}

typedef struct waiting {
  atomic_uint done, waited; /* tasks; whether the first saw all others done */
} waiting;

/* The first task lasts until all others are done, or five seconds. */
static void wait_task(void *context, size_t i, unsigned thread) {
  enum { OTHERS = 9, MOST = 5000 };
  waiting *w = context;
  (void)thread;
  if (i > 0) atomic_fetch_add(&w->done, 1);
  for (int ms = 0; i == 0 && ms < MOST && atomic_load(&w->done) < OTHERS; ms++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  if (i == 0) atomic_store(&w->waited, atomic_load(&w->done) == OTHERS);
}

/* A thread that is done takes of the part of one that is not. */
static void test_takes_of_others(void) {
  for (unsigned threads = 2; threads <= 4; threads++) {
    waiting w = {0};
    pv_pool *pool = NULL;
    REQUIRE(pv_pool_open(threads, &pool, NULL) == PV_OK);
    pv_pool_run(pool, wait_task, &w, 10);
    EXPECT(atomic_load(&w.waited) == 1);
    pv_pool_close(pool);
  }
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
  return pv_testing_main("pool", (pv_case[]){PV_CASE(test_runs),
                                             PV_CASE(test_many),
                                             PV_CASE(test_takes_of_others),
                                             PV_CASE(test_refused),
                                             {0}});
}
