/* SPIR-V as a stream of words, and what is asserted about the floats in it: that a driver has no
 * choice.
 *
 *   no_contraction    each float operation, of 32 bits or 64, is decorated NoContraction
 *   no_fma            none is fused, by Fma or anything like it: arith.glsl has the chosen form
 *   chosen_form       no division and no square root is the device's, which may be 2.5 ulp off
 *   no_approximation  no exp, sin, mix, remainder, ...
 *   stated_order      no dot product, no product of matrices, no sum over a subgroup
 *   no_float_atomics
 *   no_relaxed        nothing is decorated RelaxedPrecision
 *   modes             no mode or decoration flushes subnormals, rounds otherwise or is fast
 *   known             a shader, of which each instruction is one of opcodes.c
 *
 * The reader takes any bytes: what is no SPIR-V is refused at a byte. */
#ifndef PV_SPIRV_SPIRV_H
#define PV_SPIRV_SPIRV_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define PV_SPIRV_LIMIT ((size_t)16 << 20) /* bytes */

typedef struct pv_spirv_finding { /* texts are in the arena, and may hold any bytes of a name */
  const char *rule;
  size_t byte;          /* of the instruction */
  const char *function; /* "divided(f1;f1;"; NULL: outside of one, or without a name */
  const char *text;     /* "OpFMul %27 is not decorated NoContraction" */
} pv_spirv_finding;

typedef struct pv_spirv_report {
  pv_spirv_finding *findings; /* what is against it: of decorations and modes, then of code */
  size_t count, capacity;
  size_t instructions, float_operations; /* looked at */
} pv_spirv_report;

/* The names of the rules; NULL ends them. */
extern const char *const pv_spirv_rules[];

/* `*out` begins empty. PV_ERR_INPUT with a byte: no SPIR-V, cut off, an id out of bounds, no
 * compute shader; PV_ERR_LIMIT; PV_ERR_UNSUPPORTED: of the other byte order, or a version
 * after 1.6. */
pv_code pv_spirv_check(pv_arena *arena, const void *bytes, size_t length, pv_spirv_report *out,
                       pv_error *err);

#endif
