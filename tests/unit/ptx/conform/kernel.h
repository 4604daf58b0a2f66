/* A form as a kernel: its PTX, and operands for each of its threads. One thread is one case. */
#ifndef PV_TESTS_CONFORM_KERNEL_H
#define PV_TESTS_CONFORM_KERNEL_H

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "tests/unit/ptx/conform/forms.h"

enum { CONFORM_BLOCK = 128, CONFORM_SLOTS = 16, CONFORM_BLOB = 40 };

typedef struct pv_conform_kernel {
  const pv_conform_form *form;
  char name[128];  /* "add.rn.f32:f=ff", unique */
  char entry[128]; /* the same as a PTX name */
  pv_text text;
  char operands[CONFORM_SLOTS + 1], results[CONFORM_SLOTS + 1]; /* a letter for each slot */
  size_t in_slots, out_slots; /* of 8 bytes, in a case: operands and results with padding */
  size_t edge_cases;          /* the first ones: operands from the lists of edges */
  size_t cases;               /* all of them: a multiple of CONFORM_BLOCK */
  uint64_t *in;               /* [cases][in_slots] */
} pv_conform_kernel;

/* What the parameter `blob` holds. */
extern const uint32_t pv_conform_blob[CONFORM_BLOB / 4];

/* Free with pv_conform_kernel_free, after an error too. */
pv_code pv_conform_kernel_make(const pv_conform_form *form, pv_conform_kernel *out, pv_error *err);
void pv_conform_kernel_free(pv_conform_kernel *kernel);

#endif
