#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { THREADS_MAX = 256, SPINS = 4000 };
#define STACK_BYTES ((size_t)4 << 20)

typedef struct worker {
  pv_pool *pool;
  unsigned index;
  pthread_t thread;
} worker;

struct pv_pool {
  unsigned threads;
  worker *workers; /* threads - 1 */
  pv_task task;
  void *context;
  size_t count;
  atomic_size_t next;     /* task to hand out */
  atomic_uint generation; /* one more for each run; workers wait for it */
  atomic_uint busy;       /* workers that have not finished this generation */
  atomic_bool stop;
  atomic_uint sleepers;
  pthread_mutex_t lock;
  pthread_cond_t wake;
};

static void work(pv_pool *p, unsigned thread) {
  for (;;) {
    const size_t task = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
    if (task >= p->count) return;
    p->task(p->context, task, thread);
  }
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Spins for a short while, since the next operation usually comes within microseconds. */
static void wait_for_work(pv_pool *p, unsigned seen) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(&p->generation, memory_order_acquire) != seen) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (atomic_load(&p->generation) == seen) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *argument) {
  worker *w = argument;
  pv_pool *p = w->pool;
  unsigned seen = 0;
  for (;;) {
    wait_for_work(p, seen);
    seen++;
    if (atomic_load(&p->stop)) return NULL;
    work(p, w->index);
    atomic_fetch_sub_explicit(&p->busy, 1, memory_order_release);
  }
}

static void announce(pv_pool *p) {
  atomic_fetch_add(&p->generation, 1);
  if (atomic_load(&p->sleepers) == 0) return;
  pthread_mutex_lock(&p->lock);
  pthread_cond_broadcast(&p->wake);
  pthread_mutex_unlock(&p->lock);
}

void pv_pool_run(pv_pool *pool, pv_task task, void *context, size_t count) {
  if (pool->threads == 1 || count <= 1) {
    for (size_t i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store(&pool->next, 0);
  atomic_store(&pool->busy, pool->threads - 1);
  announce(pool);
  work(pool, 0);
  for (int i = 0; atomic_load_explicit(&pool->busy, memory_order_acquire) != 0; i++) {
    relax();
    if (i > SPINS) sched_yield();
  }
}

static unsigned processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? (unsigned)count : 1;
}

pv_code pv_pool_open(unsigned threads, pv_pool **out, pv_error *err) {
  if (threads == 0) threads = processors();
  if (threads > THREADS_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "%u threads are more than %d", threads, THREADS_MAX);
  pv_pool *p = calloc(1, sizeof *p);
  if (p == NULL) return pv_error_nomem(err, "threads");
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  p->threads = 1;
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
  atomic_store(&pool->stop, true);
  announce(pool);
  for (unsigned i = 1; i < pool->threads; i++) pthread_join(pool->workers[i - 1].thread, NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool->workers);
  free(pool);
}

unsigned pv_pool_threads(const pv_pool *pool) {
  return pool->threads;
}
