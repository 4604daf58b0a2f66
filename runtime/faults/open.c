/* A side with a fault planted. */
#include <string.h>

#include "runtime/faults/faults.h"

static pv_code open_definition(const pv_model *model, const pv_backend_config *config,
                               const pv_planted *planted, pv_forward **out, pv_error *err) {
  pv_defect defect = planted->fault->defect;
  pv_backend *backend = NULL;
  defect.layer = planted->layer;
  if (config->context == 0 || config->context > model->shape.context || config->batch == 0)
    return pv_error_set(err, PV_ERR_INPUT, "a context of %zu positions is outside 1..%u",
                        config->context, model->shape.context);
  pv_code code = pv_definition_open(model, config, &defect, &backend, err);
  if (code == PV_OK) code = pv_forward_adopt(backend, out, err);
  if (code != PV_OK && backend != NULL) backend->ops->close(backend);
  return code;
}

static pv_code check_place(const pv_model *model, const pv_backend_config *config,
                           const pv_planted *planted, pv_error *err) {
  const pv_fault *fault = planted->fault;
  if (fault->host == PV_FAULT_IN_READER)
    return pv_error_set(err, PV_ERR_INPUT, "the fault %s is one of reading files", fault->name);
  if ((fault->numerics >> config->numerics & 1) == 0)
    return pv_error_set(err, PV_ERR_INPUT, "the fault %s does not exist in %s", fault->name,
                        pv_numerics_name(config->numerics));
  if (planted->layer >= (int64_t)model->shape.layers)
    return pv_error_set(err, PV_ERR_INPUT, "layer %lld of the fault %s is outside 0..%u",
                        (long long)planted->layer, fault->name, model->shape.layers - 1);
  if (fault->host == PV_FAULT_IN_OPERATION && !pv_fault_applies(planted, model))
    return pv_error_set(
        err, PV_ERR_INPUT,
        "the fault %s acts on no stage of the architecture %s, or changes nothing in "
        "a model of this shape",
        fault->name, model->plan->architecture);
  return PV_OK;
}

static bool in_model(const pv_fault *fault) {
  return fault->host == PV_FAULT_IN_WEIGHTS || fault->host == PV_FAULT_IN_SHAPE;
}

pv_code pv_fault_open(const pv_model *model, const char *backend, const pv_backend_config *config,
                      const pv_planted *planted, pv_fault_side *out, pv_error *err) {
  *out = (pv_fault_side){0};
  if (planted == NULL || planted->fault == NULL)
    return pv_forward_open(model, backend, config, &out->forward, err);
  pv_code code = check_place(model, config, planted, err);
  if (code != PV_OK) return code;
  if (planted->fault->host == PV_FAULT_IN_CHOICE)
    return pv_forward_open(model, "cpu", config, &out->forward, err);
  if (planted->fault->host == PV_FAULT_IN_OPERATION)
    return open_definition(model, config, planted, &out->forward, err);
  code = pv_fault_model(model, planted, &out->model, err);
  if (code == PV_OK) code = pv_forward_open(out->model, backend, config, &out->forward, err);
  if (code != PV_OK) pv_fault_close(out);
  return code;
}

pv_code pv_fault_stand_in(const pv_model *model, const pv_backend_config *config,
                          const pv_planted *planted, pv_fault_side *out, pv_error *err) {
  *out = (pv_fault_side){0};
  pv_code code = check_place(model, config, planted, err);
  if (code == PV_OK && in_model(planted->fault))
    code = pv_fault_model(model, planted, &out->model, err);
  const pv_model *computed = out->model != NULL ? out->model : model;
  if (code == PV_OK)
    code = config->numerics == PV_NUMERICS_F64 || planted->fault->host == PV_FAULT_IN_CHOICE
               ? pv_forward_open(computed, "cpu", config, &out->forward, err)
               : open_definition(computed, config, planted, &out->forward, err);
  if (code != PV_OK) pv_fault_close(out);
  return code;
}

pv_cpu_path pv_fault_kernels(const pv_fault *fault) {
  pv_cpu_path all =
      pv_definition_with(fault->kernels != NULL ? fault->kernels : fault->defect.kernels);
  all.round = pv_cpu_scalar.round; /* for callers that ask; the products here do their own */
  return all;
}

pv_type pv_fault_read_row(const pv_fault *fault, pv_type type, const void *row, size_t k,
                          unsigned char *out) {
  const pv_type_info *info = pv_type_get(type);
  for (size_t i = 0; fault->row != NULL && fault->types[i] >= 0; i++)
    if (fault->types[i] == (int)type) return fault->row(type, row, k, out);
  memcpy(out, row, k / info->block_elements * info->block_bytes);
  return type;
}

void pv_fault_close(pv_fault_side *side) {
  pv_forward_close(side->forward);
  pv_fault_model_free(side->model);
  *side = (pv_fault_side){0};
}
