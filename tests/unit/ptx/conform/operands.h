/* Operands of the conformance kernels: what a letter of a signature stands for, the values at which
 * an instruction may go wrong, and random values that reach its other paths. */
#ifndef PV_TESTS_CONFORM_OPERANDS_H
#define PV_TESTS_CONFORM_OPERANDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct pv_conform_type {
  char letter;           /* in a signature; in upper case: an immediate */
  const char *about;     /* "float32" */
  const char *reg;       /* "f32": the type of its register */
  const char *access;    /* "f32": of ld and st */
  unsigned digits;       /* hexadecimal, of an answer */
  const uint64_t *edges; /* those that matter most first */
  size_t edge_count;
  const char *const *immediates; /* CONFORM_IMMEDIATES of them, or NULL */
} pv_conform_type;

enum { CONFORM_IMMEDIATES = 8 };

/* Either case; NULL when no type has that letter. */
const pv_conform_type *pv_conform_type_of(char letter);

/* Hexadecimal digits of a result; of '_', which has no type, 16. */
unsigned pv_conform_digits(char letter);

/* A sequence that depends on its seed alone (splitmix64). */
uint64_t pv_conform_next(uint64_t *state);

/* A value for the register, in its low bits. */
uint64_t pv_conform_random(const pv_conform_type *type, uint64_t *state);

#endif
