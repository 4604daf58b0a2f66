#include "runtime/sources/walker.h"

#include <string.h>

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

/* The folder is gone when the error is read: the place is the side and the file in it. */
static void name_place(const char *name, pv_error *err) {
  char place[sizeof err->file];
  if (err == NULL || err->file[0] == '\0') return;
  const char *file = strrchr(err->file, '/');
  snprintf(place, sizeof place, "%.300s: %.200s", name, file != NULL ? file + 1 : err->file);
  pv_error_at(err, place, err->line, err->column, err->byte);
}

static pv_code check_tokens(const char *name, const pv_source *s, const pv_engine_spec *spec,
                            pv_error *err) {
  if (s->ids == NULL || (s->positions == spec->count &&
                         memcmp(s->ids, spec->ids, s->positions * sizeof *s->ids) == 0))
    return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "the trace that %.200s left is of other tokens", name);
}

pv_code pv_walker_record(const char *name, const pv_engine_spec *spec, pv_recorded_model *of,
                         char **made, pv_recorded **recorded, pv_error *err) {
  char *folder = NULL;
  pv_recorded *trace = NULL;
  pv_code code = pv_engine_record(spec, &folder, err);
  if (code != PV_OK) return code;
  code = pv_recorded_open(folder, of, &trace, err);
  if (code == PV_OK) code = check_tokens(name, &trace->source, spec, err);
  if (code != PV_OK) {
    name_place(name, err);
    pv_recorded_close(trace);
    pv_engine_forget(folder);
    return code;
  }
  *made = folder;
  *recorded = trace;
  return PV_OK;
}
