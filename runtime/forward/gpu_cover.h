/* Which launches cover a plan: its rows cut into runs, each of which the kernels of one idea
 * compute together. A run is what is longest at its first row, and a single row at worst. */
#ifndef PV_FORWARD_GPU_COVER_H
#define PV_FORWARD_GPU_COVER_H

#include "base/error.h"
#include "runtime/model/plan.h"

typedef enum pv_gpu_run {
  PV_GPU_RUN_NONE,     /* an earlier row's run has this one */
  PV_GPU_RUN_ALONE,    /* the kernel of the row's operation */
  PV_GPU_RUN_NORM,     /* a norm, and the products of its result */
  PV_GPU_RUN_PRODUCTS, /* of one input, for the same experts */
  PV_GPU_RUN_PRODUCT,  /* one, and its sum with another row */
  PV_GPU_RUN_HEADS,    /* queries and keys, and the append of keys and values */
  PV_GPU_RUN_ROUTE,    /* weights and indices */
  PV_GPU_RUN_EXPERTS,  /* the same, and the experts' gate, up and SwiGLU */
  PV_GPU_RUN_DOWN,     /* the experts' last product, its weighted sum, the sum with another row */
  PV_GPU_RUN_COMBINE,  /* the last two */
  PV_GPU_RUN_BIASES
} pv_gpu_run;

typedef struct pv_gpu_cover {
  pv_gpu_run run[PV_STAGES_MAX];
  uint8_t rows[PV_STAGES_MAX]; /* of the run that begins here */
  bool feeds[PV_STAGES_MAX];   /* products take the row */
  int attend;                  /* the row of attention; -1: none */
  bool turns_together;         /* its queries and keys are one run */
} pv_gpu_cover;

/* PV_ERR_UNSUPPORTED, with the stage, for a row that no kernel computes. `apart`: no run has rows
 * by expert and others. */
pv_code pv_gpu_cover_plan(const pv_plan *plan, bool apart, pv_gpu_cover *out, pv_error *err);

#endif
