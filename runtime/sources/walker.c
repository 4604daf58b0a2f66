#include "runtime/sources/walker.h"

const char *pv_walker_identity(const pv_walker *walker) {
  return walker->recorded != NULL ? walker->recorded->source.identity
                                  : pv_numerics_identity(walker->who.numerics);
}

bool pv_walker_defined(const pv_walker *walker, pv_numerics *numerics) {
  const pv_recorded *recorded = walker->recorded;
  *numerics = recorded != NULL ? recorded->numerics : walker->who.numerics;
  return recorded == NULL || recorded->defined;
}

pv_code pv_walker_open(const pv_walker *walker, const pv_model *model,
                       const pv_backend_config *config, pv_fault_side *opened, pv_source *out,
                       pv_error *err) {
  *opened = (pv_fault_side){0};
  if (walker->recorded != NULL) {
    *out = walker->recorded->source;
    return PV_OK;
  }
  const pv_code code = pv_side_open(&walker->who, model, config, opened, err);
  if (code == PV_OK) *out = pv_source_of(opened->forward);
  return code;
}
