/* Who executes a conformance kernel: the interpreter, or a device behind libcuda. */
#ifndef PV_TESTS_CONFORM_RUNNER_H
#define PV_TESTS_CONFORM_RUNNER_H

#include "tests/unit/ptx/conform/kernel.h"

typedef struct pv_conform_runner pv_conform_runner;

struct pv_conform_runner {
  char name[256]; /* of the device, as it calls itself */
  char driver[64];
  /* `out` gets [cases][out_slots], zero where the kernel stores nothing. PV_ERR_UNSUPPORTED when
   * it does not take the kernel. */
  pv_code (*run)(pv_conform_runner *self, const pv_conform_kernel *kernel, uint64_t *out,
                 pv_error *err);
  void (*close)(pv_conform_runner *self);
};

/* libcuda is opened at run time; PV_ERR_UNSUPPORTED without a driver or a device. */
pv_code pv_conform_device_open(pv_conform_runner **out, pv_error *err);

/* kernels/ptx. A kernel that faults is PV_ERR_DEVICE. */
pv_code pv_conform_interpreter_open(pv_conform_runner **out, pv_error *err);

#endif
