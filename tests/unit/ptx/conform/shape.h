/* An instruction with its kinds of operands: "shl.b32 r,r,i". */
#ifndef PV_TESTS_CONFORM_SHAPE_H
#define PV_TESTS_CONFORM_SHAPE_H

#include "kernels/ptx/ptx.h"

/* Appends to a list of distinct, sorted shapes, which lies in the arena. */
typedef struct pv_conform_shapes {
  const char **list;
  size_t count, capacity;
} pv_conform_shapes;

/* Of all instructions of a module's kernels and functions. False when memory is out. */
bool pv_conform_shapes_add(pv_conform_shapes *shapes, pv_arena *arena, const pv_ptx_module *module);
bool pv_conform_shapes_has(const pv_conform_shapes *shapes, const char *shape);

#endif
