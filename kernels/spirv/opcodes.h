/* What an instruction does with floats. */
#ifndef PV_SPIRV_OPCODES_H
#define PV_SPIRV_OPCODES_H

#include <stdint.h>

typedef enum pv_spirv_kind {
  PV_SPIRV_NEUTRAL,   /* moves, compares or converts; integers */
  PV_SPIRV_ROUNDED,   /* rounds once each number: exact where it is not contracted */
  PV_SPIRV_QUOTIENT,  /* 2.5 ulp by the specification, or worse */
  PV_SPIRV_UNORDERED, /* a sum in an order that nobody states */
  PV_SPIRV_APPROXIMATE,
  PV_SPIRV_ATOMIC,     /* of floats: their order is that of a race */
  PV_SPIRV_EXTENDED,   /* of an imported set */
  PV_SPIRV_SPECIALISED /* another instruction, over constants */
} pv_spirv_kind;

typedef struct pv_spirv_opcode {
  uint16_t number;
  const char *name; /* "OpFAdd" */
  pv_spirv_kind kind;
} pv_spirv_opcode;

/* NULL: it is not understood. */
const pv_spirv_opcode *pv_spirv_opcode_find(uint16_t number);

#endif
