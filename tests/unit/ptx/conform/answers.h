/* What somebody answered, as text: one section for each kernel, edge cases in full, the rest as
 * digests. Two files are equal where the answers are.
 *
 *   kernel add.rn.f32:f=ff edges 196 cases 3072 of 1a2b3c4d5e6f
 *   00000000 7fffffff ...         the results of a case, joined by commas; 3*1: three such cases
 *   = 0123456789ab ...            SHA-256 of each eighth of the rest, its first 12 digits
 *
 * `of` digests the PTX and all operands: a kernel that was changed has no answers any more. */
#ifndef PV_TESTS_CONFORM_ANSWERS_H
#define PV_TESTS_CONFORM_ANSWERS_H

#include <stdbool.h>

#include "tests/unit/ptx/conform/kernel.h"

/* Appends the section of `kernel`; `out` holds [cases][out_slots]. */
pv_code pv_conform_answers_add(pv_text *to, const pv_conform_kernel *kernel, const uint64_t *out,
                               pv_error *err);

/* Compares with the section in `file`, a NUL-terminated text. `*different` counts the edge cases
 * and the digests that differ; `report` gets lines with the operands, what is expected and what
 * came, of the first ones. PV_ERR_INPUT when the file has no answers of exactly this kernel. */
pv_code pv_conform_answers_check(const char *file, const pv_conform_kernel *kernel,
                                 const uint64_t *out, size_t *different, pv_text *report,
                                 pv_error *err);

#endif
