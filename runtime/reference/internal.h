/* What the readers and makers of prompts share. */
#ifndef PV_REFERENCE_INTERNAL_H
#define PV_REFERENCE_INTERNAL_H

#include "base/arena.h"
#include "runtime/reference/reference.h"

struct pv_reference {
  pv_arena arena; /* owns what the prompts point to */
  pv_reference_prompt *prompts;
  size_t count;
};

#endif
