/* Instructions that work on each lane alone. Each is a row: opcode, operands, function. The rows
 * are compiled twice, for any processor and for AVX2. Private to the machine. */
#ifndef PV_PTX_ALU_H
#define PV_PTX_ALU_H

#include "kernels/ptx/step.h"

typedef struct pv_ptx_alu {
  const char *opcode; /* in full: "add.rn.f32" */
  /* One letter for each operand, the result first: n narrow, w wide, p predicate, i a constant that
   * goes to step->offset. */
  const char *operands;
  pv_ptx_run run;
} pv_ptx_alu;

extern const pv_ptx_alu pv_ptx_alu_any[], pv_ptx_alu_avx2[];
extern const size_t pv_ptx_alu_count; /* rows of each */

/* The row of an instruction whose operands are of these kinds, or NULL; `*known` says whether the
 * opcode has a row at all. i stands for an integer constant, ? for what has no size of its own. */
const pv_ptx_alu *pv_ptx_alu_find(const char *opcode, const char *operands, bool *known);

/* Row `index` in the order of opcodes, NULL past the end. */
const pv_ptx_alu *pv_ptx_alu_at(size_t index);

#endif
