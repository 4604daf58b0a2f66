/* The block formats, written a second time. */
#ifndef PV_CHECKS_FORMATS_H
#define PV_CHECKS_FORMATS_H

#include <stddef.h>

#include "kernels/quant/quant.h"

/* Weight i of a block. A NaN for a type that is not described here. */
double pv_format_weight(pv_type type, const unsigned char *block, size_t i);

#endif
