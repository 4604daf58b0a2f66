#include "runtime/sampler/sampler.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/random.h"

typedef struct candidate {
  float logit;
  uint32_t index;
} candidate;

struct pv_sampler {
  pv_sampler_settings settings;
  size_t vocabulary;
  uint64_t state;
  candidate *heap; /* vocabulary; the first candidate in order at its root */
  candidate *kept; /* vocabulary; taken from the heap, in order */
  double *weight;  /* of kept */
};

/* x = k ln2 + r with |r| <= ln2 / 2 (ln2 in two parts, the first with 21 trailing zeros, so that
 * k * first is exact), exp(r) by its Taylor series: the first term left out, r^14 / 14!, is below
 * 5e-18. k lies in [-1022, 0], so 2^k is a normal number and the last product is exact. */
double pv_sampler_exp(double x) {
  if (!(x >= -708.0)) return 0.0;
  if (x > 0.0) x = 0.0;
  const double shift = 0x1.8p52;
  const double k = (x * 0x1.71547652b82fep0 + shift) - shift;
  const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * (r * r) + r + 1.0;
  const uint64_t bits = (uint64_t)(int64_t)(k + 1023.0) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return sum * power;
}

pv_code pv_sampler_greedy(const float *logits, size_t count, uint32_t *index, pv_error *err) {
  if (count == 0 || count > UINT32_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "%zu logits to choose from", count);
  size_t best = 0;
  for (size_t i = 0; i < count; i++) {
    if (logits[i] != logits[i])
      return pv_error_set(err, PV_ERR_INPUT, "logit %zu of %zu is NaN", i, count);
    if (logits[i] > logits[best]) best = i;
  }
  *index = (uint32_t)best;
  return PV_OK;
}

static pv_code check_settings(const pv_sampler_settings *settings, size_t vocabulary,
                              pv_error *err) {
  pv_code code = PV_OK;
  const double t = settings->temperature, p = settings->top_p;
  if (!(t == 0.0 || (t >= 1e-3 && t <= 1e3))) {
    code = pv_error_set(err, PV_ERR_INPUT, "the temperature is %g", t);
    pv_error_hint(err, "give 0 for the most likely token, or a value from 0.001 to 1000");
  } else if (!(p > 0.0 && p <= 1.0)) {
    code = pv_error_set(err, PV_ERR_INPUT, "top-p is %g", p);
    pv_error_hint(err, "give a value above 0 and at most 1");
  } else if (vocabulary == 0 || vocabulary > UINT32_MAX) {
    code = pv_error_set(err, PV_ERR_INPUT, "%zu logits to choose from", vocabulary);
  }
  return code;
}

pv_code pv_sampler_open(const pv_sampler_settings *settings, size_t vocabulary, pv_sampler **out,
                        pv_error *err) {
  pv_code code = check_settings(settings, vocabulary, err);
  if (code != PV_OK) return code;
  pv_sampler *sampler = calloc(1, sizeof *sampler);
  if (sampler != NULL) {
    sampler->heap = calloc(vocabulary, sizeof *sampler->heap);
    sampler->kept = calloc(vocabulary, sizeof *sampler->kept);
    sampler->weight = calloc(vocabulary, sizeof *sampler->weight);
  }
  if (sampler == NULL || sampler->heap == NULL || sampler->kept == NULL ||
      sampler->weight == NULL) {
    pv_sampler_close(sampler);
    return pv_error_set(err, PV_ERR_NOMEM, "no memory to sample from %zu logits", vocabulary);
  }
  sampler->settings = *settings;
  sampler->vocabulary = vocabulary;
  sampler->state = settings->seed;
  *out = sampler;
  return PV_OK;
}

void pv_sampler_close(pv_sampler *sampler) {
  if (sampler == NULL) return;
  free(sampler->heap);
  free(sampler->kept);
  free(sampler->weight);
  free(sampler);
}

static bool before(const candidate *a, const candidate *b) {
  return a->logit != b->logit ? a->logit > b->logit : a->index < b->index;
}

static void sift(candidate *heap, size_t count, size_t at) {
  const candidate moved = heap[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &moved)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
}

static void fill_heap(pv_sampler *sampler, const float *logits) {
  const size_t count = sampler->vocabulary;
  for (size_t i = 0; i < count; i++) sampler->heap[i] = (candidate){logits[i], (uint32_t)i};
  for (size_t i = count / 2; i-- > 0;) sift(sampler->heap, count, i);
}

static double weigh(const pv_sampler *sampler, float logit, float largest) {
  const double below = (double)logit - (double)largest;
  return pv_sampler_exp(below / sampler->settings.temperature);
}

/* Keeps the next candidate in order as number `n`; returns its weight. */
static double keep_next(pv_sampler *sampler, size_t n, float largest) {
  const size_t left = sampler->vocabulary - n - 1;
  sampler->kept[n] = sampler->heap[0];
  sampler->heap[0] = sampler->heap[left];
  if (left > 0) sift(sampler->heap, left, 0);
  return sampler->weight[n] = weigh(sampler, sampler->kept[n].logit, largest);
}

/* Fills kept and weight; returns how many are kept and the sum of their weights. Candidates leave
 * the heap only as far as they are needed: top-p alone seldom needs more than a few hundred. */
static size_t keep(pv_sampler *sampler, const float *logits, float largest, double *sum) {
  const double top_p = sampler->settings.top_p;
  const size_t all = sampler->vocabulary, top_k = sampler->settings.top_k;
  const size_t limit = top_k > 0 && top_k < all ? top_k : all;
  size_t taken = 0, count = 0;
  double total = 0.0;
  if (limit == all) {
    for (size_t i = 0; i < all; i++) {
      sampler->kept[i] = (candidate){logits[i], (uint32_t)i};
      total += sampler->weight[i] = weigh(sampler, logits[i], largest);
    }
    count = all;
  }
  if (limit < all || top_p < 1.0) fill_heap(sampler, logits);
  if (limit < all) {
    while (taken < limit) total += keep_next(sampler, taken++, largest);
    count = limit;
  }
  if (top_p < 1.0) {
    const double enough = top_p * total;
    total = 0.0;
    for (count = 0; count < limit && (count == 0 || total < enough); count++) {
      if (count == taken) (void)keep_next(sampler, taken++, largest);
      total += sampler->weight[count];
    }
  }
  *sum = total;
  return count;
}

pv_code pv_sampler_draw(pv_sampler *sampler, const float *logits, uint32_t *index, pv_error *err) {
  uint32_t best = 0;
  const pv_code code = pv_sampler_greedy(logits, sampler->vocabulary, &best, err);
  if (code != PV_OK) return code;
  if (sampler->settings.temperature == 0.0) {
    *index = best;
    return PV_OK;
  }
  const float largest = logits[best];
  if (largest - largest != 0.0f)
    return pv_error_set(err, PV_ERR_INPUT, "the largest logit, number %u of %zu, is infinite", best,
                        sampler->vocabulary);
  double sum;
  const size_t count = keep(sampler, logits, largest, &sum);
  const double u = pv_random_unit(&sampler->state);
  const double goal = u * sum;
  /* u <= 1 - 2^-53, so goal < sum, and `reached` ends at exactly `sum`, the same additions: some
   * candidate takes it from at most `goal` to above, and that one has a weight above 0. */
  double reached = 0.0;
  uint32_t chosen = best;
  for (size_t i = 0; i < count; i++) {
    chosen = sampler->kept[i].index;
    reached += sampler->weight[i];
    if (reached > goal) break;
  }
  *index = chosen;
  return PV_OK;
}
