/* One contract judged: run, receipts, status, report, and with `publish` the contract rewritten. */
#ifndef PV_CLI_JUDGEMENT_H
#define PV_CLI_JUDGEMENT_H

#include "validator/cli/facts.h"
#include "validator/cli/folder.h"
#include "validator/cli/site.h"
#include "validator/run/run.h"
#include "validator/store/derive.h"
#include "validator/store/receipt.h"
#include "validator/store/subject.h"

typedef struct pv_judgement {
  /* given; texts may be NULL but for the command */
  const pv_contract *contract;
  const char *command, *model, *reference, *backend, *only, *out, *probe;
  unsigned threads;
  bool publish, faults; /* faults: run each falsifier against those that it declares */
  /* left behind, in the arena */
  pv_result result;
  const char *shown;                 /* the report's folder as the user can type it */
  pv_contract_status written_status; /* in the contract after publishing */
  pv_strings notes;                  /* receipts that are broken, what was not found */
  /* between the steps */
  pv_site site;
  const char *model_path, *reference_path;
  bool lacking; /* some falsifier needs a model or a reference, and there is none */
  pv_git git;
  pv_run_spec spec;
  bool *absent; /* falsifiers that were not run because the model that is named is not here */
  pv_run_outcome outcome;
  pv_basis basis;
  pv_subject *subjects;
  pv_evidence evidence;
  pv_run_folder folder;
} pv_judgement;

/* On failure nothing is left behind and no status is moved. */
pv_code pv_judgement_make(pv_arena *arena, pv_judgement *j, pv_error *err);

/* The same from receipts alone: no falsifier is run, nothing is written. The receipts are held
 * against the digests of the files that lie here and against what the probe says of itself. */
pv_code pv_judgement_receipts(pv_arena *arena, pv_judgement *j, pv_error *err);

#endif
