#include "validator/store/receipt.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validator/model/bind.h"

enum { RUNS_MAX = 4096 };

static int backwards(const void *a, const void *b) {
  char *const *left = a, *const *right = b;
  return strcmp(*right, *left);
}

static int newest_first(const void *a, const void *b) {
  const pv_evidence *left = a, *right = b;
  return strcmp(right->result->run_id, left->result->run_id); /* it begins with its time */
}

/* Names of the folder's entries, in an order of their own. A folder that is not there has none. */
static pv_code list_runs(pv_arena *arena, const char *folder, pv_strings *out, pv_error *err) {
  pv_code code = PV_OK;
  out->items = PV_ARENA_NEW(arena, RUNS_MAX, char *);
  if (out->items == NULL) return pv_error_nomem(err, "receipts");
  DIR *dir = opendir(folder);
  if (dir == NULL)
    return errno == ENOENT ? PV_OK : pv_error_errno(err, errno, "cannot list '%s'", folder);
  errno = 0; /* else the end and a failure look alike, and the newest receipt decides */
  for (const struct dirent *e = readdir(dir); e != NULL && code == PV_OK; e = readdir(dir)) {
    if (e->d_name[0] == '.') continue; /* also what a run that was killed left behind */
    if (out->count == RUNS_MAX) {
      code = pv_error_set(err, PV_ERR_LIMIT, "more than %d runs lie in '%s'", RUNS_MAX, folder);
    } else {
      out->items[out->count] = pv_arena_strdup(arena, e->d_name);
      code = out->items[out->count++] == NULL ? pv_error_nomem(err, "receipts") : PV_OK;
    }
    errno = 0;
  }
  if (code == PV_OK && errno != 0)
    code = pv_error_errno(err, errno, "cannot list '%s' to its end", folder);
  closedir(dir);
  if (code == PV_OK) qsort(out->items, out->count, sizeof *out->items, backwards);
  return code;
}

static pv_code load_one(pv_arena *arena, const char *folder, const char *run, pv_receipts *out,
                        pv_error *err) {
  pv_strings problems;
  pv_error local = PV_ERROR_INIT;
  char *path = pv_arena_printf(arena, "%s/%s", folder, run);
  if (path == NULL) return pv_error_nomem(err, "receipts");
  pv_code code = pv_evidence_verify(arena, path, &problems, err);
  if (code != PV_OK) return code;
  const char *why = problems.count > 0 ? problems.items[0] : NULL;
  if (why == NULL) {
    code = pv_evidence_read(arena, path, &out->items[out->count], &local);
    if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "receipts");
    if (code == PV_OK) {
      out->count++;
      return PV_OK;
    }
    why = local.message;
  }
  char *text = pv_arena_printf(arena, "%s: %s", run, why);
  if (text == NULL) return pv_error_nomem(err, "receipts");
  out->broken.items[out->broken.count++] = text;
  return PV_OK;
}

pv_code pv_receipts_load(pv_arena *arena, const char *folder, pv_receipts *out, pv_error *err) {
  pv_strings runs = {0};
  pv_code code = list_runs(arena, folder, &runs, err);
  if (code != PV_OK) return code;
  pv_receipts all = {.items = PV_ARENA_NEW(arena, runs.count + 1, pv_evidence),
                     .broken.items = PV_ARENA_NEW(arena, runs.count + 1, char *)};
  if (all.items == NULL || all.broken.items == NULL) return pv_error_nomem(err, "receipts");
  for (size_t i = 0; i < runs.count && code == PV_OK; i++)
    code = load_one(arena, folder, runs.items[i], &all, err);
  if (code != PV_OK) return code;
  qsort(all.items, all.count, sizeof *all.items, newest_first);
  *out = all;
  return PV_OK;
}

pv_code pv_receipts_newest(pv_arena *arena, const char *folder, const char **out, pv_error *err) {
  pv_strings runs = {0};
  const char *newest = NULL;
  pv_code code = list_runs(arena, folder, &runs, NULL);
  if (code != PV_OK && code != PV_ERR_NOMEM) runs.count = 0;
  for (size_t i = 0; i < runs.count && code != PV_ERR_NOMEM; i++) {
    pv_evidence evidence;
    const char *path = pv_arena_printf(arena, "%s/%s", folder, runs.items[i]);
    code = path == NULL ? PV_ERR_NOMEM : pv_evidence_read(arena, path, &evidence, NULL);
    if (code == PV_OK && (newest == NULL || strcmp(evidence.result->run_id, newest) > 0))
      newest = evidence.result->run_id;
  }
  if (code == PV_ERR_NOMEM) return pv_error_nomem(err, "receipts");
  *out = newest;
  return PV_OK;
}

/* What was measured there, and said something about the claim. */
static bool judges(const pv_falsifier_result *r) {
  if (r->source != PV_FROM_RUN) return false;
  return (r->verdict == PV_PASS && r->compared > 0) || r->verdict == PV_FAIL ||
         r->verdict == PV_VACUOUS || r->verdict == PV_INCOMPARABLE;
}

static const char *device_of(const pv_result *run) {
  static const char *const names[] = {"device", "cpu"};
  for (size_t n = 0; n < 2; n++) {
    const char *value = pv_fact_value(run->environment, run->environment_count, names[n]);
    if (value != NULL && value[0] != '\0' && strcmp(value, "none") != 0) return value;
  }
  return "unknown device";
}

static pv_code name_receipt(pv_arena *arena, const pv_result *run, pv_falsifier_result *out,
                            pv_error *err) {
  out->receipt_run = pv_arena_strdup(arena, run->run_id);
  out->receipt_date = pv_arena_strndup(arena, run->started, strnlen(run->started, 10));
  out->receipt_device = pv_arena_strdup(arena, device_of(run));
  const bool whole =
      out->receipt_run != NULL && out->receipt_date != NULL && out->receipt_device != NULL;
  return whole ? PV_OK : pv_error_nomem(err, "receipts");
}

/* The receipt's measurement takes the place of the missing one; both live in the arena. */
static pv_code take(pv_arena *arena, const pv_result *run, const pv_falsifier_result *receipt,
                    pv_falsifier_result *out, pv_error *err) {
  const pv_falsifier *falsifier = out->falsifier;
  const pv_strings declared = out->faults_declared;
  *out = *receipt;
  out->falsifier = falsifier;
  out->faults_declared = declared;
  out->source = PV_FROM_RECEIPT;
  return name_receipt(arena, run, out, err);
}

static pv_code go_stale(pv_arena *arena, const pv_result *run, const char *changed,
                        pv_falsifier_result *out, pv_error *err) {
  char *reason = pv_arena_printf(arena,
                                 "the receipt of %.10s no longer holds: it was for another "
                                 "state of %s; here: %s",
                                 run->started, changed, out->reason == NULL ? "" : out->reason);
  if (reason == NULL) return pv_error_nomem(err, "receipts");
  out->verdict = PV_STALE;
  out->source = PV_FROM_NOWHERE;
  out->reason = reason;
  return name_receipt(arena, run, out, err);
}

static bool is_known(const char *digest) {
  return digest == NULL || strcmp(digest, PV_SUBJECT_UNKNOWN) != 0;
}

/* Nobody looked at this model: that is no change of anything that was shown. */
static pv_code stay_unseen(pv_arena *arena, const pv_subject *subject, bool model_seen,
                           pv_falsifier_result *out, pv_error *err) {
  const char *here = out->reason == NULL ? "" : out->reason;
  const char *why = !model_seen                    ? "no receipt is about this model"
                    : is_known(subject->reference) ? "no receipt is about these prompts"
                                                   : "no receipt holds without the reference";
  if (!is_known(subject->model)) why = "no receipt holds without a model";
  char *reason = pv_arena_printf(arena, "%s%s%s", here, here[0] == '\0' ? "" : "; ", why);
  if (reason == NULL) return pv_error_nomem(err, "receipts");
  out->reason = reason;
  return PV_OK;
}

/* Of the receipts of a falsifier the newest that holds counts, else the newest that is about the
 * same model; those about other models say only that the claim was judged once. */
static pv_code apply_one(pv_arena *arena, const pv_receipts *receipts, const pv_subject *subject,
                         bool take_over, pv_falsifier_result *out, pv_error *err) {
  const pv_result *newest = NULL;
  bool kernels_changed = false, elsewhere = false, model_seen = false;
  pv_text changed = PV_TEXT_INIT;
  pv_code code = PV_OK;
  for (size_t i = 0; i < receipts->count; i++) {
    const pv_evidence *e = &receipts->items[i];
    for (size_t k = 0; k < e->result->falsifier_count; k++) {
      const pv_falsifier_result *r = &e->result->falsifiers[k];
      if (strcmp(r->falsifier->id, out->falsifier->id) != 0 || !judges(r)) continue;
      const bool same_model = pv_subject_same_model(&e->subjects[k], subject);
      model_seen |= same_model;
      if (!same_model || !pv_subject_same_prompts(&e->subjects[k], subject)) {
        elsewhere = true;
        continue;
      }
      if (pv_subject_holds(&e->subjects[k], subject, newest == NULL ? &changed : NULL)) {
        if (take_over) code = take(arena, e->result, r, out, err);
        goto cleanup;
      }
      if (newest == NULL) {
        newest = e->result;
        kernels_changed = !pv_subject_same_code(&e->subjects[k], subject);
      }
    }
  }
  if (newest == NULL) out->judged_elsewhere = elsewhere;
  if (newest != NULL && changed.failed) code = pv_error_nomem(err, "receipts");
  if (code != PV_OK || !take_over) goto cleanup;
  if (newest != NULL) {
    code = go_stale(arena, newest, changed.data, out, err);
    if (code == PV_OK) out->kernels_changed = kernels_changed;
  } else if (elsewhere) {
    code = stay_unseen(arena, subject, model_seen, out, err);
  }
cleanup:
  pv_text_free(&changed);
  return code;
}

pv_code pv_receipts_apply(pv_arena *arena, const pv_receipts *receipts, const pv_subject *subjects,
                          pv_falsifier_result *results, size_t count, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (results[i].verdict == PV_NOT_RUN && !results[i].of_another_part &&
        !pv_bind_names_interpreter(results[i].falsifier))
      code = apply_one(arena, receipts, &subjects[i], results[i].compared == 0, &results[i], err);
  return code;
}
