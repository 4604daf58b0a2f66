/* Backends over the sets of kernels on the host, which one driver gives their stages: the CPU's
 * (pv_backend_cpu), the arbiter's (pv_backend_f64) and the definition's. The last is
 *  - a witness, as the arbiter is: `compute` and `write` make any stage from stages that somebody
 *    else computed;
 *  - where defects are planted: each kernel and each choice can be replaced. */
#ifndef PV_FORWARD_HOST_H
#define PV_FORWARD_HOST_H

#include "kernels/cpu/cpu.h"
#include "kernels/exact/exact.h"
#include "runtime/forward/backend.h"

/* What is wrong. All zero but `layer` = -1: nothing. */
typedef struct pv_defect {
  /* Where `kernels`, `after` and the choices of one stage act: bit o: in stages of operation o; in
   * the stage with the role. */
  unsigned ops;
  pv_role role;
  int64_t layer;              /* where everything below acts; -1: every layer */
  const pv_cpu_path *kernels; /* members that are not NULL replace the definition's */
  /* The position that a row is turned by; how many positions it sees (at most `context`); the KV
   * head of a query head; whether its key and value are appended. NULL: as defined. */
  size_t (*position)(const pv_batch *batch, size_t row);
  size_t (*visible)(const pv_batch *batch, size_t row, size_t context);
  uint32_t (*group)(const pv_shape *shape, uint32_t head);
  bool (*appended)(const pv_batch *batch, size_t row);
  /* Alters a finished row of `width` elements; `before` is what the buffer held. */
  void (*after)(size_t position, size_t width, const void *before, void *data);
} pv_defect;

/* As pv_backend_ops.open, with a defect (NULL: none), which is copied. `config.path` is ignored.
 * f64 is PV_ERR_UNSUPPORTED: its definition is the arbiter. The backend is called "definition". */
pv_code pv_definition_open(const pv_model *model, const pv_backend_config *config,
                           const pv_defect *defect, pv_backend **out, pv_error *err);

/* The arbiter over other kernels, which must outlive it. */
pv_code pv_exact_open(const pv_exact_kernels *kernels, const pv_model *model,
                      const pv_backend_config *config, pv_backend **out, pv_error *err);

#endif
