/* How well what was predicted fits what came, and how far two predictions of the same are apart:
 * perplexity and Kullback-Leibler divergence, as docs/perplexity.md defines them. Everything is
 * float64 and in natural logarithms. */
#ifndef PV_MEASURE_LIKELIHOOD_H
#define PV_MEASURE_LIKELIHOOD_H

#include <stdbool.h>
#include <stddef.h>

/* A row of logits becomes log-probabilities, in place: x - ln(sum of exp(x)). False when an element
 * is not finite, or there is none: `*odd` is the first such element, and the row is as it was. */
bool pv_log_softmax(double *row, size_t count, size_t *odd);
/* The largest of the row; of equals the first. Of none it is 0. */
size_t pv_likeliest(const double *row, size_t count);
/* D(base || side), of rows of log-probabilities: the sum of p_base (ln p_base - ln p_side) over the
 * elements of `base` above `least` (-INFINITY: all). Never negative but for rounding. */
double pv_divergence(const double *base, const double *side, size_t count, double least);

/* A mean, or what is made of one, and its standard error; NaN: there is none. */
typedef struct pv_estimate {
  double value, error;
} pv_estimate;
/* The mean of `count` values; its error is that of independent ones, and needs two. */
pv_estimate pv_mean_of(const double *values, size_t count);
/* The share of `count` that `part` is. */
pv_estimate pv_share_of(size_t part, size_t count);
/* exp, and the square root, of an estimate: errors are carried on to first order. */
pv_estimate pv_estimate_exp(pv_estimate of);
pv_estimate pv_estimate_root(pv_estimate of);
/* Pearson's correlation of two columns; NaN where one of them does not vary. */
double pv_correlation_of(const double *a, const double *b, size_t count);
/* Of ascending values: between the two nearest in proportion, so that 0 is the least, 0.5 the
 * median and 1 the most. NaN of none. */
double pv_quantile_of(const double *sorted, size_t count, double fraction);

/* What was measured at each scored token, by column: a token costs 32 bytes, the vocabulary none.
 */
typedef struct pv_scores {
  double *nll;                     /* -ln of the probability of the token that came; owned */
  double *base;                    /* the same of the base; NULL: there is no base */
  double *divergence, *difference; /* D(base || side), and p_side - p_base of that token */
  size_t count, room, same_top;
} pv_scores;
/* Room for exactly `room` tokens; `two`: beside a base. False when memory is out. */
bool pv_scores_make(size_t room, bool two, pv_scores *out);
void pv_scores_free(pv_scores *scores);
/* One more token, which must have room, from rows of log-probabilities. `base` NULL: there is none;
 * `least` as of pv_divergence. */
void pv_scores_add(pv_scores *scores, const double *side, const double *base, size_t vocab,
                   size_t token, double least);

#define PV_LIKELIHOOD_QUANTILES 13
extern const double pv_likelihood_fractions[PV_LIKELIHOOD_QUANTILES]; /* ascending, 0 to 1 */

typedef struct pv_fit {
  pv_estimate nll, perplexity;
} pv_fit;
/* A side beside its base. */
typedef struct pv_cost {
  pv_fit base;
  double correlation; /* of the two columns of -ln p */
  pv_estimate log_ratio, ratio,
      excess; /* of the perplexities: ln(side / base), side / base, side - base */
  pv_estimate divergence, difference, rms; /* means over the tokens; rms: of the differences */
  pv_estimate same_top;
  double divergence_at[PV_LIKELIHOOD_QUANTILES], difference_at[PV_LIKELIHOOD_QUANTILES];
} pv_cost;
pv_fit pv_scores_fit(const pv_scores *scores);
/* Of scores with a base. The columns of divergence and difference are used up. */
pv_cost pv_scores_cost(pv_scores *scores);

#endif
