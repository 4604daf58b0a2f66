/* Distances that no NaN can hide in, and perturbations that depend on nothing but their place. */
#include <math.h>

#include "base/random.h"
#include "runtime/noise/parts.h"

static double largest(double a, double b) {
  if (isnan(b)) return INFINITY;
  return b > a ? b : a;
}

void pv_noise_widen(pv_noise_spread *spread, const pv_rows *exact, const pv_rows *side,
                    size_t row) {
  double scale = 0.0, worst = 0.0, xx = 0.0, yy = 0.0, apart = 0.0;
  for (size_t i = 0; i < exact->width; i++) {
    const double x = pv_rows_at(exact, row, i), y = pv_rows_at(side, row, i);
    scale = fmax(scale, fabs(x));
    worst = fmax(worst, fabs(x - y));
    xx += x * x;
    yy += y * y;
  }
  if (!isfinite(xx) || !isfinite(yy)) { /* an element that is not finite is in its square too */
    *spread = (pv_noise_spread){INFINITY, INFINITY};
    return;
  }
  if (worst == 0.0) return;
  /* Half the squared distance of the two unit vectors: 1 - cosine itself would cancel. */
  for (size_t i = 0; i < exact->width; i++) {
    const double d = pv_rows_at(exact, row, i) / sqrt(xx) - pv_rows_at(side, row, i) / sqrt(yy);
    apart += d * d;
  }
  spread->error = largest(spread->error, worst / scale);
  spread->angle = largest(spread->angle, apart / 2.0);
}

pv_code pv_noise_align(const pv_rows *exact, const pv_rows *side, const pv_rows chosen[2],
                       pv_rows *out, pv_error *err) {
  const size_t used = chosen[0].width, n = side->width / used;
  const pv_code code = pv_rows_convert(side, sizeof(double), out, err);
  if (code != PV_OK) return code;
  double *to = out->data;
  for (size_t p = 0; p < side->rows; p++)
    for (size_t rank = 0; rank < used; rank++) {
      size_t at = 0;
      while (at < used && pv_rows_at(&chosen[1], p, at) != pv_rows_at(&chosen[0], p, rank)) at++;
      for (size_t i = 0; i < n; i++)
        *to++ = at < used ? pv_rows_at(side, p, at * n + i) : pv_rows_at(exact, p, rank * n + i);
    }
  return PV_OK;
}

void pv_noise_route(pv_noise_routing *routing, const pv_rows exact[2], const pv_rows side[2],
                    size_t row) {
  double margin = pv_row_margin(&exact[0], &exact[1], row), shift = 0.0;
  for (size_t i = 0; i < exact[0].width; i++)
    shift = largest(shift, fabs(pv_rows_at(&exact[0], row, i) - pv_rows_at(&side[0], row, i)));
  if (isinf(shift)) margin = 0.0; /* among logits that are not finite there is none */
  const double ratio = shift > 0.0 ? margin / (2.0 * shift) : INFINITY;
  routing->sets++;
  routing->shift = largest(routing->shift, shift);
  routing->ratio = fmin(routing->ratio, ratio);
  if (!pv_same_set(&exact[1], &side[1], row))
    routing->changed++;
  else
    routing->margin = fmin(routing->margin, margin);
}

/* What was mixed so far and one number more. */
static uint64_t mix(uint64_t state, uint64_t with) {
  return pv_random_mix(state + with + PV_RANDOM_STEP);
}

void pv_noise_perturb(pv_rows *rows, const pv_noise_place *place, double amount) {
  uint64_t at = mix(mix(place->seed, place->repeat), place->prompt);
  at = mix(mix(at, (uint64_t)rows->stage), place->layer);
  double *element = rows->data;
  for (size_t r = 0; r < rows->rows; r++) {
    const uint64_t row = mix(at, place->position + r);
    for (size_t i = 0; i < rows->width; i++, element++) {
      const double unit = (double)(mix(row, i) >> 11) * 0x1p-52 - 1.0; /* [-1, 1) */
      *element += *element * (amount * unit);
    }
  }
}
