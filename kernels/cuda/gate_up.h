/* Routing, gate and up products of the chosen experts, SwiGLU, and the rounding of its result: a
 * block owns a segment of one expert's output, one more for each row computes the weights of the
 * experts. gate_up_64 is gate_up for a frequent type and rows of 64 segments where nobody wants the
 * result rounded in blocks of 32: then blocks are smaller, so that as many are there as processors
 * hold. Reference: route, mm, swiglu and round of kernels/cpu. */
#ifndef PV_CUDA_GATE_UP_H
#define PV_CUDA_GATE_UP_H

#include "kernels/cuda/route.h"

typedef struct pv_cuda_gate_up {
  pv_cuda_rows gate, up;
  pv_cuda_route route;
  pv_cuda_acts in;
  PV_DEVICE(float) gate_out;
  PV_DEVICE(float) up_out;
  PV_DEVICE(float) out;
  pv_cuda_acts acts;
  float max;
  uint32_t whole; /* acts are rounded in blocks of 256, by the activations alone */
} pv_cuda_gate_up;
PV_LAYOUT(pv_cuda_gate_up, 232, whole, 228);

/* Elements of a block of gate_up_64. */
enum { PV_GATE_UP_64_EACH = 24 };

static inline bool pv_gate_up_fits(const pv_cuda_gate_up *a) {
  const bool quantised = pv_cuda_quantised(a->gate.type) || pv_cuda_quantised(a->up.type);
  return a->gate.count == a->up.count && a->in.k > 0 && a->in.k <= PV_K_MAX &&
         (!quantised || a->in.k % PV_SEGMENT == 0) && a->route.experts <= PV_EXPERTS_MAX &&
         a->route.used > 0 && a->route.used <= a->route.experts;
}

#endif

#define PV_GATE_UP(each, limit)                                                             \
  pv_cuda_gate_up, PV_GRID(pv_cuda_parts(a->gate.count, each) + 1, rows, 1), PV_CUDA_BLOCK, \
      pv_cuda_act_shared(a->in.k), "route, mm, swiglu, round", limit,                       \
      PV_WRITES(pv_cuda_gate_up, route.indices), PV_WRITES(pv_cuda_gate_up, route.weights), \
      PV_WRITES(pv_cuda_gate_up, gate_out), PV_WRITES(pv_cuda_gate_up, up_out),             \
      PV_WRITES(pv_cuda_gate_up, out), PV_WRITES_ACTS(pv_cuda_gate_up, acts)
/* rows: slots */
PV_KERNEL(gate_up, PV_GATE_UP(PV_SEGMENT, pv_gate_up_fits(a)))
PV_KERNEL(gate_up_64,
          PV_GATE_UP(PV_GATE_UP_64_EACH, pv_gate_up_fits(a) && a->in.k == 64 * PV_SEGMENT &&
                                             a->acts.q == 0 && pv_cuda_frequent(a->gate.type) &&
                                             a->gate.type == a->up.type))
