/* The definition of the fixed-point and f32-f64acc identities as a program: written to be read next
 * to kernels/arith/act.h, without planes, tiles or vectors. It gives the bits of the other kernels
 * (a test holds it to that) and is far slower. */
#ifndef PV_DEFINITION_DEFINITION_H
#define PV_DEFINITION_DEFINITION_H

#include "kernels/cpu/cpu.h"

/* `mm` rounds `acts[t].x` itself and reads nothing else of pv_act; `round` is NULL. */
extern const pv_cpu_path pv_definition;

/* The definition's kernels, with the members of `replaced` that are not NULL; NULL: none. */
pv_cpu_path pv_definition_with(const pv_cpu_path *replaced);

/* Parts that a planted defect is built from. */
float pv_definition_fold(const float *v, size_t n);
/* What the fold of a row adds: the values of the blocks of a quantised row, and how many. */
size_t pv_definition_blocks(const pv_mm *mm, const unsigned char *row, const float *x,
                            float *value);

#endif
