#include "runtime/walk/witness.h"

#include <stdlib.h>

pv_code pv_witness_open(const pv_model *model, const pv_backend_config *config,
                        const pv_defect *defect, pv_witness *out, pv_error *err) {
  *out = (pv_witness){0};
  return config->numerics == PV_NUMERICS_F64
             ? pv_backend_f64.open(model, config, &out->backend, err)
             : pv_definition_open(model, config, defect, &out->backend, err);
}

pv_code pv_witness_open_exact(const pv_model *model, const pv_backend_config *config,
                              const pv_exact_kernels *kernels, pv_witness *out, pv_error *err) {
  *out = (pv_witness){.kernels = *kernels};
  return pv_exact_open(&out->kernels, model, config, &out->backend, err);
}

void pv_witness_close(pv_witness *w) {
  if (w->backend != NULL) w->backend->ops->close(w->backend);
  free(w->made.data);
  free(w->given.data);
  *w = (pv_witness){0};
}

uint64_t pv_witness_memory(const pv_witness *w) {
  return w->backend != NULL ? w->backend->ops->memory(w->backend) : 0;
}

pv_code pv_witness_make(pv_witness *w, pv_stage_id stage, uint32_t layer, size_t rows,
                        pv_error *err) {
  const pv_code code = w->backend->ops->compute(w->backend, stage, layer, err);
  return code == PV_OK ? pv_rows_held(w->backend, stage, rows, &w->made, err) : code;
}

pv_code pv_witness_give(pv_witness *w, const pv_rows *rows, uint32_t layer, pv_error *err) {
  const pv_code code = pv_rows_convert(rows, w->backend->real_bytes, &w->given, err);
  return code == PV_OK ? w->backend->ops->write(w->backend, rows->stage, layer, w->given.data, err)
                       : code;
}
