/* Who makes a stage once more. */
#include <stdlib.h>

#include "runtime/bisect/parts.h"

pv_code pv_witness_open(const pv_model *model, const pv_backend_config *config, pv_witness *out,
                        pv_error *err) {
  *out = (pv_witness){0};
  return config->numerics == PV_NUMERICS_F64
             ? pv_backend_f64.open(model, config, &out->backend, err)
             : pv_definition_open(model, config, NULL, &out->backend, err);
}

void pv_witness_close(pv_witness *w) {
  if (w->backend != NULL) w->backend->ops->close(w->backend);
  free(w->made.data);
  free(w->given.data);
  *w = (pv_witness){0};
}

static pv_code give(pv_witness *w, const pv_rows *side, uint32_t layer, pv_error *err) {
  pv_backend *b = w->backend;
  pv_error local = PV_ERROR_INIT;
  pv_code code = pv_rows_convert(side, b->real_bytes, &w->given, err);
  if (code != PV_OK) return code;
  code = b->ops->write(b, side->stage, layer, w->given.data, &local);
  /* An expert that does not exist has been counted as wrong; the witness keeps its own. */
  if (code == PV_OK || code == PV_ERR_INPUT) return PV_OK;
  if (err != NULL) *err = local;
  return code;
}

pv_code pv_witness_replay(pv_witness *w, const pv_rows *side, uint32_t layer, pv_error *err) {
  const pv_code code = pv_rows_made(w->backend, side->stage, layer, side->rows, &w->made, err);
  return code != PV_OK || side->absent ? code : give(w, side, layer, err);
}

/* Indices are made all the same: they may stay the witness's own, see give. */
pv_code pv_witness_take(pv_witness *w, const pv_rows *side, uint32_t layer, pv_error *err) {
  pv_backend *b = w->backend;
  pv_code code = PV_OK;
  if (side->absent || side->index) code = b->ops->compute(b, side->stage, layer, err);
  return code != PV_OK || side->absent ? code : give(w, side, layer, err);
}
