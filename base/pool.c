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

/* What a run asks for, in a line of the cache with the ticket that says so. From the low end 24
 * bits for the next task, 24 for the end, 16 for the run, whose change a worker waits for. What is
 * claimed and of which run is one word, so that a late worker never takes a task of a run that it
 * has not seen; the rest belongs to whoever holds a task, and to the caller between runs. */
typedef struct part {
  _Alignas(64) _Atomic uint64_t ticket;
  pv_task task;
  void *context;
  size_t first;
} part;

/* Each thread has a part of the tasks, neighbours, and when it is done it takes of others': what
 * tasks read lies side by side, and threads do not meet at every task. A run is over when its tasks
 * are, not when every worker has come and gone: one that the system has taken off its processor
 * keeps nobody waiting, unless it holds a task. */
struct pv_pool {
  unsigned threads;
  unsigned awake_max; /* workers, beside the caller, that have a processor of their own */
  worker *workers;    /* threads - 1 */
  part *parts;        /* threads */
  atomic_bool stop;
  atomic_uint sleepers;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  _Alignas(64) atomic_size_t done; /* tasks */
};

static size_t next_of(uint64_t ticket) {
  return ticket & TASKS_MAX;
}

static size_t end_of(uint64_t ticket) {
  return ticket >> TASK_BITS & TASKS_MAX;
}

static uint64_t run_of(uint64_t ticket) {
  return ticket >> 2 * TASK_BITS;
}

/* Until no task of the part is left; how many there were. */
static size_t work_on(part *t, unsigned thread) {
  size_t done = 0;
  uint64_t ticket = atomic_load_explicit(&t->ticket, memory_order_acquire);
  while (next_of(ticket) < end_of(ticket)) {
    if (!atomic_compare_exchange_weak_explicit(&t->ticket, &ticket, ticket + 1,
                                               memory_order_acq_rel, memory_order_acquire))
      continue;
    t->task(t->context, t->first + next_of(ticket), thread);
    done++;
    ticket = atomic_load_explicit(&t->ticket, memory_order_acquire);
  }
  return done;
}

/* Until no task is left. */
static void work(pv_pool *p, unsigned thread) {
  size_t done = 0;
  for (unsigned i = 0; i < p->threads; i++)
    done += work_on(&p->parts[(thread + i) % p->threads], thread);
  if (done > 0) atomic_fetch_add_explicit(&p->done, done, memory_order_release);
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Whether the worker's part is of another run than it has seen. */
static bool is_news(const worker *w, uint64_t seen) {
  pv_pool *p = w->pool;
  return run_of(atomic_load(&p->parts[w->index].ticket)) != seen || atomic_load(&p->stop);
}

/* Spins for a short while, since the next operation usually comes within microseconds. */
static void wait_for_work(const worker *w, uint64_t seen) {
  pv_pool *p = w->pool;
  for (int i = 0; i < SPINS; i++) {
    if (is_news(w, seen)) return;
    relax();
  }
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (!is_news(w, seen)) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *argument) {
  const worker *w = argument;
  pv_pool *p = w->pool;
  for (uint64_t seen = 0;;) {
    wait_for_work(w, seen);
    if (atomic_load(&p->stop)) return NULL;
    seen = run_of(atomic_load(&p->parts[w->index].ticket));
    work(p, w->index);
  }
}

/* Wakes workers until as many are awake as there are tasks and processors for. */
static void wake_for(pv_pool *p, size_t tasks) {
  const unsigned wanted = tasks - 1 < p->awake_max ? (unsigned)(tasks - 1) : p->awake_max;
  /* Written, though not changed: who is not counted yet sees its ticket before it falls asleep. */
  if (p->threads - 1 - atomic_fetch_add(&p->sleepers, 0) >= wanted) return;
  pthread_mutex_lock(&p->lock);
  for (unsigned awake = p->threads - 1 - atomic_load(&p->sleepers); awake < wanted; awake++)
    pthread_cond_signal(&p->wake);
  pthread_mutex_unlock(&p->lock);
}

static void run_some(pv_pool *p, const part *what, size_t count) {
  const uint64_t run = run_of(atomic_load(&p->parts[0].ticket)) + 1;
  atomic_store_explicit(&p->done, 0, memory_order_relaxed);
  for (uint64_t i = p->threads; i-- > 0;) {
    const uint64_t from = count * i / p->threads, to = count * (i + 1) / p->threads;
    part *t = &p->parts[i];
    t->task = what->task;
    t->context = what->context;
    t->first = what->first;
    atomic_store_explicit(&t->ticket, run << 2 * TASK_BITS | to << TASK_BITS | from,
                          memory_order_release);
  }
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
  for (part what = {.task = task, .context = context}; what.first < count; what.first += TASKS_MAX)
    run_some(pool, &what, count - what.first < TASKS_MAX ? count - what.first : TASKS_MAX);
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
  pv_pool *p = aligned_alloc(_Alignof(pv_pool), sizeof *p);
  if (p == NULL) return pv_error_nomem(err, "threads");
  *p = (pv_pool){0};
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  p->threads = 1;
  p->awake_max = (threads < all ? threads : all) - 1;
  p->workers = calloc(threads, sizeof *p->workers);
  p->parts = aligned_alloc(_Alignof(part), threads * sizeof *p->parts);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pv_code code = PV_OK;
  if (p->workers == NULL || p->parts == NULL) code = pv_error_nomem(err, "threads");
  for (unsigned i = 0; i < threads && code == PV_OK; i++) p->parts[i] = (part){0};
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
  free(pool->parts);
  free(pool);
}

unsigned pv_pool_threads(const pv_pool *pool) {
  return pool->threads;
}
