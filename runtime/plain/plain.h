/* The definition of the fixed-point and f32-f64acc identities as a program: one stage of one row
 * at a time, written to be read next to kernels/arith/act.h, without planes, tiles or vectors. It
 * gives the bits of the other backends (a test holds it to that) and is far slower. It is
 *  - a witness: `compute` and `write` make any stage from stages that somebody else computed;
 *  - where defects are planted: each kernel and each choice can be replaced (pv_plain_defect). */
#ifndef PV_PLAIN_PLAIN_H
#define PV_PLAIN_PLAIN_H

#include <stdbool.h>

#include "kernels/cpu/cpu.h"
#include "runtime/forward/backend.h"

/* The definition's kernels. `mm` rounds `acts[t].x` itself and reads nothing else of pv_act;
 * `round` is NULL. */
extern const pv_cpu_path pv_plain_kernels;

/* The definition's kernels, with the members of `replaced` that are not NULL; NULL: none. */
pv_cpu_path pv_plain_with(const pv_cpu_path *replaced);

/* Parts that a planted defect is built from. */
float pv_plain_fold(const float *v, size_t n);
/* What the fold of a row adds: the values of the segments of a quantised row, and how many. */
size_t pv_plain_segments(const pv_mm *mm, const unsigned char *row, const float *x, float *value);

/* What is wrong. All zero but `layer` = -1: nothing. */
typedef struct pv_plain_defect {
  uint64_t stages;            /* bit s: `kernels` and `after` act in stage s */
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
} pv_plain_defect;

/* As pv_backend_ops.open, with a defect (NULL: none), which is copied. `config.path` is ignored.
 * f64 is PV_ERR_UNSUPPORTED: its definition is the arbiter's own backend. */
pv_code pv_plain_open(const pv_model *model, const pv_backend_config *config,
                      const pv_plain_defect *defect, pv_backend **out, pv_error *err);
extern const pv_backend_ops pv_backend_plain;

#endif
