/* Routing of rows: the `used` best experts by (value, index) and their weights (route.cuh).
 * Reference: route of kernels/cpu. */
#ifndef PV_CUDA_ROUTE_H
#define PV_CUDA_ROUTE_H

#include "kernels/cuda/args.h"

typedef struct pv_cuda_route {
  PV_DEVICE(const float) logits;
  PV_DEVICE(int32_t) indices; /* 0: not asked for */
  PV_DEVICE(float) weights;
  uint32_t experts, used;
  uint32_t form; /* pv_route_form */
} pv_cuda_route;
PV_LAYOUT(pv_cuda_route, 40, form, 32);

enum { PV_ROUTE_BLOCK = 128 };

#endif

PV_KERNEL(route, pv_cuda_route, PV_GRID(rows, 1, 1), PV_ROUTE_BLOCK, 0, "route",
          a->experts <= PV_EXPERTS_MAX && a->used > 0 && a->used <= a->experts,
          PV_WRITES(pv_cuda_route, indices), PV_WRITES(pv_cuda_route, weights))
