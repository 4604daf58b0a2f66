/* Earlier runs of a contract, found where they are kept: git has what was ever published, one run a
 * device after the other; the working tree what is published and not committed; the local reports
 * what never was. */
#ifndef PV_HISTORY_HISTORY_H
#define PV_HISTORY_HISTORY_H

#include "validator/model/history.h"
#include "validator/store/evidence.h"

typedef struct pv_history_ask {
  const pv_contract *contract; /* the present one, bound (pv_bind_checks) */
  const char *folder;          /* that it lies in */
  const char *home;            /* has reports/published; NULL: none that may be trusted */
  const char *repository;      /* that these lie in; NULL: none that may be trusted */
  const char *local;           /* has CONTRACT/RUN of runs that were not published; NULL: none */
  size_t most;                 /* only so many, the last ones; 0: all */
  const pv_evidence *present;  /* a run that is not kept yet and comes last; NULL: none */
} pv_history_ask;

/* Evidence that can not be read is a run that says why, never one that is left out. What git can
 * not say makes a history incomplete, which is no error. A gate is that of the contract as it was
 * at the time of the run, which git has; where it does not have it, it is not known. */
pv_code pv_history_read(pv_arena *arena, const pv_history_ask *ask, pv_history *out, pv_error *err);

/* Which run is meant, of those below `home`: `id`, whole or the 8 digits that it ends with, of
 * whatever contract; or `latest`, the last one of the contract, but for `skip` (an id, or NULL). */
typedef struct pv_history_which {
  const char *home;
  bool repository; /* git has it */
  const char *id;  /* NULL: `latest` of */
  const char *contract, *skip;
} pv_history_which;

/* `*place` says where it was found. None is PV_ERR_INPUT, and so are several with the same 8
 * digits, and one that can not be read. */
pv_code pv_history_find(pv_arena *arena, const pv_history_which *which, pv_evidence *out,
                        const char **place, pv_error *err);

#endif
