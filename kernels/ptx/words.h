/* The words of PTX that the reader knows: opcodes, their modifiers, special registers. */
#ifndef PV_PTX_WORDS_H
#define PV_PTX_WORDS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pv_ptx_opcode {
  const char *name;
  unsigned char least, most; /* operands */
  bool writes;               /* operand 0 is a result when it is a register, a vector or a pair */
} pv_ptx_opcode;

/* NULL when there is no such word. `length` bytes, not NUL-terminated. */
const pv_ptx_opcode *pv_ptx_opcode_find(const char *name, size_t length);
const char *pv_ptx_modifier_find(const char *name, size_t length);
const char *pv_ptx_special_find(const char *name, size_t length);

/* The word nearest to `name` for "did you mean"; NULL when nothing is near. */
const char *pv_ptx_opcode_nearest(const char *name);
const char *pv_ptx_modifier_nearest(const char *name);

/* For a test that holds the tables in order; NULL past the end. */
const char *pv_ptx_opcode_at(size_t index);
const char *pv_ptx_modifier_at(size_t index);
const char *pv_ptx_special_at(size_t index);

#endif
