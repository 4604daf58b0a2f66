/* The CPU backend and the definition: identities i16, i8 and f32-f64acc. */
#include "kernels/definition/definition.h"

typedef float real;
typedef pv_cpu_path host_kernels;
typedef pv_act host_act;
typedef pv_mm host_mm;
typedef pv_attend host_attend;

#include "runtime/forward/host_driver.h"

/* Whether a product of the plan takes rows that are rounded so. */
static bool meets(const host *h, pv_grain grain) {
  const pv_model *m = h->base.model;
  for (size_t row = 0; row < m->plan->count; row++)
    for (uint32_t layer = 0; m->plan->rows[row].op == PV_OP_MATMUL && layer < m->shape.layers;
         layer++) {
      const pv_gguf_tensor *t = pv_model_weight(m, row, layer);
      if (pv_type_get(t->type)->quantised && pv_grain_of(t->type) == grain) return true;
    }
  return false;
}

/* Kernels that round rows themselves need no planes. */
static void take_planes(host *h, acts *a, size_t rows, size_t k, bool *failed) {
  const size_t padded = pv_act_padded(k), segments = padded / PV_SEGMENT;
  for (pv_grain grain = 0; grain < PV_GRAINS && h->kernels->round != NULL; grain++) {
    void **planes = a->planes + 4 * grain;
    if (!meets(h, grain)) continue;
    int16_t *q = planes[0] = take(h, rows, padded * sizeof *q, failed);
    float *d = planes[1] = take(h, rows, segments * sizeof *d, failed);
    int32_t *sum = planes[2] = take(h, rows, segments * sizeof *sum, failed);
    int32_t *offset = planes[3] = take(h, rows, 2 * segments * sizeof *offset, failed);
    for (size_t i = 0; i < rows && !*failed; i++)
      a->rows[i].by[grain] = (pv_planes){q + i * padded, d + i * segments, sum + i * segments,
                                         offset + 2 * i * segments};
  }
}

static void ready(const host *h, pv_act *act, const float *x, size_t k) {
  act->x = x;
  for (pv_grain grain = 0; grain < PV_GRAINS && h->product != PV_PRODUCT_F64ACC; grain++)
    if (act->by[grain].q != NULL) h->kernels->round(h->product, grain, x, k, &act->by[grain]);
}

static void complete_mm(const host *h, pv_mm *mm) {
  mm->product = h->product;
}

static void complete_attend(pv_attend *a, float scale) {
  a->scale = scale != 0.0f ? scale : 1.0f / __builtin_sqrtf((float)a->head_dim);
}

static pv_product product_of(pv_numerics numerics) {
  return numerics == PV_NUMERICS_I16  ? PV_PRODUCT_I16
         : numerics == PV_NUMERICS_I8 ? PV_PRODUCT_I8
                                      : PV_PRODUCT_F64ACC;
}

static pv_code cpu_open(const pv_model *model, const pv_backend_config *config, pv_backend **out,
                        pv_error *err) {
  const host with = {.base = {.ops = &pv_backend_cpu},
                     .kernels = pv_cpu_path_get(config->path),
                     .defect = {.layer = -1},
                     .product = product_of(config->numerics)};
  if (config->numerics == PV_NUMERICS_F64)
    return pv_error_set(err, PV_ERR_INTERNAL, "the arbiter has a backend of its own");
  if (with.kernels == NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "this machine has no CPU path '%s'", config->path);
  return host_open(&with, model, config, out, err);
}

const pv_backend_ops pv_backend_cpu = {.name = "cpu",
                                       .open = cpu_open,
                                       .close = host_close,
                                       .begin = host_begin,
                                       .run = host_run,
                                       .read = host_read,
                                       .memory = host_memory,
                                       .meter = host_meter};

static pv_code definition_open(const pv_model *model, const pv_backend_config *config,
                               pv_backend **out, pv_error *err) {
  return pv_definition_open(model, config, NULL, out, err);
}

static const pv_backend_ops definition = {.name = "definition",
                                          .open = definition_open,
                                          .close = host_close,
                                          .begin = host_begin,
                                          .run = host_run,
                                          .read = host_read,
                                          .memory = host_memory,
                                          .meter = host_meter,
                                          .compute = host_compute,
                                          .write = host_write};

pv_code pv_definition_open(const pv_model *model, const pv_backend_config *config,
                           const pv_defect *defect, pv_backend **out, pv_error *err) {
  static const pv_defect none = {.layer = -1};
  const pv_defect *wrong = defect != NULL ? defect : &none;
  const host with = {.base = {.ops = &definition},
                     .kernels = &pv_definition,
                     .planted = pv_definition_with(wrong->kernels),
                     .defect = *wrong,
                     .product = product_of(config->numerics)};
  if (config->numerics == PV_NUMERICS_F64)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "the definition of f64 is the arbiter");
  return host_open(&with, model, config, out, err);
}
