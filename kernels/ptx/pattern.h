/* Patterns of instructions: "add.f64", ".ftz". See docs/ptx.md. */
#ifndef PV_PTX_PATTERN_H
#define PV_PTX_PATTERN_H

#include "kernels/ptx/ptx.h"

/* Owned by the arena. */
typedef struct pv_ptx_pattern {
  const char *text;
  const char *opcode;       /* NULL for a pattern that begins with a dot: any opcode */
  const char *const *parts; /* modifiers, in this order; others may stand between them */
  size_t part_count;
  pv_ptx_space space; /* of a pattern that is a state space alone: declarations match too */
} pv_ptx_pattern;

/* Every component must be a word that PTX knows: a misspelt pattern matches nothing and would
 * hold for ever. PV_ERR_INPUT with the nearest word as hint. */
pv_code pv_ptx_pattern_parse(pv_arena *arena, const char *text, size_t length, pv_ptx_pattern *out,
                             pv_error *err);

/* "shfl.sync.down.b32.5": a pattern and how often it occurs. */
pv_code pv_ptx_pattern_parse_count(pv_arena *arena, const char *text, pv_ptx_pattern *out,
                                   uint64_t *count, pv_error *err);

bool pv_ptx_matches(const pv_ptx_pattern *pattern, const pv_ptx_instruction *instruction);

#endif
