/* The instructions that the conformance suite runs. One form is one opcode with one kind of
 * operands; docs/ptx.md has the table that is made of this one. */
#ifndef PV_TESTS_CONFORM_FORMS_H
#define PV_TESTS_CONFORM_FORMS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pv_conform_form {
  const char *opcode;
  /* Results, '=', operands, a letter each: see operands.h. "_" as the only result: `text` stores
   * 64 bits at [%ao] itself. */
  const char *signature;
  /* NULL: the opcode with these operands, once for each immediate. Otherwise statements; they find
   * the operands in %i0, %i1, ... and leave the results in %o0, %o1, ... They also have %t (the
   * thread of the block), %ai and %ao (the 64-bit addresses of this thread's operands and results,
   * 8 bytes each, the first a multiple of 16), `scratch` (shared), %s (.b32, the address of this
   * thread's 16 bytes there, from 64 on), %near and %far (the same of a thread of this warp and of
   * one of another), %p and the parameter `blob` (40 bytes). */
  const char *text;
  const char *tag; /* tells forms with equal opcode and signature apart; or NULL */
} pv_conform_form;

/* All of them; NULL past the end. */
const pv_conform_form *pv_conform_form_at(size_t index);

/* Whether a device was asked about it: the newest forms wait for that. */
bool pv_conform_form_is_answered(const pv_conform_form *form);

/* Parts of that list: loads, stores and addresses; several threads, and control flow; what no
 * kernel uses; atomics and barriers; small floats; f32 in other modes; rare integer forms;
 * matrices. */
extern const pv_conform_form pv_conform_memory[], pv_conform_warp[], pv_conform_spare[],
    pv_conform_atomic[], pv_conform_atomic_f64[], pv_conform_half[], pv_conform_single[],
    pv_conform_packed[], pv_conform_matrix[];
extern const size_t pv_conform_memory_count, pv_conform_warp_count, pv_conform_spare_count,
    pv_conform_atomic_count, pv_conform_atomic_f64_count, pv_conform_half_count,
    pv_conform_single_count, pv_conform_packed_count, pv_conform_matrix_count;

#endif
