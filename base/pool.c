#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { THREADS_MAX = 256, SPINS = 4000, TASK_BITS = 24, TASKS_MAX = (1 << TASK_BITS) - 1 };
#define STACK_BYTES ((size_t)4 << 20)

typedef struct worker {
  pv_pool *pool;
  unsigned index;
  pthread_t thread;
} worker;

/* A run is over when its tasks are, not when every worker has come and gone: one that the system
 * has taken off its processor keeps nobody waiting, unless it holds a task. */
struct pv_pool {
  unsigned threads;
  unsigned awake_max; /* workers, beside the caller, that have a processor of their own */
  worker *workers;    /* threads - 1 */
  pv_task task; /* these three belong to whoever holds a task, and to the caller between runs */
  void *context;
  size_t first;
  /* From the low end 24 bits for the next task, 24 for their number, 16 for the run, whose change
   * workers wait for. What is claimed and of which run is one word, so that a late worker never
   * takes a task of a run that it has not seen. */
  unsigned char apart[64]; /* from what threads write: lines of the cache */
  _Atomic uint64_t ticket;
  atomic_size_t done; /* tasks */
  atomic_bool stop;
  atomic_uint sleepers;
  pthread_mutex_t lock;
  pthread_cond_t wake;
};

static size_t next_of(uint64_t ticket) {
  return ticket & TASKS_MAX;
}

static size_t count_of(uint64_t ticket) {
  return ticket >> TASK_BITS & TASKS_MAX;
}

static uint64_t run_of(uint64_t ticket) {
  return ticket >> 2 * TASK_BITS;
}

/* Until no task is left; the ticket that said so. */
static uint64_t work(pv_pool *p, unsigned thread) {
  size_t done = 0;
  uint64_t ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
  while (next_of(ticket) < count_of(ticket)) {
    if (!atomic_compare_exchange_weak_explicit(&p->ticket, &ticket, ticket + 1,
                                               memory_order_acq_rel, memory_order_acquire))
      continue;
    p->task(p->context, p->first + next_of(ticket), thread);
    done++;
    ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
  }
  if (done > 0) atomic_fetch_add_explicit(&p->done, done, memory_order_release);
  return ticket;
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static bool is_news(pv_pool *p, uint64_t seen) {
  return run_of(atomic_load(&p->ticket)) != run_of(seen) || atomic_load(&p->stop);
}

/* Spins for a short while, since the next operation usually comes within microseconds. */
static void wait_for_work(pv_pool *p, uint64_t seen) {
  for (int i = 0; i < SPINS; i++) {
    if (is_news(p, seen)) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (!is_news(p, seen)) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *argument) {
  worker *w = argument;
  pv_pool *p = w->pool;
  uint64_t seen = 0;
  for (;;) {
    wait_for_work(p, seen);
    if (atomic_load(&p->stop)) return NULL;
    seen = work(p, w->index);
  }
}

/* Wakes workers until as many are awake as there are tasks and processors for. */
static void wake_for(pv_pool *p, size_t tasks) {
  const unsigned wanted = tasks - 1 < p->awake_max ? (unsigned)(tasks - 1) : p->awake_max;
  if (p->threads - 1 - atomic_load(&p->sleepers) >= wanted) return;
  pthread_mutex_lock(&p->lock);
  for (unsigned awake = p->threads - 1 - atomic_load(&p->sleepers); awake < wanted; awake++)
    pthread_cond_signal(&p->wake);
  pthread_mutex_unlock(&p->lock);
}

static void run_some(pv_pool *p, size_t first, size_t count) {
  const uint64_t run = run_of(atomic_load(&p->ticket)) + 1;
  p->first = first;
  atomic_store_explicit(&p->done, 0, memory_order_relaxed);
  atomic_store(&p->ticket, run << 2 * TASK_BITS | (uint64_t)count << TASK_BITS);
  wake_for(p, count);
  work(p, 0);
  for (int i = 0; atomic_load_explicit(&p->done, memory_order_acquire) != count; i++) {
    relax();
    if (i > SPINS) sched_yield();
  }
}

void pv_pool_run(pv_pool *pool, pv_task task, void *context, size_t count) {
  if (pool->threads == 1 || count <= 1) {
    for (size_t i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  for (size_t first = 0; first < count; first += TASKS_MAX)
    run_some(pool, first, count - first < TASKS_MAX ? count - first : TASKS_MAX);
}

static unsigned processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? (unsigned)count : 1;
}

pv_code pv_pool_open(unsigned threads, pv_pool **out, pv_error *err) {
  const unsigned all = processors();
  if (threads == 0) threads = all;
  if (threads > THREADS_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "%u threads are more than %d", threads, THREADS_MAX);
  pv_pool *p = calloc(1, sizeof *p);
  if (p == NULL) return pv_error_nomem(err, "threads");
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  p->threads = 1;
  p->awake_max = (threads < all ? threads : all) - 1;
  p->workers = calloc(threads, sizeof *p->workers);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pv_code code = PV_OK;
  if (p->workers == NULL) code = pv_error_nomem(err, "threads");
  for (unsigned i = 1; i < threads && code == PV_OK; i++) {
    worker *w = &p->workers[i - 1];
    w->pool = p;
    w->index = i;
    const int failed = pthread_create(&w->thread, &attributes, worker_main, w);
    if (failed != 0)
      code = pv_error_errno(err, failed, "cannot start thread %u of %u", i + 1, threads);
    else
      p->threads++;
  }
  pthread_attr_destroy(&attributes);
  if (code != PV_OK) {
    pv_pool_close(p);
    return code;
  }
  *out = p;
  return PV_OK;
}

void pv_pool_close(pv_pool *pool) {
  if (pool == NULL) return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->stop, true);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 1; i < pool->threads; i++) pthread_join(pool->workers[i - 1].thread, NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool->workers);
  free(pool);
}

unsigned pv_pool_threads(const pv_pool *pool) {
  return pool->threads;
}
