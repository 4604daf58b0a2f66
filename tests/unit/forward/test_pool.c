/* The thread pool: every task once, none early, none late. Run under the thread sanitizer too. */
#include <time.h>

#include "base/pool.h"
#include "tests/unit/testing.h"

enum { TASKS = 1000 };

typedef struct job {
  unsigned runs[TASKS]; /* of each task; plain on purpose: two threads on one task are a race */
  unsigned thread[TASKS];
  const unsigned *input; /* written by the caller just before the run */
  unsigned long sum[256];
} job;

static void count_task(void *context, size_t task, unsigned thread) {
  job *j = context;
  j->runs[task]++;
  j->thread[task] = thread;
}

static void test_each_task_once(void) {
  static const unsigned threads[] = {1, 2, 3, 7, 16};
  static const size_t counts[] = {0, 1, 2, 3, 7, 999, TASKS};
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    pv_pool *pool = NULL;
    REQUIRE(pv_pool_open(threads[t], &pool, NULL) == PV_OK);
    EXPECT_U64(pv_pool_threads(pool), threads[t]);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      static job j;
      unsigned wrong = 0;
      j = (job){0};
      pv_pool_run(pool, count_task, &j, counts[c]);
      for (size_t i = 0; i < TASKS; i++)
        wrong += j.runs[i] != (i < counts[c]) || j.thread[i] >= threads[t];
      EXPECT_U64(wrong, 0);
    }
    pv_pool_close(pool);
  }
}

static void add_task(void *context, size_t task, unsigned thread) {
  job *j = context;
  j->sum[thread] += j->input[task];
}

/* What the caller wrote before a run is seen in it, and what tasks wrote is seen after it. */
static void test_runs_in_sequence(void) {
  static unsigned input[64];
  static job j;
  pv_pool *pool = NULL;
  unsigned wrong = 0;
  REQUIRE(pv_pool_open(4, &pool, NULL) == PV_OK);
  for (unsigned round = 0; round < 2000; round++) {
    unsigned long sum = 0;
    for (unsigned i = 0; i < 64; i++) input[i] = round + i;
    j = (job){.input = input};
    pv_pool_run(pool, add_task, &j, 64);
    for (unsigned i = 0; i < 4; i++) sum += j.sum[i];
    wrong += sum != 64ul * round + 2016;
    /* Long enough, now and then, for the workers to fall asleep. */
    if (round % 400 == 0) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  EXPECT_U64(wrong, 0);
  pv_pool_close(pool);
}

static void test_open_and_close(void) {
  pv_error err = PV_ERROR_INIT;
  pv_pool *pool = NULL;
  for (int i = 0; i < 50; i++) {
    REQUIRE(pv_pool_open(5, &pool, &err) == PV_OK);
    pv_pool_close(pool);
  }
  REQUIRE(pv_pool_open(0, &pool, &err) == PV_OK);
  EXPECT(pv_pool_threads(pool) >= 1);
  pv_pool_close(pool);
  pv_pool_close(NULL);
  pool = NULL;
  EXPECT_I64(pv_pool_open(100000, &pool, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "100000 threads");
  EXPECT(pool == NULL);
}

int main(void) {
  return pv_testing_main("pool", (pv_case[]){PV_CASE(test_each_task_once),
                                             PV_CASE(test_runs_in_sequence),
                                             PV_CASE(test_open_and_close),
                                             {0}});
}
