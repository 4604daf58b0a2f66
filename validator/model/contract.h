/* A contract in memory. Everything is owned by the arena given to the loader; a field that was
 * absent is NULL or an empty list. Positions point at the value's first byte. */
#ifndef PV_MODEL_CONTRACT_H
#define PV_MODEL_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "validator/model/known.h"
#include "validator/model/verdict.h"
#include "validator/yaml/yaml.h"

typedef struct pv_strings {
  char **items;
  pv_place *places;
  size_t count;
} pv_strings;

typedef struct pv_amendment {
  char *version, *date, *kind, *title, *description, *evidence; /* evidence: run id or NULL */
  pv_place place;
} pv_amendment;

typedef struct pv_equation {
  char *name, *formula, *domain;
  pv_strings invariants, preconditions, postconditions;
  pv_place place;
} pv_equation;

typedef struct pv_criterion {
  char *id, *property, *formal;
  char *where; /* "experts": about models that choose experts alone; NULL: about every model */
  pv_contract_status needed_for;
  pv_place place;
} pv_criterion;

typedef struct pv_param { /* one entry of `with`, typed by the check */
  char *name;
  char *text;      /* scalar as written; NULL for a list */
  pv_strings list; /* items of a list */
  pv_place place;
} pv_param;

/* A program of somebody else's that has checks: docs/provider-protocol.md. */
typedef struct pv_provider {
  char *name;
  char *program; /* as written: from the contract's folder, or absolute; NULL: the call names it */
  pv_strings files; /* others that its answers rest on, written alike */
  double
      timeout_s; /* of each of its checks, where the falsifier is silent; 0: what it says itself */
  pv_place place, program_place;
  /* Set by pv_providers_ask; unasked, nothing is known of its checks. */
  bool given;            /* by the call: --provider */
  const char *path;      /* the program that is started, absolute; NULL: it must not be */
  const pv_known *known; /* its checks, as NAME/CHECK; NULL: it does not say */
  const char *version;   /* its own */
  const char *why;       /* NULL but when it does not say: one sentence, and */
  pv_verdict verdict;    /* what its falsifiers have, and */
  char *output;          /* the end of what it wrote to standard error, or NULL */
} pv_provider;

typedef struct pv_falsifier {
  char *id, *rule, *prediction, *check, *if_fails;
  const pv_known_check *known; /* what pv_bind_checks found; NULL: there is no such check, or the
                                  provider was not asked */
  const pv_provider *provider; /* whose check it is; NULL: the probe's */
  pv_strings criteria, faults;
  const char *where;   /* that of every criterion that it names; NULL: some has none */
  const char *planted; /* set by pv_run_faults alone: the fault to plant, or NULL */
  pv_param *with;      /* with room for an identity of each side that is named: pv_bind_checks */
  size_t with_count;
  double timeout_s; /* as written; 0: the file is silent, see pv_bind_timeout */
  pv_place place, check_place;
} pv_falsifier;

typedef struct pv_stage { /* without a status: that follows from the criteria */
  char *id, *description;
  pv_strings criteria; /* that it must reach; empty: none is written yet */
  pv_place place;
} pv_stage;

/* The one model that a contract is about. Without it a contract is about any model. */
typedef struct pv_subject_model {
  char *sha256;           /* NULL: the contract names no model */
  char *reference_sha256; /* of the reference beside it, or NULL */
  char *made_by;          /* the command that makes it, up to the file's name */
  pv_place place;
} pv_subject_model;

typedef struct pv_contract {
  char *path;
  char sha256[PV_SHA256_HEX];
  const unsigned char *bytes; /* the file as read */
  size_t length;
  char *schema; /* "pv/contract/v1" */
  char *name, *version, *kind, *created, *author, *description;
  pv_contract_status status;
  pv_place name_place, version_place, status_place, created_place, amendments_place;
  pv_strings references, depends_on;
  pv_strings known_divergence; /* criteria named while status is KNOWN_DIVERGENCE */
  pv_subject_model model;
  pv_provider *providers;
  size_t provider_count;
  pv_amendment *amendments;
  size_t amendment_count;
  pv_equation *equations;
  size_t equation_count;
  pv_criterion *criteria;
  size_t criterion_count;
  pv_falsifier *falsifiers;
  size_t falsifier_count;
  pv_stage *stages;
  size_t stage_count;
  char *qa_id, *qa_name, *qa_pass_criteria, *qa_falsification; /* qa_gate */
} pv_contract;

bool pv_strings_has(const pv_strings *list, const char *item);
/* The first one of this name, or NULL. What lies in an array begins with its name: see
 * pv_text_nearest. */
const pv_criterion *pv_contract_criterion(const pv_contract *contract, const char *id);
/* The `where` that all criteria of a falsifier have, or NULL. */
const char *pv_contract_where(const pv_contract *contract, const pv_falsifier *falsifier);
const pv_falsifier *pv_contract_falsifier(const pv_contract *contract, const char *id);
const pv_provider *pv_contract_provider(const pv_contract *contract, const char *name);
/* The one whose check NAME/CHECK is, or NULL. */
const pv_provider *pv_contract_provider_of(const pv_contract *contract, const char *check);
const pv_stage *pv_contract_stage(const pv_contract *contract, const char *id);
const pv_param *pv_falsifier_param(const pv_falsifier *falsifier, const char *name);

#endif
