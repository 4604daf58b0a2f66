/* Facts about this machine and this build, for evidence. */
#ifndef PV_PROBE_ENVIRONMENT_H
#define PV_PROBE_ENVIRONMENT_H

#include <jansson.h>
#include <stdint.h>

/* Name -> text. New reference; NULL when memory is out. `threads` is what the run uses, `memory`
 * the bytes that a side may hold, 0: what there is. */
json_t *pv_environment(unsigned threads, uint64_t memory);
/* Identity name -> identity string. */
json_t *pv_environment_numerics(void);

#endif
