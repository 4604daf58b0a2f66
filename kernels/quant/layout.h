/* The numbers of tensor types and the layouts of their blocks, as in GGUF files: the same for the
 * host and for the device. */
#ifndef PV_QUANT_LAYOUT_H
#define PV_QUANT_LAYOUT_H

#include "kernels/quant/list.h"

/* Numbers as stored in a GGUF file. Only these are computed with. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)     PV_TYPE_##NAME = (number),
#define PV_TYPE_ROW(NAME, name, number, ...) PV_TYPE_##NAME = (number),
typedef enum pv_type {
#include "kernels/quant/list.h"
} pv_type;

/* Their rows in pv_type_table. */
#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number) PV_ROW_##NAME,
#define PV_TYPE_ROW(NAME, ...)           PV_ROW_##NAME,
enum {
#include "kernels/quant/list.h"
  PV_TYPE_COUNT
};

#undef PV_PLAIN_ROW
#undef PV_TYPE_ROW
#define PV_PLAIN_ROW(NAME, name, number)
#define PV_TYPE_ROW(NAME, name, number, ...)

#endif
