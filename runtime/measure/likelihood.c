#include "runtime/measure/likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double pv_likelihood_fractions[PV_LIKELIHOOD_QUANTILES] = {
    0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0};

size_t pv_likeliest(const double *row, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

bool pv_log_softmax(double *row, size_t count, size_t *odd) {
  double sum = 0.0;
  size_t at = 0;
  while (at < count && isfinite(row[at])) at++;
  if (count == 0 || at < count) {
    *odd = at;
    return false;
  }
  const double largest = row[pv_likeliest(row, count)];
  for (size_t i = 0; i < count; i++) sum += exp(row[i] - largest);
  const double log_sum = log(sum);
  for (size_t i = 0; i < count; i++) row[i] = row[i] - largest - log_sum;
  return true;
}

double pv_divergence(const double *base, const double *side, size_t count, double least) {
  double sum = 0.0;
  for (size_t i = 0; i < count; i++)
    if (base[i] > least) sum += exp(base[i]) * (base[i] - side[i]);
  return sum;
}

static double sum_of(const double *values, size_t count) {
  double sum = 0.0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum;
}

/* Of the mean, from the sum of squares of what each value is away from it. */
static double error_of(double squares, size_t count) {
  const double n = (double)count;
  return count > 1 ? sqrt(squares / n / (n - 1.0)) : NAN;
}

pv_estimate pv_mean_of(const double *values, size_t count) {
  double squares = 0.0;
  if (count == 0) return (pv_estimate){NAN, NAN};
  const double mean = sum_of(values, count) / (double)count;
  for (size_t i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
  return (pv_estimate){mean, error_of(squares, count)};
}

pv_estimate pv_share_of(size_t part, size_t count) {
  if (count == 0) return (pv_estimate){NAN, NAN};
  const double share = (double)part / (double)count;
  const double n = (double)count;
  return (pv_estimate){share, count > 1 ? sqrt(share * (1.0 - share) / (n - 1.0)) : NAN};
}

pv_estimate pv_estimate_exp(pv_estimate of) {
  const double value = exp(of.value);
  return (pv_estimate){value, value * of.error};
}

/* Where all are zero the root has no slope, and the mean no error. */
pv_estimate pv_estimate_root(pv_estimate of) {
  const double root = sqrt(of.value);
  return (pv_estimate){root, of.error == 0.0 ? 0.0 : 0.5 / root * of.error};
}

double pv_correlation_of(const double *a, const double *b, size_t count) {
  const double mean_a = sum_of(a, count) / (double)count, mean_b = sum_of(b, count) / (double)count;
  double both = 0.0, square_a = 0.0, square_b = 0.0;
  for (size_t i = 0; i < count; i++) {
    both += (a[i] - mean_a) * (b[i] - mean_b);
    square_a += (a[i] - mean_a) * (a[i] - mean_a);
    square_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return square_a > 0.0 && square_b > 0.0 ? both / (sqrt(square_a) * sqrt(square_b)) : NAN;
}

double pv_quantile_of(const double *sorted, size_t count, double fraction) {
  if (count == 0) return NAN;
  const double place = fraction * (double)(count - 1);
  const size_t at = (size_t)place, next = at + 1 < count ? at + 1 : at;
  const double part = place - (double)at;
  return (1.0 - part) * sorted[at] + part * sorted[next];
}

bool pv_scores_make(size_t room, bool two, pv_scores *out) {
  *out = (pv_scores){.room = room, .nll = calloc(room, sizeof *out->nll)};
  bool made = out->nll != NULL;
  if (two) {
    out->base = calloc(room, sizeof *out->base);
    out->divergence = calloc(room, sizeof *out->divergence);
    out->difference = calloc(room, sizeof *out->difference);
    made &= out->base != NULL && out->divergence != NULL && out->difference != NULL;
  }
  if (!made) pv_scores_free(out);
  return made;
}

void pv_scores_free(pv_scores *scores) {
  free(scores->nll);
  free(scores->base);
  free(scores->divergence);
  free(scores->difference);
  *scores = (pv_scores){0};
}

void pv_scores_add(pv_scores *scores, const double *side, const double *base, size_t vocab,
                   size_t token, double least) {
  const size_t at = scores->count++;
  scores->nll[at] = -side[token];
  if (base == NULL) return;
  scores->base[at] = -base[token];
  scores->divergence[at] = pv_divergence(base, side, vocab, least);
  scores->difference[at] = exp(side[token]) - exp(base[token]);
  scores->same_top += pv_likeliest(side, vocab) == pv_likeliest(base, vocab);
}

static pv_fit fit_of(const double *nll, size_t count) {
  const pv_estimate mean = pv_mean_of(nll, count);
  return (pv_fit){mean, pv_estimate_exp(mean)};
}

pv_fit pv_scores_fit(const pv_scores *scores) {
  return fit_of(scores->nll, scores->count);
}

/* The two columns are of the same tokens, so what they have in common is in neither error. */
static void compare_perplexities(const pv_scores *s, const pv_fit *side, pv_cost *out) {
  const pv_fit *base = &out->base;
  double ratio = 0.0, excess = 0.0;
  out->log_ratio.value = side->nll.value - base->nll.value;
  out->excess.value = side->perplexity.value - base->perplexity.value;
  for (size_t i = 0; i < s->count; i++) {
    const double a = s->nll[i] - side->nll.value, b = s->base[i] - base->nll.value;
    const double apart = side->perplexity.value * a - base->perplexity.value * b;
    ratio += (a - b) * (a - b);
    excess += apart * apart;
  }
  out->log_ratio.error = error_of(ratio, s->count);
  out->excess.error = error_of(excess, s->count);
  out->ratio = pv_estimate_exp(out->log_ratio);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void quantiles(double *column, size_t count, double out[PV_LIKELIHOOD_QUANTILES]) {
  qsort(column, count, sizeof *column, ascending);
  for (int i = 0; i < PV_LIKELIHOOD_QUANTILES; i++)
    out[i] = pv_quantile_of(column, count, pv_likelihood_fractions[i]);
}

pv_cost pv_scores_cost(pv_scores *s) {
  const pv_fit side = pv_scores_fit(s);
  pv_cost out = {.base = fit_of(s->base, s->count),
                 .correlation = pv_correlation_of(s->nll, s->base, s->count),
                 .divergence = pv_mean_of(s->divergence, s->count),
                 .difference = pv_mean_of(s->difference, s->count),
                 .same_top = pv_share_of(s->same_top, s->count)};
  compare_perplexities(s, &side, &out);
  quantiles(s->divergence, s->count, out.divergence_at);
  quantiles(s->difference, s->count, out.difference_at);
  for (size_t i = 0; i < s->count; i++) s->difference[i] *= s->difference[i];
  out.rms = pv_estimate_root(pv_mean_of(s->difference, s->count));
  return out;
}
