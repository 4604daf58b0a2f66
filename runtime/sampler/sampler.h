/* Choosing the next token from logits: greedily, or at random from a seed.
 *
 * Everything is computed in double with an exp of our own and the generator pv_random_next, in an
 * order that is written down here, so that equal logits, settings and seed give the same tokens on
 * any machine.
 *
 *   1. Candidates are ordered by logit descending, then index ascending.
 *   2. weight(i) = exp((logit(i) - largest) / temperature).
 *   3. top_k keeps the first k candidates (0: all).
 *   4. top_p keeps the shortest prefix of those whose weights sum to at least top_p of the sum of
 *      step 3 (1: all). At least one candidate always stays.
 *   5. u = (next >> 11) * 2^-53 from the generator, exactly one number a draw; chosen is the first
 *      candidate whose cumulative weight exceeds u * (sum of the kept weights).
 *
 * Sums run over the candidates in their order, but over all logits in the order of the indices
 * (the sum of step 3 without top_k; step 5 without top_k and top_p), which needs no sorting. A
 * logit of -infinity has weight 0. */
#ifndef PV_SAMPLER_SAMPLER_H
#define PV_SAMPLER_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The largest logit's index, the lowest of equals. NaN anywhere or `count` 0 is PV_ERR_INPUT;
 * infinities are ordered as usual. */
pv_code pv_sampler_greedy(const float *logits, size_t count, uint32_t *index, pv_error *err);

typedef struct pv_sampler_settings {
  double temperature; /* 0: greedy, no random number is used; else 1e-3 to 1e3 */
  uint32_t top_k;     /* 0: all */
  double top_p;       /* above 0, at most 1 */
  uint64_t seed;      /* any value */
} pv_sampler_settings;
#define PV_SAMPLER_DEFAULTS ((pv_sampler_settings){.temperature = 1.0, .top_p = 1.0})

typedef struct pv_sampler pv_sampler;

/* `vocabulary`: the number of logits that every draw gets. Settings out of range are PV_ERR_INPUT,
 * naming the setting. */
pv_code pv_sampler_open(const pv_sampler_settings *settings, size_t vocabulary, pv_sampler **out,
                        pv_error *err);
void pv_sampler_close(pv_sampler *sampler); /* NULL is allowed */

/* One draw. NaN, +infinity or nothing above -infinity among the logits is PV_ERR_INPUT; then no
 * random number was used. With temperature 0: as pv_sampler_greedy. */
pv_code pv_sampler_draw(pv_sampler *sampler, const float *logits, uint32_t *index, pv_error *err);

/* exp(x) for x <= 0 in double, within 1.5 ulp, by + - * alone; 0 below -708 and for NaN. */
double pv_sampler_exp(double x);

#endif
