/* Runs falsifiers in a child process `pv-probe` and judges what comes back. The probe's word is
 * taken for what was measured, never for what follows from it:
 *  - a PASS that compared nothing is VACUOUS; a PASS with a number that is none is ERROR;
 *  - a PASS whose backends do not include every backend that was asked for is FAIL;
 *  - an answer that is missing, twice, for somebody else or outside the protocol is ERROR.
 * All falsifiers share one child, so that a model is loaded once. When that child ends early or
 * hangs, the one it was working on gets CRASH, ERROR or TIMEOUT and those not yet answered get a
 * child each. When it breaks the protocol nothing it said counts, and each gets its own child.
 * A falsifier whose check is a provider's gets a child of that program, in an empty folder that is
 * removed afterwards; what it says is judged alike. It leaves early: CRASH. */
#ifndef PV_RUN_RUN_H
#define PV_RUN_RUN_H

#include "base/arena.h"
#include "base/error.h"
#include "validator/model/known.h"
#include "validator/model/result.h"

typedef struct pv_run_spec {
  const char *probe;             /* path of pv-probe */
  const char *model, *reference; /* paths, or NULL */
  const char *backend;           /* for falsifiers that name none; NULL: the check's own default */
  unsigned threads;              /* 0: one per processor, decided by the probe */
  uint64_t memory;               /* bytes that a side may hold; 0: what there is */
  const pv_contract *contract;
  const bool *selected;   /* one per falsifier of the contract; NULL: all */
  const char *unselected; /* the reason of those that are left out */
  double start_timeout_s; /* until the hello, and between falsifiers; 0: 120 s */
  bool progress;          /* a line on stderr while it runs */
} pv_run_spec;

typedef struct pv_run_hello {
  pv_fact *environment, *model, *numerics;
  size_t environment_count, model_count, numerics_count;
} pv_run_hello;

typedef struct pv_run_outcome {
  bool heard; /* a probe said hello */
  pv_run_hello hello;
  pv_falsifier_result *falsifiers; /* one for each in the contract, same order */
  size_t falsifier_count;
  unsigned children; /* probes that were started */
} pv_run_outcome;

/* Everything in `*out` lives in `arena`. PV_ERR_INPUT when the probe refuses the model or the
 * reference (its own words) or has another model than the contract names, PV_ERR_CANCELLED on
 * Ctrl-C, PV_ERR_IO when the probe cannot be started; what goes wrong in one falsifier is its
 * verdict, not an error. With no falsifier selected no child is started. */
pv_code pv_run(pv_arena *arena, const pv_run_spec *spec, pv_run_outcome *out, pv_error *err);

/* Only the hello: which kernels, which numerics, which model. No falsifier is run. */
pv_code pv_run_ask(pv_arena *arena, const pv_run_spec *spec, pv_run_hello *out, pv_error *err);

/* PV_ERR_INPUT: the file at `path`, a "model" or "reference", is not the one that the contract
 * names, but has this digest. */
pv_code pv_run_other_file(const pv_contract *contract, const char *what, const char *path,
                          const char *digest, pv_error *err);

/* The folder of this program's own file, links resolved. */
pv_code pv_run_own_folder(pv_arena *arena, const char **out, pv_error *err);

/* The probe's path: `given`, else `pv-probe` beside this program's own file. */
pv_code pv_run_find_probe(pv_arena *arena, const char *given, const char **out, pv_error *err);

/* What a probe can be asked for: it is started, says so and ends; nothing is kept for the next
 * time. `probe` as above; `timeout_s` 0: 60 s. A probe that is not there, breaks down or describes
 * what is not as pv_known_read wants it is PV_ERR_INPUT. */
pv_code pv_run_describe(pv_arena *arena, const char *probe, double timeout_s, const pv_known **out,
                        pv_error *err);

/* What became of asking a provider what it has. */
typedef struct pv_asked {
  pv_known_provider said; /* where `why` is NULL */
  const char *why;        /* why it did not say: one sentence, and */
  pv_verdict verdict;     /* ERROR, TIMEOUT or CRASH, and */
  char *output;           /* the end of what it wrote to standard error, or NULL */
} pv_asked;

/* Asks the program at `path` (absolute), which has to call itself `name`, if that is not NULL. What
 * keeps it from saying what it has is no error. All in the arena. `timeout_s` 0: 60 s. */
pv_code pv_run_ask_provider(pv_arena *arena, const char *path, const char *name, double timeout_s,
                            pv_asked *out, pv_error *err);

/* What a probe printed of its one error, "file: error: what\n  hint\n", as an error of ours:
 * PV_ERR_INPUT. */
pv_code pv_run_refusal(const char *said, pv_error *err);

/* Why `program` could not be started, from the error that says so: without its path, which is one
 * of this machine. The text is the error's or a constant. */
const char *pv_run_cause(const char *program, const pv_error *error);

#endif
