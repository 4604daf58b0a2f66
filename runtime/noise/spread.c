/* Distances that no NaN can hide in, and perturbations that depend on nothing but their place. */
#include <math.h>

#include "base/random.h"
#include "runtime/noise/parts.h"

void pv_noise_widen(pv_noise_spread *spread, const pv_rows *exact, const pv_rows *side,
                    size_t row) {
  const pv_distance d = pv_rows_distance(exact, side, row);
  pv_keep_largest(&spread->error, pv_distance_error(&d));
  pv_keep_largest(&spread->angle,
                  pv_distance_angle(&d, pv_rows_vector(exact, row), pv_rows_vector(side, row)));
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
  const pv_distance apart = pv_rows_distance(&exact[0], &side[0], row);
  const double shift = pv_distance_largest(&apart);
  double margin = pv_set_margin(pv_rows_vector(&exact[0], row), pv_rows_vector(&exact[1], row));
  if (isinf(shift)) margin = 0.0; /* among logits that are not finite there is none */
  const double ratio = shift > 0.0 ? margin / (2.0 * shift) : INFINITY;
  routing->sets++;
  pv_keep_largest(&routing->shift, shift);
  routing->ratio = fmin(routing->ratio, ratio);
  if (!pv_rows_same_set(&exact[1], &side[1], row))
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
