#include "tests/unit/freeze/side.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/images.h"
#include "runtime/faults/faults.h"
#include "runtime/synth/synth.h"
#include "runtime/walk/walk.h"

enum { POSITIONS = 128 };

typedef struct taking { /* context of the visitor */
  freeze_take *take;
  void *context;
  const pv_plan *plan;
} taking;

static void put(const taking *t, const pv_rows *rows, uint32_t layer) {
  const freeze_rows r = {t->plan->rows[rows->stage].name, layer,     rows->rows, rows->width,
                         rows->index ? 0 : rows->size,    rows->data};
  t->take(t->context, &r);
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  (void)err;
  for (size_t k = 0; k < at->step.count; k++) put(context, &at->of[0][k], at->step.layer);
  return PV_OK;
}

static pv_code run(pv_forward *forward, const uint32_t *ids, const size_t *batches, taking *t,
                   pv_error *err) {
  const pv_source source = pv_source_of(forward);
  const pv_role read_after[] = {PV_ROLE_LOGITS, PV_ROLE_TOP};
  const pv_visitor visitor = {.context = t, .visit = visit};
  pv_walk_spec walk = {.plan = source.plan,
                       .layers = source.layers,
                       .sources = &source,
                       .source_count = 1,
                       .ids = ids,
                       .batches = batches};
  pv_rows rows = {0};
  t->plan = source.plan;
  for (size_t i = 0; batches[i] > 0; i++) walk.count += batches[i];
  pv_code code = pv_walk(&walk, &visitor, err);
  if (code == PV_OK) code = pv_forward_run(forward, ids + walk.count, 1, 1, err);
  for (size_t i = 0; i < 2 && code == PV_OK; i++) {
    const pv_stage_id stage = (pv_stage_id)pv_plan_role(t->plan, read_after[i]);
    const size_t width = source.width(&source, stage, 0);
    code = pv_rows_room(t->plan, stage, width, 1, source.real_bytes, &rows, err);
    if (code == PV_OK) code = pv_forward_read(forward, stage, 0, 1, rows.data, err);
    if (code == PV_OK) put(t, &rows, 0);
  }
  free(rows.data);
  return code;
}

static bool is_path(const char *source) {
  static const char *const paths[] = {"scalar", "avx2", "vnni"};
  size_t i = 0;
  while (i < 3 && strcmp(source, paths[i]) != 0) i++;
  return i < 3;
}

static pv_code open_side(const pv_model *model, const freeze_side *side, pv_backend_config *config,
                         pv_fault_side *out, pv_error *err) {
  pv_planted planted;
  if (strcmp(side->source, "definition") == 0) {
    const pv_code code = pv_fault_parse(side->fault != NULL ? side->fault : "none", &planted, err);
    return code == PV_OK ? pv_fault_stand_in(model, config, &planted, out, err) : code;
  }
  if (is_path(side->source)) config->path = side->source;
  *out = (pv_fault_side){0};
  return pv_forward_open(model, strcmp(side->source, "ptx") == 0 ? "ptx" : "cpu", config,
                         &out->forward, err);
}

pv_code freeze_run(const freeze_side *side, freeze_take *take, void *context, pv_error *err) {
  uint32_t ids[POSITIONS], state = 7;
  size_t count = 1, most = 1;
  pv_model *model = NULL;
  pv_fault_side opened = {0};
  taking t = {.take = take, .context = context};
  for (size_t i = 0; side->batches[i] > 0; i++) {
    count += side->batches[i];
    if (side->batches[i] > most) most = side->batches[i];
  }
  const int numerics = pv_numerics_find(side->identity);
  if (count > POSITIONS || numerics < 0)
    return pv_error_set(err, PV_ERR_INPUT, "%zu positions, or no identity '%s'", count,
                        side->identity);
  pv_code code = pv_model_open(side->model, &model, err);
  if (code != PV_OK) return code;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    ids[i] = (state >> 8) % model->shape.vocab;
  }
  pv_backend_config config = {(pv_numerics)numerics, count, most, 1, NULL};
  code = open_side(model, side, &config, &opened, err);
  if (code == PV_OK) code = run(opened.forward, ids, side->batches, &t, err);
  pv_fault_close(&opened);
  pv_model_close(model);
  return code;
}

bool freeze_has(const char *source) {
  size_t modules = 0;
  pv_cuda_modules(&modules);
  if (strcmp(source, "ptx") == 0) return modules > 0;
  return !is_path(source) || pv_cpu_path_get(source) != NULL;
}

const char *freeze_fault(size_t n, const char **identity) {
  size_t count = 0;
  const pv_fault *list = pv_faults(&count);
  for (size_t i = 0; i < count; i++) {
    if (list[i].numerics == 0 || n-- > 0) continue; /* 0: of reading files */
    *identity = list[i].numerics >> PV_NUMERICS_I16 & 1 ? "i16" : "f32-f64acc";
    return list[i].name;
  }
  return NULL;
}

pv_code freeze_synth(const char *options, const char *path, pv_error *err) {
  char words[512];
  char *argv[64] = {words}, *rest = NULL;
  int argc = 1;
  pv_synth_options parsed;
  const char *out = NULL;
  bool help = false;
  snprintf(words, sizeof words, "%s --no-sync --force --out %s", options, path);
  for (char *w = strtok_r(words, " ", &rest); w != NULL && argc < 64;
       w = strtok_r(NULL, " ", &rest))
    argv[argc++] = w;
  const pv_code code = pv_synth_parse(argc, argv, &parsed, &out, &help, err);
  return code == PV_OK ? pv_synth_write(&parsed, out, NULL, NULL, err) : code;
}

bool freeze_ptx(size_t n, char name[64], const char **text, size_t *length) {
  size_t count = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  if (n >= count) return false;
  const char *at = modules[n].ptx;
  for (const char *end; strncmp(at, "//", 2) == 0 && (end = strchr(at, '\n')) != NULL;)
    at = end + 1;
  snprintf(name, 64, "%s_%u", modules[n].name, modules[n].target);
  *text = at;
  *length = modules[n].ptx_bytes - (size_t)(at - modules[n].ptx);
  return true;
}
