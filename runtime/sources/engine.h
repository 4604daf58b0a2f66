/* Sides that are other engines: programs that are run once over the tokens and leave a recorded
 * trace (docs/trace-format.md, "A program that writes traces"):
 *
 *     PROGRAM --model FILE --ids 861,1644,198 --out FOLDER [--KEY VALUE ...] */
#ifndef PV_SOURCES_ENGINE_H
#define PV_SOURCES_ENGINE_H

#include "runtime/sources/side.h"

typedef struct pv_engine_spec {
  const pv_side *side; /* that has a program */
  const char *model;   /* the file; of a set any part: the program is given the first */
  const uint32_t *ids;
  size_t count;
  double timeout_s;
} pv_engine_spec;

/* Whether there is such a program: PV_ERR_INPUT if not. */
pv_code pv_engine_find(const pv_side *side, pv_error *err);

/* Runs the program, which leaves the trace in `folder`; on an error nothing is left there.
 * PV_ERR_INPUT, each with the program: it is not there, it cannot be started, it ended by a signal
 * or with an exit code (then with the last line of its standard error), it took longer than
 * allowed, it left no manifest, or there is something at `folder` already. PV_ERR_CANCELLED. */
pv_code pv_engine_run(const pv_engine_spec *spec, const char *folder, pv_error *err);

/* The same into a new folder below $TMPDIR, or /tmp, which belongs to the caller and goes with
 * pv_engine_forget. */
pv_code pv_engine_record(const pv_engine_spec *spec, char **folder, pv_error *err);
/* Removes the folder and frees its name. NULL is allowed. */
void pv_engine_forget(char *folder);

#endif
