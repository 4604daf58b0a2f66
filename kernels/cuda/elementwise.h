/* Element by element, for identities and batches whose products are not fused with them.
 * Reference: add, swiglu, geglu, swiglu_clamped, gate, round and combine of kernels/cpu. */
#ifndef PV_CUDA_ELEMENTWISE_H
#define PV_CUDA_ELEMENTWISE_H

#include "kernels/cuda/down.h"
#include "kernels/cuda/gate_up.h"

typedef struct pv_cuda_add {
  PV_DEVICE(const float) a;
  PV_DEVICE(const float) b;
  PV_DEVICE(float) out;
  uint64_t n;
} pv_cuda_add;
PV_LAYOUT(pv_cuda_add, 32, n, 24);

/* Rows times the sigmoid of one number each. */
typedef struct pv_cuda_gate {
  PV_DEVICE(const float) x;
  PV_DEVICE(const float) logit;
  PV_DEVICE(float) out;
  uint32_t n;
} pv_cuda_gate;
PV_LAYOUT(pv_cuda_gate, 32, n, 24);

/* Elements of a thread. */
enum { PV_ADD_EACH = 4, PV_ACTIVATION_EACH = 8, PV_COMBINE_EACH = 4 };
enum { PV_ACTIVATION_BLOCK = 128 };

#endif

/* rows: 1 */
PV_KERNEL(add, pv_cuda_add, PV_GRID(pv_cuda_parts(a->n, PV_CUDA_BLOCK *PV_ADD_EACH), 1, 1),
          PV_CUDA_BLOCK, 0, "add", a->n > 0, PV_WRITES(pv_cuda_add, out))
/* rows: slots */
#define PV_ACTIVATION(operation)                                                               \
  pv_cuda_gate_up,                                                                             \
      PV_GRID(pv_cuda_parts(a->gate.count, PV_ACTIVATION_BLOCK *PV_ACTIVATION_EACH), rows, 1), \
      PV_ACTIVATION_BLOCK, 0, operation, a->gate.count > 0, PV_WRITES(pv_cuda_gate_up, out),   \
      PV_WRITES_ACTS(pv_cuda_gate_up, acts)
PV_KERNEL(swiglu, PV_ACTIVATION("swiglu, round"))
PV_KERNEL(geglu, PV_ACTIVATION("geglu, round"))
PV_KERNEL(swiglu_clamped, PV_ACTIVATION("swiglu_clamped, round"))
PV_KERNEL(gate, pv_cuda_gate, PV_GRID(pv_cuda_parts(a->n, PV_CUDA_BLOCK), rows, 1), PV_CUDA_BLOCK,
          0, "gate", a->n > 0, PV_WRITES(pv_cuda_gate, out))
PV_KERNEL(combine, pv_cuda_down,
          PV_GRID(pv_cuda_parts(a->rows.count, PV_CUDA_BLOCK *PV_COMBINE_EACH), rows, 1),
          PV_CUDA_BLOCK, 0, "combine, add", a->used > 0, PV_WRITES(pv_cuda_down, sum),
          PV_WRITES(pv_cuda_down, total))
