#include "reports/render/view.h"

#include <string.h>

#include "reports/render/fmt.h"
#include "reports/render/gate.h"

static const pv_look looks[PV_VERDICT_COUNT] = {
    [PV_NOT_RUN] = {"⚪", "○", "-", "notrun", "2", "nobody looked"},
    [PV_PASS] = {"✅", "✓", "+", "pass", "32", "the claim held"},
    [PV_FAIL] = {"❌", "✗", "X", "fail", "1;31", "the claim is false"},
    [PV_ERROR] = {"⚠️", "!", "!", "error", "33", "the check broke down"},
    [PV_TIMEOUT] = {"⏱️", "◷", "T", "timeout", "33", "the check took too long"},
    [PV_CRASH] = {"💥", "‼", "#", "crash", "33", "the probe ended without an answer"},
    [PV_VACUOUS] = {"🚫", "∅", "0", "vacuous", "1;31", "nothing was tested"},
    [PV_INCOMPARABLE] = {"↔️", "≠", "~", "incomparable", "33",
                         "the two sides compute different functions"},
    [PV_STALE] = {"⌛", "◌", "?", "stale", "2", "the receipt no longer holds"},
    [PV_NOT_APPLICABLE] = {"➖", "–", "n", "apart", "2", "the claim is not about this model"},
};

const pv_look *pv_view_look(pv_verdict verdict) {
  return &looks[verdict];
}

const char *pv_view_text(const char *value) {
  return value == NULL ? "" : value;
}

pv_concern pv_view_concern(pv_verdict verdict) {
  switch (verdict) {
    case PV_PASS:
      return PV_CONCERN_NONE;
    case PV_FAIL:
    case PV_VACUOUS:
      return PV_CONCERN_FALSE;
    case PV_NOT_RUN:
    case PV_STALE:
      return PV_CONCERN_UNSEEN;
    case PV_NOT_APPLICABLE:
      return PV_CONCERN_APART;
    default:
      return PV_CONCERN_UNJUDGED;
  }
}

const pv_heading pv_view_headings[PV_VIEW_HEADINGS] = {
    {PV_CONCERN_FALSE, "What does not hold",
     "Refuted by a falsifier, or by one that tested nothing."},
    {PV_CONCERN_UNJUDGED, "What could not be judged",
     "A check was started and gave no answer. This is not a pass."},
    {PV_CONCERN_UNSEEN, "What nobody looked at",
     "Not run here and not held by a valid receipt. This is not a pass."},
    {PV_CONCERN_APART, "What is not about this model",
     "The model does not have what the claim is about. This is not a pass."}};

size_t pv_view_count(const pv_result *result, pv_concern concern) {
  size_t count = 0;
  for (size_t i = 0; i < result->criterion_count; i++)
    count += pv_view_concern(result->criteria[i].verdict) == concern;
  return count;
}

bool pv_view_all_hold(const pv_result *r) {
  const size_t held = pv_view_count(r, PV_CONCERN_NONE);
  return held > 0 && held + pv_view_count(r, PV_CONCERN_APART) == r->criterion_count;
}

bool pv_view_needed(const pv_result *r, size_t falsifier) {
  if (r->status_before == PV_STATUS_DEPRECATED) return false;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (c->criterion->needed_for > r->status_before) continue;
    for (size_t k = 0; k < c->falsifier_count; k++)
      if (c->falsifiers[k] == falsifier) return true;
  }
  return false;
}

/* Also a falsifier that supports no criterion can be false. */
static bool any_false(const pv_result *r) {
  return pv_result_falsified(r) || pv_view_count(r, PV_CONCERN_FALSE) > 0;
}

/* Exit code 0 over something false: only a status beside the ladder allows that. */
static bool false_by_declaration(const pv_result *r) {
  return r->exit_code == 0 && any_false(r);
}

/* Nothing is false, and the status needs no criterion: nothing is shown either. */
static bool claims_nothing(const pv_result *r) {
  return r->status_before <= PV_STATUS_ACTIVE_RUNTIME && r->status_carried &&
         pv_result_needed(r, r->status_before) == 0;
}

const char *pv_view_outcome(const pv_result *r) {
  if (r->part.of > 0)
    return r->exit_code == 1 ? "Part, falsified" : r->exit_code == 3 ? "Part, incomplete" : "Part";
  if (r->status_before == PV_STATUS_DEPRECATED) return "Deprecated";
  if (false_by_declaration(r)) return "Known divergence";
  if (any_false(r)) return "Falsified";
  if (!r->status_carried) return "Not verified";
  if (r->exit_code == 0) return claims_nothing(r) ? "Nothing claimed" : "Verified";
  return r->exit_code == 3 ? "Incomplete" : "Not verified";
}

pv_verdict pv_view_outcome_look(const pv_result *r) {
  if (r->part.of > 0) return r->exit_code == 1 ? PV_FAIL : PV_NOT_RUN;
  if (any_false(r) || !r->status_carried) return PV_FAIL;
  if (r->status_before == PV_STATUS_DEPRECATED) return PV_STALE;
  if (r->exit_code == 0) return claims_nothing(r) ? PV_NOT_RUN : PV_PASS;
  return r->exit_code == 3 ? PV_NOT_RUN : PV_FAIL;
}

static void put_names(pv_text *out, const pv_result *r, pv_concern concern) {
  enum { NAMED = 4 };
  size_t seen = 0;
  for (size_t i = 0; i < r->criterion_count; i++) {
    if (pv_view_concern(r->criteria[i].verdict) != concern) continue;
    if (seen < NAMED) {
      pv_text_puts(out, seen > 0 ? ", " : " (");
      pv_text_puts(out, r->criteria[i].criterion->id);
    }
    seen++;
  }
  if (seen > NAMED) pv_text_printf(out, " and %zu more", seen - NAMED);
  if (seen > 0) pv_text_puts(out, ")");
}

static void put_rest(pv_text *out, const pv_result *r) {
  const size_t unjudged = pv_view_count(r, PV_CONCERN_UNJUDGED);
  const size_t unseen = pv_view_count(r, PV_CONCERN_UNSEEN);
  if (unjudged > 0) pv_text_printf(out, "; %zu could not be judged", unjudged);
  if (unseen > 0) pv_text_printf(out, "; nobody looked at %zu", unseen);
  const size_t apart = pv_view_count(r, PV_CONCERN_APART);
  if (apart > 0)
    pv_text_printf(out, "; %zu %s not about this model", apart, apart == 1 ? "is" : "are");
}

/* When everything that the claimed rung needs holds, that is what a reader wants to hear. */
static bool put_needed(pv_text *out, const pv_result *r) {
  size_t needed = 0;
  if (r->exit_code != 0 || r->status_before > PV_STATUS_ACTIVE_RUNTIME) return false;
  for (size_t i = 0; i < r->criterion_count; i++) {
    if (r->criteria[i].criterion->needed_for > r->status_before) continue;
    if (r->criteria[i].verdict == PV_NOT_APPLICABLE) continue;
    if (r->criteria[i].verdict != PV_PASS) return false;
    needed++;
  }
  if (needed == 0) return false;
  pv_text_printf(out,
                 "%s %zu criteri%s that %s needs hold%s; %zu of %zu hold in all, none is false",
                 needed == 1 ? "The" : "All", needed, needed == 1 ? "on" : "a",
                 pv_contract_status_name(r->status_before), needed == 1 ? "s" : "",
                 pv_view_count(r, PV_CONCERN_NONE), r->criterion_count);
  return true;
}

/* Of a part: what it judged. Of the contract it says nothing. */
static void put_part(pv_text *out, const pv_result *r) {
  size_t own = 0, held = 0, refuted = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    own += !f->of_another_part;
    held += f->verdict == PV_PASS;
    refuted += pv_verdict_falsifies(f->verdict);
  }
  pv_text_printf(
      out,
      "Part %u of %u of a run, and no run: %zu of %zu falsifiers are in it, %zu held and "
      "%zu false; the others are in other parts.",
      r->part.number, r->part.of, own, r->falsifier_count, held, refuted);
}

void pv_view_sentence(pv_text *out, const pv_result *r) {
  if (r->part.of > 0) {
    put_part(out, r);
    return;
  }
  const size_t all = r->criterion_count, held = pv_view_count(r, PV_CONCERN_NONE);
  const size_t refuted = pv_view_count(r, PV_CONCERN_FALSE);
  if (refuted > 0) {
    pv_text_printf(out, "%zu of %zu criteria %s false", refuted, all, refuted == 1 ? "is" : "are");
    put_names(out, r, PV_CONCERN_FALSE);
    pv_text_printf(out, "; %zu hold%s", held, held == 1 ? "s" : "");
  } else if (any_false(r)) {
    pv_text_puts(out, "A falsifier that no criterion names is false");
  } else if (all == 0) {
    pv_text_puts(out, "The contract has no criteria, so nothing was claimed or shown");
  } else if (!pv_view_all_hold(r) && put_needed(out, r)) {
    /* said */
  } else if (pv_view_all_hold(r)) {
    if (held < all)
      pv_text_printf(out, "%zu of %zu criteria hold%s, and none is falsified", held, all,
                     held == 1 ? "s" : "");
    else if (all == 1)
      pv_text_puts(out, "The one criterion holds, and is not falsified");
    else
      pv_text_printf(out, "All %zu criteria hold, and none is falsified", all);
  } else {
    pv_text_printf(out, "Nothing is falsified; %zu of %zu criteria hold%s", held, all,
                   held == 1 ? "s" : "");
  }
  put_rest(out, r);
  pv_text_puts(out, ".");
  if (false_by_declaration(r) && r->status_before == PV_STATUS_KNOWN_DIVERGENCE)
    pv_text_puts(out, " The file declares this as a known divergence.");
  if (all > 0 && claims_nothing(r))
    pv_text_printf(out, " The file claims nothing: %s needs no criterion.",
                   pv_contract_status_name(r->status_before));
  if (!r->status_carried)
    pv_text_printf(out, " The file claims %s, but the evidence supports only %s.",
                   pv_contract_status_name(r->status_before),
                   pv_contract_status_name(r->status_after));
}

void pv_view_transition(pv_text *out, const pv_result *r) {
  if (r->part.of > 0) {
    pv_text_puts(out, "a part supports no status; pv evidence merge joins the parts");
    return;
  }
  if (r->status_before == PV_STATUS_DEPRECATED) {
    pv_text_puts(out, "nothing is claimed");
  } else if (!r->status_carried) {
    pv_text_puts(out, "not supported by the evidence");
  } else if (claims_nothing(r)) {
    pv_text_puts(out, r->status_before == r->status_after
                          ? "nothing is claimed"
                          : "nothing is claimed; evidence supports more");
  } else {
    pv_text_puts(out, "supported by the evidence");
    if (r->status_before != r->status_after) pv_text_puts(out, ", which supports more");
  }
  if (r->status_before != r->status_after)
    pv_text_puts(out, r->publish ? "; recorded in the contract" : "; the file was not changed");
}

void pv_view_falsifier_source(pv_text *out, const pv_result *r, size_t index) {
  const pv_falsifier_result *f = &r->falsifiers[index];
  if (f->source == PV_FROM_RUN) {
    pv_text_puts(out, "this run");
    return;
  }
  const char *device = pv_view_text(f->receipt_device), *date = pv_view_text(f->receipt_date);
  const char *run = pv_view_text(f->receipt_run);
  if (f->source == PV_FROM_NOWHERE && device[0] == '\0' && date[0] == '\0' && run[0] == '\0') {
    pv_text_puts(out, "nowhere");
    return;
  }
  pv_text_puts(out, f->source == PV_FROM_RECEIPT ? "receipt: " : "nowhere (old receipt: ");
  const char *what = device[0] != '\0' ? device : run[0] != '\0' ? run : "unknown device";
  pv_text_puts(out, what);
  if (date[0] != '\0') pv_text_printf(out, ", %s", date);
  if (f->source != PV_FROM_RECEIPT) pv_text_puts(out, ")");
}

enum { DIGITS = 12 };

void pv_view_model(pv_text *out, const pv_result *r) {
  const char *name = pv_view_text(pv_fact_value(r->model, r->model_count, "name"));
  const char *path = pv_view_text(pv_fact_value(r->model, r->model_count, "path"));
  const char *digest = pv_view_text(pv_fact_value(r->model, r->model_count, "sha256"));
  if (r->model_count == 0) {
    pv_text_puts(out, "none was needed");
    return;
  }
  pv_text_puts(out, name[0] != '\0' || path[0] != '\0' ? name : "without a name");
  pv_text_printf(out, "%s%s", name[0] != '\0' && path[0] != '\0' ? ", " : "", path);
  if (digest[0] != '\0')
    pv_text_printf(out, ", sha256 %.*s%s", DIGITS, digest, strlen(digest) > DIGITS ? "…" : "");
}

void pv_view_commit(pv_text *out, const pv_result *r) {
  const char *git = pv_view_text(pv_fact_value(r->environment, r->environment_count, "git"));
  const size_t length = strcspn(git, " ");
  if (length == 0) {
    pv_text_puts(out, "not known");
    return;
  }
  pv_text_printf(out, "%.*s%s", length < DIGITS ? (int)length : DIGITS, git, git + length);
}

static const pv_falsifier_result *part(const pv_result *r, const pv_criterion_result *c, size_t i) {
  return &r->falsifiers[c->falsifiers[i]];
}

void pv_view_criterion_source(pv_text *out, const pv_result *r, size_t index) {
  const pv_criterion_result *c = &r->criteria[index];
  for (size_t i = 0; i < c->falsifier_count && c->source == PV_FROM_RECEIPT; i++) {
    if (part(r, c, i)->source != PV_FROM_RECEIPT) continue;
    pv_view_falsifier_source(out, r, c->falsifiers[i]);
    return;
  }
  pv_text_puts(out, c->source == PV_FROM_RUN       ? "this run"
                    : c->source == PV_FROM_RECEIPT ? "receipt"
                                                   : "nowhere");
}

void pv_view_criterion_reason(pv_text *out, const pv_result *r, size_t index) {
  enum { SHOWN = 3 };
  const pv_criterion_result *c = &r->criteria[index];
  size_t seen = 0;
  if (c->falsifier_count == 0) pv_text_puts(out, "no falsifier is bound to it");
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier_result *f = part(r, c, i);
    if (f->verdict != c->verdict) continue;
    if (seen++ >= SHOWN) continue;
    const char *reason = pv_view_text(f->reason);
    pv_text_printf(out, "%s%s: %s", seen > 1 ? "; " : "", f->falsifier->id,
                   reason[0] != '\0' ? reason : pv_view_look(f->verdict)->means);
  }
  if (seen > SHOWN) pv_text_printf(out, "; and %zu more", seen - SHOWN);
}

void pv_view_where(pv_text *out, const pv_result *r) {
  size_t counts[3] = {0};
  const char *device = "", *date = "";
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    counts[c->source <= PV_FROM_RECEIPT ? c->source : PV_FROM_NOWHERE]++;
    for (size_t k = 0; k < c->falsifier_count && c->source == PV_FROM_RECEIPT; k++) {
      if (device[0] != '\0' || part(r, c, k)->source != PV_FROM_RECEIPT) continue;
      device = pv_view_text(part(r, c, k)->receipt_device);
      date = pv_view_text(part(r, c, k)->receipt_date);
    }
  }
  pv_text_printf(out, "%zu by this run", counts[PV_FROM_RUN]);
  if (counts[PV_FROM_RECEIPT] > 0) {
    pv_text_printf(out, ", %zu by receipt", counts[PV_FROM_RECEIPT]);
    if (device[0] != '\0') pv_text_printf(out, " (%s%s%s)", device, date[0] ? ", " : "", date);
  }
  pv_text_printf(out, ", %zu nowhere", counts[PV_FROM_NOWHERE]);
}

/* A tried fault that survives makes the falsifier VACUOUS, so none caught otherwise means that none
 * was tried. */
void pv_view_faults(pv_text *out, const pv_result *r, size_t index) {
  const pv_falsifier_result *f = &r->falsifiers[index];
  const size_t declared = f->faults_declared.count, killed = f->faults_killed.count;
  if (f->never_fails) pv_text_puts(out, "never seen to fail: its provider plants nothing");
  if (declared == 0) return;
  if (killed == 0 && f->verdict != PV_VACUOUS)
    pv_text_printf(out, "%zu declared, none tried", declared);
  else
    pv_text_printf(out, "%zu of %zu caught", killed, declared);
}

void pv_view_gate(pv_text *out, const pv_result *r, size_t index) {
  pv_gate gate;
  if (pv_gate_find(r->falsifiers[index].falsifier, &gate)) pv_gate_put(out, &gate);
}

void pv_view_measured(pv_text *out, const pv_result *r, size_t index) {
  const pv_falsifier_result *f = &r->falsifiers[index];
  pv_gate gate;
  if (f->has_needed_tolerance)
    pv_gate_put_measured(out, pv_gate_find(f->falsifier, &gate) ? &gate : NULL,
                         f->needed_tolerance);
}

void pv_view_worst(pv_text *out, const pv_result *r, size_t index) {
  const pv_worst *w = &r->falsifiers[index].worst;
  if (!w->present) return;
  pv_text_puts(out, pv_view_text(w->stage));
  if (w->layer >= 0) pv_text_printf(out, ", layer %lld", (long long)w->layer);
  if (w->position >= 0) pv_text_printf(out, ", position %lld", (long long)w->position);
  if (w->index >= 0) pv_text_printf(out, ", index %lld", (long long)w->index);
  pv_text_puts(out, ": ");
  pv_fmt_float(out, w->left);
  pv_text_puts(out, " against ");
  pv_fmt_float(out, w->right);
}

bool pv_view_divergence(const pv_result *r, pv_divergence *out) {
  bool found = false;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    for (size_t s = 0; s < f->series_count && f->verdict == PV_FAIL; s++) {
      const pv_series *line = &f->series[s];
      if (strcmp(pv_view_text(line->picture), "stage-error") != 0) continue;
      for (size_t k = 0; k < line->count; k++) {
        if (line->y[k] == 0.0 || (found && !(line->x[k] < out->x))) continue;
        const char *axis = pv_view_text(line->x_label);
        *out = (pv_divergence){f, line, axis[0] != '\0' ? axis : "layer", line->x[k], line->y[k]};
        found = true;
      }
    }
  }
  return found;
}

pv_code pv_view_end(pv_text *out, size_t begin, pv_code code, pv_error *err) {
  if (code == PV_OK && !out->failed) return PV_OK;
  if (out->data != NULL && begin < out->capacity) {
    out->length = begin;
    out->data[begin] = '\0';
  }
  if (code != PV_OK) return code;
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory while writing a report");
}

/* "NAME (TYPE), Vulkan 1.3.230, DRIVER: what was proved": where NAME ends; NULL for another side.
 */
static const char *vulkan_name_end(const char *backend) {
  const char *type = strstr(backend, "), Vulkan ");
  while (type != NULL && type > backend && *type != '(') type--;
  return type != NULL && type - 1 > backend && type[-1] == ' ' ? type - 1 : NULL;
}

bool pv_view_by_vulkan(const pv_result *r) {
  for (size_t i = 0; i < r->falsifier_count; i++)
    for (size_t k = 0; k < r->falsifiers[i].backends.count; k++)
      if (vulkan_name_end(r->falsifiers[i].backends.items[k]) != NULL) return true;
  return false;
}

const char *pv_view_gpu(const pv_result *r, const pv_falsifier_result *f, size_t *length) {
  bool cuda = false;
  for (size_t i = 0; i < f->backends.count; i++) {
    const char *backend = f->backends.items[i], *end = vulkan_name_end(backend);
    cuda = cuda || strncmp(backend, "cuda", strlen("cuda")) == 0;
    if (end == NULL || strncmp(end, " (software", strlen(" (software")) == 0) continue;
    *length = (size_t)(end - backend);
    return backend;
  }
  const char *device = !cuda ? NULL
                       : f->source == PV_FROM_RECEIPT
                           ? f->receipt_device
                           : pv_fact_value(r->environment, r->environment_count, "device");
  if (device == NULL || strcmp(device, "none") == 0) return NULL;
  *length = strlen(device);
  return device;
}
