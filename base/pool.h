/* A pool of threads that share numbered tasks. Which thread runs which task never changes a
 * result: every task writes its own outputs. */
#ifndef PV_BASE_POOL_H
#define PV_BASE_POOL_H

#include <stddef.h>

#include "base/error.h"

typedef struct pv_pool pv_pool;
typedef void (*pv_task)(void *context, size_t task, unsigned thread);

/* `threads` includes the caller; 0 is one per processor the process may use. */
pv_code pv_pool_open(unsigned threads, pv_pool **out, pv_error *err);
void pv_pool_close(pv_pool *pool);
unsigned pv_pool_threads(const pv_pool *pool);

/* Runs task 0 .. count - 1 and returns when all are done. Not reentrant. */
void pv_pool_run(pv_pool *pool, pv_task task, void *context, size_t count);

#endif
