/* What an entry takes, and a launch held against it. */
#ifndef PV_GUEST_SIGNATURE_H
#define PV_GUEST_SIGNATURE_H

#include "runtime/guest/descriptor.h"

typedef struct pv_guest_slot {
  uint32_t bytes, align;
  pv_ptx_type type; /* PV_PTX_NO_TYPE: an array of bytes, or not known (machine code) */
} pv_guest_slot;

typedef struct pv_guest_signature {
  pv_guest_slot slots[PV_GUEST_PARAMETERS];
  size_t count;
  uint32_t required[3], most[3]; /* .reqntid, .maxntid; 0: not said */
  uint64_t shared;               /* bytes that the entry declares itself */
  uint32_t line;                 /* of the entry in the PTX, or 0 */
} pv_guest_signature;

/* Of an entry of PTX. PV_ERR_INPUT: the text is none, or has no such entry (the nearest is named);
 * PV_ERR_UNSUPPORTED: the entry is not understood, with its line. */
pv_code pv_guest_signature_of(const pv_ptx_module *module, const pv_guest_launch *launch,
                              const pv_ptx_function **entry, pv_guest_signature *out,
                              pv_error *err);

/* Number, size and alignment of the parameters: PV_ERR_INPUT at the one that does not fit. */
pv_code pv_guest_signature_check(const pv_guest_launch *launch, const pv_guest_signature *s,
                                 pv_error *err);

/* Grid, block and dynamic shared memory of one case, within what CUDA and the entry allow. */
typedef struct pv_guest_shape {
  uint32_t grid[3], block[3], shared;
} pv_guest_shape;
pv_code pv_guest_shape_of(const pv_guest_launch *launch, const pv_guest_signature *s,
                          const pv_guest_value *values, pv_guest_shape *out, pv_error *err);

/* The bytes of parameter `at`, `s->slots[at].bytes` of them. `addresses` of PV_GUEST_BUFFERS. */
pv_code pv_guest_argument(const pv_guest_launch *launch, const pv_guest_signature *s, size_t at,
                          const pv_guest_value *values, const uint64_t *addresses,
                          unsigned char *out, pv_error *err);

#endif
