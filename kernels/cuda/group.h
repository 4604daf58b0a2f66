/* Sorts the (row, rank) slots of a batch by expert, in order within an expert, and cuts each
 * expert's slots into tiles. Reference: runtime/forward/groups.h. */
#ifndef PV_CUDA_GROUP_H
#define PV_CUDA_GROUP_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_group {
  PV_DEVICE(const int32_t) indices; /* expert of each slot */
  PV_DEVICE(uint32_t) order;        /* slots by expert */
  PV_DEVICE(pv_cuda_tile) tiles;    /* room for pv_group_tiles */
  PV_DEVICE(uint32_t) tile_count;
  uint32_t slots, experts;
} pv_cuda_group;
PV_LAYOUT(pv_cuda_group, 40, experts, 36);

enum { PV_GROUP_BLOCK = 256 };

/* The most tiles that there can be. */
static inline size_t pv_group_tiles(size_t slots, size_t experts) {
  return slots / PV_CUDA_TILE + experts;
}

#endif

/* rows: 1 */
PV_KERNEL(group, pv_cuda_group, PV_GRID(a->experts, 1, 1), PV_GROUP_BLOCK, 0, "group",
          a->experts > 0 && a->experts <= PV_EXPERTS_MAX, PV_WRITES(pv_cuda_group, order),
          PV_WRITES(pv_cuda_group, tiles), PV_WRITES(pv_cuda_group, tile_count))
