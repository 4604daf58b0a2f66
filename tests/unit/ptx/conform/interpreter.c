/* A kernel on the interpreter, with memory that is checked: a machine of its own for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ptx/machine.h"
#include "tests/unit/ptx/conform/runner.h"

static pv_code launch(pv_ptx_machine *machine, const pv_conform_kernel *k, uint64_t in,
                      uint64_t out, pv_error *err) {
  unsigned char params[16 + CONFORM_BLOB];
  unsigned kernel = 0;
  memcpy(params, &in, 8);
  memcpy(params + 8, &out, 8);
  memcpy(params + 16, pv_conform_blob, CONFORM_BLOB);
  pv_code code = pv_ptx_machine_find(machine, k->entry, &kernel, err);
  if (code != PV_OK) return code;
  const pv_ptx_launch l = {.kernel = kernel,
                           .grid = {(unsigned)(k->cases / CONFORM_BLOCK), 1, 1},
                           .block = {CONFORM_BLOCK, 1, 1},
                           .params = params,
                           .param_bytes = sizeof params,
                           .outputs = &out,
                           .output_count = 1};
  return pv_ptx_machine_launch(machine, &l, err);
}

static pv_code interpreter_run(pv_conform_runner *self, const pv_conform_kernel *k, uint64_t *out,
                               pv_error *err) {
  const size_t in_bytes = k->cases * k->in_slots * 8, out_bytes = k->cases * k->out_slots * 8;
  uint64_t in_at = 0, out_at = 0;
  pv_ptx_machine *machine = NULL;
  (void)self;
  memset(out, 0, out_bytes);
  pv_code code = pv_ptx_machine_open(1, &machine, err);
  if (code == PV_OK) pv_ptx_machine_permit(machine); /* .ftz */
  if (code == PV_OK)
    code = pv_ptx_machine_load(machine, k->name, k->text.data, k->text.length, err);
  if (code == PV_OK) code = pv_ptx_machine_alloc(machine, in_bytes, &in_at, err);
  if (code == PV_OK) code = pv_ptx_machine_alloc(machine, out_bytes, &out_at, err);
  if (code == PV_OK) code = pv_ptx_machine_upload(machine, in_at, k->in, in_bytes, err);
  if (code == PV_OK) code = pv_ptx_machine_upload(machine, out_at, out, out_bytes, err);
  if (code == PV_OK) code = launch(machine, k, in_at, out_at, err);
  if (code == PV_OK) code = pv_ptx_machine_download(machine, out, out_at, out_bytes, err);
  if (machine != NULL) pv_ptx_machine_close(machine);
  return code;
}

static void interpreter_close(pv_conform_runner *self) {
  free(self);
}

pv_code pv_conform_interpreter_open(pv_conform_runner **out, pv_error *err) {
  pv_conform_runner *runner = calloc(1, sizeof *runner);
  if (runner == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the interpreter");
  snprintf(runner->name, sizeof runner->name, "the interpreter of pv %s", PV_VERSION);
  snprintf(runner->driver, sizeof runner->driver, "none");
  runner->run = interpreter_run;
  runner->close = interpreter_close;
  *out = runner;
  return PV_OK;
}
