/* Two sides on a command line, each of which computes, was recorded, or is another engine that is
 * run and recorded, over the same tokens. */
#ifndef PV_PROBE_PAIR_H
#define PV_PROBE_PAIR_H

#include "runtime/probe/call.h"
#include "runtime/sources/walker.h"

typedef struct pv_pair {
  pv_walker side[2];
  pv_recorded *recorded[2]; /* of a side that is a trace, or an engine that was run */
  char *made[2];            /* of an engine: the folder that goes with the pair */
  pv_text name[2];
  pv_recorded_model of; /* what the traces are of */
  const char *map_path; /* of --map; NULL: none */
  pv_trace_map *map;
  bool any_width; /* a row of a trace may be of another width than the model's */
} pv_pair;

/* Entry for a pv_option list. */
#define PV_PAIR_MAP(pair)                                                                 \
  {                                                                                       \
    "--map", "FILE", "which of an engine's nodes is which stage (engines/NAME/map.json)", \
        &(pair).map_path, NULL                                                            \
  }

/* `fault`: of options of their own, each may be NULL. */
pv_code pv_pair_parse(const char *const text[2], const char *const fault[2], pv_pair *out,
                      pv_error *err);
bool pv_pair_is_trace(const pv_pair *pair, int side);
/* A trace, or an engine, which leaves one. */
bool pv_pair_is_recorded(const pv_pair *pair, int side);
/* Opens the folders; without a model (NULL) a trace may be of any. */
pv_code pv_pair_open(pv_pair *pair, const pv_model *model, const char *path, pv_error *err);
/* As pv_call_sequences; without an option those of the first trace that tells them, or so many
 * random ones where there is no trace. Of other tokens than a trace is PV_ERR_INPUT. */
pv_code pv_pair_sequences(const pv_pair *pair, const pv_call *call, size_t length, pv_job *job,
                          pv_error *err);
/* Runs those sides that are engines over the job's tokens, and opens what they left; it must be one
 * sequence then. Errors as of pv_engine_run and pv_recorded_open, with the side's name, and for a
 * trace of other tokens. */
pv_code pv_pair_run(pv_pair *pair, const pv_call *call, const pv_job *job, pv_error *err);
void pv_pair_close(pv_pair *pair);

#endif
