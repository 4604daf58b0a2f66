/* The result of one validation: what every report is rendered from, and what `evidence.json`
 * stores. Owned by one arena. All texts are UTF-8; renderers escape. */
#ifndef PV_MODEL_RESULT_H
#define PV_MODEL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "validator/model/contract.h"

typedef struct pv_metric {
  char *name; /* "worst_cosine", "max_abs_diff", ...; units in the name where there are any */
  double value;
} pv_metric;

/* A curve: `count` points (x, y), one line of a picture. Lines with the same `picture` are drawn
 * together. Known pictures: "stage-error" (x: layer, y: log10 error or cosine), "router-margin"
 * (x: rank of position by margin, y: margin), "expert-usage" (x: expert, y: share). */
typedef struct pv_series {
  char *picture, *name, *x_label, *y_label;
  double *x, *y;
  size_t count;
  bool log_y;
} pv_series;

typedef struct pv_worst { /* the worst element of a comparison */
  bool present;
  char *stage;
  int64_t layer, position, index;
  double left, right;
} pv_worst;

/* Since when the contract has the value of the bound that a falsifier judges by. */
typedef struct pv_fixed {
  const char *name, *value;  /* of the parameter; NULL: it judges by none */
  const char *commit, *date; /* that brought the value into the file; NULL: not known, and then */
  const char *why;           /* why not; beside a commit: why it may be an older one */
  bool before;               /* the commit was before the run that measured */
} pv_fixed;

/* Where a verdict comes from. */
typedef enum pv_source { PV_FROM_NOWHERE = 0, PV_FROM_RUN, PV_FROM_RECEIPT } pv_source;
const char *pv_source_name(pv_source source); /* "nowhere", "run", "receipt" */

typedef struct pv_falsifier_result {
  const pv_falsifier *falsifier; /* the contract's entry */
  pv_verdict verdict;
  pv_source source;
  char *reason;      /* "" on a plain PASS; one sentence otherwise */
  uint64_t compared; /* elements compared; 0 can not be PASS */
  pv_metric *metrics;
  size_t metric_count;
  pv_worst worst;
  bool has_needed_tolerance;
  double needed_tolerance;
  double duration_s;
  pv_series *series;
  size_t series_count;
  pv_strings backends; /* that really computed */
  pv_strings faults_declared, faults_killed;
  bool never_fails;      /* its provider can plant nothing in it: it was never seen to fail */
  bool judged_elsewhere; /* NOT_RUN, and all receipts are about other models or prompts */
  bool of_another_part;  /* NOT_RUN, and another part of the run judges it */
  char *receipt_run, *receipt_date, *receipt_device; /* PV_FROM_RECEIPT, or the stale one */
  bool kernels_changed;                              /* the stale one was for other kernels */
  pv_fixed fixed;
  char *output; /* tail of the probe's stderr when it went wrong; may be NULL */
} pv_falsifier_result;

typedef struct pv_criterion_result {
  const pv_criterion *criterion;
  pv_verdict verdict;
  pv_source source;
  size_t *falsifiers; /* indices into falsifiers */
  size_t falsifier_count;
} pv_criterion_result;

typedef struct pv_stage_result { /* by pv_stage_derive */
  const pv_stage *stage;
  pv_stage_status status;
  size_t held; /* criteria of the stage that are PASS */
} pv_stage_result;

typedef struct pv_fact { /* one line of environment or model */
  char *name, *value;
} pv_fact;

/* Copies of both in the arena; false when memory is out. */
bool pv_fact_make(pv_arena *arena, pv_fact *out, const char *name, const char *value);
/* The value of the one of this name, or NULL. */
const char *pv_fact_value(const pv_fact *facts, size_t count, const char *name);

typedef struct pv_summary {
  unsigned discharged, falsified, not_run, stale, error, vacuous, not_applicable; /* criteria */
} pv_summary;

/* A run may be split over several calls: each judges some falsifiers, and is no run. */
typedef struct pv_part {
  unsigned number, of;  /* 3 of 8; `of` 0: it is a run, and nothing below is there */
  const char *split;    /* SHA-256 of who judges what: the same in all parts of one run */
  const char *split_by; /* whose durations decided that */
  const char *whole;    /* the call that would judge all */
  bool faults;          /* declared faults were to be tried */
} pv_part;

typedef struct pv_result {
  const pv_contract *contract;
  char *run_id;  /* 20261122T101500Z-<8 hex of evidence digest input> */
  char *started; /* RFC 3339, UTC */
  double duration_s;
  char *command; /* argv, shell-quoted: how to reproduce */
  bool publish;
  pv_part part;
  /* not all was asked for or could be run: --only, --backend, no model or reference */
  bool partial;
  pv_contract_status status_before, status_after; /* after: the highest rung supported */
  bool status_carried;  /* false: the file claims more than the evidence supports */
  pv_fact *environment; /* os, cpu, threads, compiler, device, driver, pv and probe sha256, git */
  size_t environment_count;
  pv_fact *model; /* path, sha256, name, architecture, layers, experts, tensor types */
  size_t model_count;
  pv_fact *numerics; /* identity name -> string */
  size_t numerics_count;
  pv_falsifier_result *falsifiers; /* one for each in the contract, same order */
  size_t falsifier_count;
  pv_criterion_result *criteria; /* one for each in the contract, same order */
  size_t criterion_count;
  pv_stage_result *stages; /* one for each in the contract, same order */
  size_t stage_count;
  unsigned faults_untried; /* declared pairs that --faults could neither see caught nor survive */
  pv_summary summary;
  int exit_code;                    /* 0, 1 or 3 */
  const struct pv_history *history; /* the runs before this one, and it; NULL: nobody looked */
} pv_result;

/* Whether some falsifier is FAIL or VACUOUS. */
bool pv_result_falsified(const pv_result *result);
/* Criteria that `status` needs and that apply to the model: none for DEPRECATED, all for
 * KNOWN_DIVERGENCE. A status that needs none claims nothing, and nothing can support it. */
size_t pv_result_needed(const pv_result *result, pv_contract_status status);

#endif
