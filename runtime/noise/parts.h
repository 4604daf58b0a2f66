/* Inside the room. */
#ifndef PV_NOISE_PARTS_H
#define PV_NOISE_PARTS_H

#include "runtime/noise/noise.h"

/* Widens `spread` by the distance of one row. */
void pv_noise_widen(pv_noise_spread *spread, const pv_rows *exact, const pv_rows *side, size_t row);

/* Rows of an experts' stage in the order of the arbiter's experts, in float64. `exact` and `side`
 * were made for the experts `chosen[0]` and `chosen[1]`; where the side lacks one, `exact` stands
 * in: another expert's output is no rounding, and the changed set is counted. */
pv_code pv_noise_align(const pv_rows *exact, const pv_rows *side, const pv_rows chosen[2],
                       pv_rows *out, pv_error *err);

/* Widens `routing` by the choices of one row: router logits and expert indices. */
void pv_noise_route(pv_noise_routing *routing, const pv_rows exact[2], const pv_rows side[2],
                    size_t row);

/* Where a perturbed element stands, but for its index. */
typedef struct pv_noise_place {
  uint64_t seed, repeat, prompt;
  uint32_t layer;
  size_t position; /* of row 0 */
} pv_noise_place;
/* Changes each element of float64 rows by at most `amount` of itself. */
void pv_noise_perturb(pv_rows *rows, const pv_noise_place *place, double amount);

#endif
