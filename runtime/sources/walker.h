/* A side as it takes part in a walk: a forward that computes, or the folder that it was recorded
 * in. */
#ifndef PV_SOURCES_WALKER_H
#define PV_SOURCES_WALKER_H

#include "runtime/sources/engine.h"
#include "runtime/trace/recorded.h"

typedef struct pv_walker {
  const char *name; /* as it is written */
  pv_side who;
  const pv_recorded *recorded; /* of a trace, whose own identity counts; else NULL */
} pv_walker;

const char *pv_walker_identity(const pv_walker *walker);
/* What pv has a definition of; of a recording that none has it is false. */
bool pv_walker_defined(const pv_walker *walker, pv_numerics *numerics);
/* `opened` holds who computes, {0} of a recording: close it with pv_fault_close. */
pv_code pv_walker_open(const pv_walker *walker, const pv_model *model,
                       const pv_backend_config *config, pv_fault_side *opened, pv_source *out,
                       pv_error *err);

/* Runs an engine and opens what it left, which belongs to the caller: `made` goes with
 * pv_engine_forget, after `recorded`. Errors as of pv_engine_record and pv_recorded_open, with
 * `name` in their place, and PV_ERR_INPUT for a trace of other tokens. */
pv_code pv_walker_record(const char *name, const pv_engine_spec *spec, pv_recorded_model *of,
                         char **made, pv_recorded **recorded, pv_error *err);

#endif
