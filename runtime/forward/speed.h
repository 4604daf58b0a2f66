/* How fast a forward is: the one loop of pv bench and of the checks of throughput. What is measured
 * is the work, so the tokens are any, but not all the same, so that experts vary. */
#ifndef PV_FORWARD_SPEED_H
#define PV_FORWARD_SPEED_H

#include "runtime/forward/forward.h"

/* At most PV_SPEED_BATCH positions at once, and no more than the forward was opened for. */
enum { PV_SPEED_BATCH = 2048 };
typedef struct pv_speed {
  pv_forward *forward;
  const pv_model *model; /* the forward's */
  size_t batch;
} pv_speed;

/* The ids that are run next until `end` positions are in the cache; how many, 0 when they are. */
size_t pv_speed_ids(const pv_speed *s, size_t end, uint32_t ids[PV_SPEED_BATCH]);

/* Runs positions until `end` of them are in the cache; logits for none. */
pv_code pv_speed_fill(const pv_speed *s, size_t end, pv_error *err);

/* Tokens per second of a prompt, until its top token is on the host. */
pv_code pv_speed_prefill(const pv_speed *s, size_t tokens, double *rate, pv_error *err);

/* Decodes `*id`; the next one is known when it is on the host. `spent` (seconds) may be NULL. */
pv_code pv_speed_token(const pv_speed *s, uint32_t *id, double *spent, pv_error *err);

/* Decodes behind the first `context` positions, which are in the cache, one token and then `tokens`
 * more, of which `rate` is told in tokens per second. Each is done when its id is on the host.
 * `first` (seconds of the one before) and `each` (seconds, `tokens` of them) may be NULL. */
pv_code pv_speed_decode(const pv_speed *s, size_t context, size_t tokens, double *rate,
                        double *first, double *each, pv_error *err);

#endif
