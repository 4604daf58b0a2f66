#include "validator/run/run.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "validator/model/bind.h"
#include "validator/run/scratch.h"
#include "validator/run/talk.h"

pv_code pv_run_own_folder(pv_arena *arena, const char **out, pv_error *err) {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return pv_error_errno(err, errno, "cannot find this program's own file");
  self[n] = '\0';
  char *slash = strrchr(self, '/');
  if (slash != NULL) slash[slash == self ? 1 : 0] = '\0';
  *out = pv_arena_strdup(arena, self);
  return *out == NULL ? pv_error_nomem(err, "a path") : PV_OK;
}

pv_code pv_run_find_probe(pv_arena *arena, const char *given, const char **out, pv_error *err) {
  if (given != NULL) {
    /* The child is started without a search of the PATH: a bare name is a file right here. */
    *out = pv_arena_printf(arena, "%s%s", strchr(given, '/') == NULL ? "./" : "", given);
  } else {
    const char *folder = NULL;
    const pv_code code = pv_run_own_folder(arena, &folder, err);
    if (code != PV_OK) return code;
    *out = pv_arena_printf(arena, "%s/pv-probe", folder);
  }
  if (*out == NULL) return pv_error_nomem(err, "a run");
  if (access(*out, X_OK) == 0) return PV_OK;
  return pv_error_refuse(err, "pv-probe stands beside pv; --probe PATH names another",
                         "there is no program '%s'", *out);
}

/* Takes over an answer and keeps what the contract says about the falsifier. */
static void accept(const pv_talk *talk, size_t i, pv_falsifier_result *to) {
  static char contradicts[] = "the probe says that the model has no experts, and counts them";
  const pv_falsifier *falsifier = to->falsifier;
  const pv_strings faults = to->faults_declared;
  const bool never = to->never_fails;
  *to = talk->results[i];
  to->never_fails = never;
  to->falsifier = falsifier;
  to->faults_declared = faults;
  /* One word of the probe against another. */
  if (to->verdict == PV_NOT_APPLICABLE &&
      pv_fact_value(talk->hello.model, talk->hello.model_count, "experts") != NULL) {
    to->verdict = PV_ERROR;
    to->reason = contradicts;
  }
  if (to->verdict == PV_ERROR && talk->output[0] != '\0') to->output = talk->output;
}

/* How a child that did not answer is judged: verdict and sentence. */
static pv_verdict blame(const pv_talk *talk, double timeout_s, char *why, size_t room) {
  switch (talk->end) {
    case PV_TALK_LATE:
      if (talk->foreign == NULL && talk->current == SIZE_MAX && !talk->heard)
        snprintf(why, room, "the probe did not say hello in time");
      else if (talk->current == SIZE_MAX)
        snprintf(why, room, "the probe neither went on nor ended");
      else
        snprintf(why, room, "no answer within %g s", timeout_s);
      return PV_TIMEOUT;
    case PV_TALK_LEFT:
      snprintf(why, room, "%s", talk->why);
      return talk->signal != 0 || talk->foreign != NULL ? PV_CRASH : PV_ERROR;
    case PV_TALK_BROKEN:
      snprintf(why, room, "the %s broke the protocol: %s", pv_talk_who(talk), talk->why);
      break;
    case PV_TALK_DONE:
      snprintf(why, room, "the %s gave no answer", pv_talk_who(talk));
      break;
  }
  return PV_ERROR;
}

static pv_code settle(pv_arena *arena, pv_falsifier_result *out, const pv_talk *talk,
                      pv_error *err) {
  char why[600];
  out->verdict = blame(talk, pv_bind_timeout(out->falsifier), why, sizeof why);
  out->source = PV_FROM_RUN;
  out->duration_s = talk->current_s;
  out->reason = pv_arena_strdup(arena, why);
  out->output = talk->output != NULL && talk->output[0] != '\0' ? talk->output : NULL;
  return out->reason == NULL ? pv_error_nomem(err, "a run") : PV_OK;
}

/* The probe could not open what it was given: it says so with exit code 2 before any frame. */
static bool refused(const pv_talk *talk) {
  return talk->end == PV_TALK_LEFT && !talk->framed && talk->code == 2 && talk->signal == 0 &&
         talk->output[0] != '\0';
}

pv_code pv_run_refusal(const char *said, pv_error *err) {
  char file[400] = "";
  /* The child prints "file: error: what\n  hint\n"; it becomes one error of ours. */
  const char *mark = strstr(said, "error: ");
  if (mark != NULL) {
    const char *begin = mark;
    while (begin > said && begin[-1] != '\n') begin--;
    const size_t place = (size_t)(mark - begin);
    if (place > 2 && place < sizeof file)
      snprintf(file, sizeof file, "%.*s", (int)place - 2, begin);
    said = mark + strlen("error: ");
  }
  const size_t line = strcspn(said, "\n");
  pv_error_set(err, PV_ERR_INPUT, "%.*s", (int)(line < 400 ? line : 400), said);
  if (file[0] != '\0') pv_error_at(err, file, 0, 0, -1);
  const char *next = said + line + (said[line] == '\n');
  next += strspn(next, " ");
  const size_t hint = strcspn(next, "\n");
  if (hint > 0) pv_error_hint(err, "%.*s", (int)(hint < 200 ? hint : 200), next);
  return PV_ERR_INPUT;
}

pv_code pv_run_other_file(const pv_contract *contract, const char *what, const char *path,
                          const char *digest, pv_error *err) {
  pv_error_set(err, PV_ERR_INPUT, "the %s '%s' is not the one that %s names: its SHA-256 is %s",
               what, path, contract->name, digest);
  pv_error_hint(err, "make it with: %s FILE", contract->model.made_by);
  return PV_ERR_INPUT;
}

static void keep_hello(const pv_talk *talk, pv_run_outcome *out) {
  if (talk->heard && !out->heard) out->hello = talk->hello;
  out->heard |= talk->heard;
}

static pv_code run_alone(pv_arena *arena, const pv_run_spec *spec, size_t index, size_t shown,
                         size_t total, pv_run_outcome *out, pv_error *err) {
  pv_talk talk = {.list = &index, .count = 1, .shown = shown, .shown_total = total};
  const pv_code code = pv_talk_hold(arena, spec, &talk, err);
  if (code != PV_OK) return code;
  out->children++;
  keep_hello(&talk, out);
  if (talk.end != PV_TALK_DONE) return settle(arena, &out->falsifiers[index], &talk, err);
  accept(&talk, 0, &out->falsifiers[index]);
  return PV_OK;
}

/* Judges what one child for many leaves; `again` marks those that need a child of their own. */
static pv_code take_over(pv_arena *arena, const pv_talk *talk, bool *again, pv_run_outcome *out,
                         pv_error *err) {
  pv_code code = PV_OK;
  const bool whose = talk->current != SIZE_MAX;
  const bool started = talk->heard;
  /* Nobody to blame, or nothing to believe: each for itself. */
  const bool empty = talk->end == PV_TALK_BROKEN || (talk->end != PV_TALK_DONE && !whose);
  for (size_t i = 0; i < talk->count && code == PV_OK; i++) {
    pv_falsifier_result *result = &out->falsifiers[talk->list[i]];
    if (talk->end != PV_TALK_DONE && (!started || (empty && talk->count == 1)))
      code = settle(arena, result, talk, err);
    else if (!empty && talk->answered[i])
      accept(talk, i, result);
    else if (!empty && i == talk->current)
      code = settle(arena, result, talk, err);
    else
      again[i] = true;
  }
  return code;
}

static pv_code run_list(pv_arena *arena, const pv_run_spec *spec, const size_t *list, size_t count,
                        pv_run_outcome *out, pv_error *err) {
  pv_talk talk = {.list = list, .count = count, .shown_total = count};
  bool *again = PV_ARENA_NEW(arena, count + 1, bool);
  if (again == NULL) return pv_error_nomem(err, "a run");
  pv_code code = pv_talk_hold(arena, spec, &talk, err);
  if (code != PV_OK) return code;
  out->children++;
  if (refused(&talk)) return pv_run_refusal(talk.output, err);
  keep_hello(&talk, out);
  code = take_over(arena, &talk, again, out, err);
  size_t left = 0;
  for (size_t i = 0; i < count; i++) left += again[i];
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (again[i]) code = run_alone(arena, spec, list[i], count - left--, count, out, err);
  return code;
}

/* A provider's check that can plant nothing: nobody ever saw it fail. */
static bool plants_nothing(const pv_falsifier *f) {
  return f->provider != NULL && f->known != NULL && f->known->faults[0] == NULL;
}

/* A verdict that nobody was started for. */
static pv_code tell(pv_arena *arena, pv_falsifier_result *out, pv_verdict verdict, const char *why,
                    pv_error *err) {
  out->verdict = verdict;
  out->source = verdict == PV_NOT_RUN ? PV_FROM_NOWHERE : PV_FROM_RUN;
  out->reason = pv_arena_strdup(arena, why);
  return out->reason == NULL ? pv_error_nomem(err, "a run") : PV_OK;
}

/* A provider that can not be started, which it could when it was asked, breaks only its own. */
static pv_code run_foreign(pv_arena *arena, const pv_run_spec *spec, size_t index,
                           pv_falsifier_result *out, pv_error *err) {
  const pv_provider *p = out->falsifier->provider;
  const unsigned needs = pv_bind_needs(out->falsifier);
  pv_child_place place = {0};
  pv_talk talk = {.list = &index, .count = 1, .shown_total = 1, .foreign = &place};
  char why[600];
  pv_error local = PV_ERROR_INIT;
  out->output = p->output;
  if (p->why != NULL) return tell(arena, out, p->verdict, p->why, err);
  if (out->falsifier->known == NULL)
    return tell(arena, out, PV_ERROR, "its provider was not asked what it can check", err);
  if ((needs & PV_NEEDS_MODEL) != 0 && spec->model == NULL)
    return tell(arena, out, PV_NOT_RUN, "there is no model", err);
  if ((needs & PV_NEEDS_REFERENCE) != 0 && spec->reference == NULL)
    return tell(arena, out, PV_NOT_RUN, "there is no reference", err);
  pv_code code = pv_scratch_make(arena, &place, err);
  if (code != PV_OK) return code;
  code = pv_talk_hold(arena, spec, &talk, &local);
  pv_scratch_remove(&place);
  if (code == PV_ERR_IO) {
    snprintf(why, sizeof why, "the provider can not be started: %s", pv_run_cause(p->path, &local));
    return tell(arena, out, PV_ERROR, why, err);
  }
  if (code != PV_OK) {
    if (err != NULL) *err = local;
    return code;
  }
  if (talk.end != PV_TALK_DONE) return settle(arena, out, &talk, err);
  accept(&talk, 0, out);
  return PV_OK;
}

pv_code pv_run(pv_arena *arena, const pv_run_spec *spec, pv_run_outcome *out, pv_error *err) {
  const pv_contract *contract = spec->contract;
  const size_t count = contract->falsifier_count;
  size_t *list = PV_ARENA_NEW(arena, count + 1, size_t), chosen = 0;
  *out = (pv_run_outcome){.falsifier_count = count,
                          .falsifiers = PV_ARENA_NEW(arena, count + 1, pv_falsifier_result)};
  if (list == NULL || out->falsifiers == NULL) return pv_error_nomem(err, "a run");
  for (size_t i = 0; i < count; i++) {
    const bool selected = spec->selected == NULL || spec->selected[i];
    pv_falsifier_result *r = &out->falsifiers[i];
    r->falsifier = &contract->falsifiers[i];
    r->faults_declared = contract->falsifiers[i].faults;
    r->verdict = selected ? PV_ERROR : PV_NOT_RUN;
    r->reason = pv_arena_strdup(arena, selected                   ? "there is no answer"
                                       : spec->unselected != NULL ? spec->unselected
                                                                  : "it was left out");
    if (r->reason == NULL) return pv_error_nomem(err, "a run");
    r->never_fails = plants_nothing(r->falsifier);
    if (selected && r->falsifier->provider == NULL) list[chosen++] = i;
  }
  pv_code code = chosen == 0 ? PV_OK : run_list(arena, spec, list, chosen, out, err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    if (contract->falsifiers[i].provider != NULL && (spec->selected == NULL || spec->selected[i]))
      code = run_foreign(arena, spec, i, &out->falsifiers[i], err);
  return code;
}

pv_code pv_run_ask(pv_arena *arena, const pv_run_spec *spec, pv_run_hello *out, pv_error *err) {
  char why[600];
  pv_talk talk = {0};
  const pv_code code = pv_talk_hold(arena, spec, &talk, err);
  if (code != PV_OK) return code;
  if (refused(&talk)) return pv_run_refusal(talk.output, err);
  if (talk.end != PV_TALK_DONE) {
    blame(&talk, 0, why, sizeof why);
    return pv_error_set(err, PV_ERR_IO, "%s", why);
  }
  *out = talk.hello;
  return PV_OK;
}
