#include "validator/model/verdict.h"

#include <string.h>

static const char *const verdict_names[PV_VERDICT_COUNT] = {
    [PV_NOT_RUN] = "NOT_RUN", [PV_PASS] = "PASS",
    [PV_FAIL] = "FAIL",       [PV_ERROR] = "ERROR",
    [PV_TIMEOUT] = "TIMEOUT", [PV_CRASH] = "CRASH",
    [PV_VACUOUS] = "VACUOUS", [PV_INCOMPARABLE] = "INCOMPARABLE",
    [PV_STALE] = "STALE",     [PV_NOT_APPLICABLE] = "NOT_APPLICABLE",
};

/* Higher is worse. */
static const int badness[PV_VERDICT_COUNT] = {
    [PV_PASS] = 0,         [PV_NOT_APPLICABLE] = 1, [PV_NOT_RUN] = 2, [PV_STALE] = 3,
    [PV_INCOMPARABLE] = 4, [PV_TIMEOUT] = 5,        [PV_ERROR] = 6,   [PV_CRASH] = 7,
    [PV_VACUOUS] = 8,      [PV_FAIL] = 9,
};

/* The place of a word in a list, or -1. */
static int place_of(const char *word, const char *const *list, int count) {
  int i = count - 1;
  while (i >= 0 && strcmp(list[i], word) != 0) i--;
  return i;
}

const char *pv_verdict_name(pv_verdict verdict) {
  return (unsigned)verdict < PV_VERDICT_COUNT ? verdict_names[verdict] : "ERROR";
}

bool pv_verdict_parse(const char *name, pv_verdict *out) {
  const int place = place_of(name, verdict_names, PV_VERDICT_COUNT);
  if (place >= 0) *out = (pv_verdict)place;
  return place >= 0;
}

bool pv_verdict_falsifies(pv_verdict verdict) {
  return verdict == PV_FAIL || verdict == PV_VACUOUS;
}

bool pv_verdict_broken(pv_verdict verdict) {
  return verdict == PV_ERROR || verdict == PV_TIMEOUT || verdict == PV_CRASH ||
         verdict == PV_INCOMPARABLE;
}

pv_verdict pv_verdict_join(pv_verdict a, pv_verdict b) {
  return badness[a] >= badness[b] ? a : b;
}

static const char *const status_names[PV_STATUS_COUNT] = {
    "DRAFT",          "PROPOSED",         "ACTIVE_ALGORITHM_LEVEL",
    "ACTIVE_RUNTIME", "KNOWN_DIVERGENCE", "DEPRECATED",
};

const char *pv_contract_status_name(pv_contract_status status) {
  return (unsigned)status < PV_STATUS_COUNT ? status_names[status] : "DRAFT";
}

bool pv_contract_status_parse(const char *name, pv_contract_status *out) {
  const int place = place_of(name, status_names, PV_STATUS_COUNT);
  if (place >= 0) *out = (pv_contract_status)place;
  return place >= 0;
}

static const char *const stage_names[PV_STAGE_COUNT] = {"PENDING", "IN_PROGRESS", "DONE",
                                                        "FALSIFIED"};

const char *pv_stage_status_name(pv_stage_status status) {
  return (unsigned)status < PV_STAGE_COUNT ? stage_names[status] : "PENDING";
}
