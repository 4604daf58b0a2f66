#include "validator/cli/judgement.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/sha256.h"
#include "kernels/cuda/images.h"
#include "runtime/probe/check_spec.h"
#include "validator/cli/named_model.h"
#include "validator/cli/publish.h"
#include "validator/model/bind.h"
#include "validator/run/faults.h"

enum { NOTES_MAX = 64 };

static pv_code nomem(pv_error *err) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a judgement");
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pv_code note(pv_arena *arena, pv_judgement *j, const char *what, const char *which,
                    pv_error *err) {
  if (j->notes.items == NULL) j->notes.items = PV_ARENA_NEW(arena, NOTES_MAX, char *);
  if (j->notes.items == NULL) return nomem(err);
  if (j->notes.count == NOTES_MAX) return PV_OK;
  char *text = pv_arena_printf(arena, "%s%s", what, which);
  if (text == NULL) return nomem(err);
  j->notes.items[j->notes.count++] = text;
  return PV_OK;
}

/* The folder with the contract's published runs, where it may be trusted; see pv_site. */
static const char *published(pv_arena *arena, const pv_judgement *j) {
  return pv_arena_printf(arena, "%s/reports/published/%s", j->site.home, j->contract->name);
}

/* Bits of pv_check_needs over the falsifiers that `selected` names; NULL: all. */
static unsigned needs(const pv_contract *contract, const bool *selected) {
  unsigned bits = 0;
  for (size_t i = 0; i < contract->falsifier_count; i++)
    if (selected == NULL || selected[i]) bits |= pv_bind_needs(&contract->falsifiers[i]);
  return bits;
}

/* Which falsifiers a missing reference keeps from being run. */
static pv_code note_reference(pv_arena *arena, pv_judgement *j, pv_error *err) {
  const pv_contract *c = j->contract;
  pv_text text = PV_TEXT_INIT;
  size_t count = 0;
  for (size_t i = 0; i < c->falsifier_count; i++)
    if ((pv_bind_needs(&c->falsifiers[i]) & PV_NEEDS_REFERENCE) != 0)
      pv_text_printf(&text, "%s%s", count++ > 0 ? ", " : " is needed by ", c->falsifiers[i].id);
  const pv_code code =
      text.failed ? nomem(err)
                  : note(arena, j,
                         "no reference was found beside the model; --reference FILE names one; it",
                         text.data, err);
  pv_text_free(&text);
  return code;
}

static pv_code find_files(pv_arena *arena, pv_judgement *j, pv_error *err) {
  const pv_subject_model *named = &j->contract->model;
  pv_code code = pv_site_find(arena, j->contract->path, &j->site, err);
  if (code == PV_OK) code = pv_site_model(arena, &j->site, j->model, &j->model_path, err);
  if (code == PV_OK)
    code = pv_named_model_keep(j->contract, "model", named->sha256, j->model != NULL,
                               &j->model_path, err);
  if (code == PV_OK)
    code = pv_site_reference(arena, j->model_path, j->reference, &j->reference_path, err);
  if (code == PV_OK)
    code = pv_named_model_keep(j->contract, "reference", named->reference_sha256, j->model != NULL,
                               &j->reference_path, err);
  if (code != PV_OK) return code;
  /* Of a named model the prompts are those of the named reference or the built-in ones, never those
   * of whatever lies beside the file. */
  if (named->sha256 != NULL && named->reference_sha256 == NULL && j->reference == NULL)
    j->reference_path = NULL;
  const unsigned bits = needs(j->contract, NULL);
  const unsigned outputs =
      PV_NEEDS_REFERENCE | (named->reference_sha256 != NULL ? PV_NEEDS_PROMPTS : 0);
  const bool no_model = (bits & PV_NEEDS_MODEL) != 0 && j->model_path == NULL;
  const bool no_reference = (bits & outputs) != 0 && j->reference_path == NULL;
  j->lacking = no_model || no_reference;
  if (j->lacking && named->sha256 != NULL) {
    const char *cure = pv_named_model_cure(arena, j->contract);
    return cure == NULL ? nomem(err) : note(arena, j, cure, "", err);
  }
  if (no_model)
    return note(arena, j, "no model was found; --model FILE names one. Looked for ", PV_SITE_MODEL,
                err);
  return no_reference ? note_reference(arena, j, err) : PV_OK;
}

/* `hello`'s digest of a file, else our own: hashing bytes is not parsing them. Where the contract
 * says which file it is about (`named`), that is what receipts must be about, here or not. */
static pv_code digest_of(pv_arena *arena, const pv_run_hello *hello, const char *name,
                         const char *path, const char *named, const char **out, pv_error *err) {
  char digest[PV_SHA256_HEX];
  *out = pv_run_fact(hello->model, hello->model_count, name);
  if (*out != NULL && named != NULL && strcmp(*out, named) != 0)
    return pv_error_set(err, PV_ERR_CONFLICT, "'%s' changed while it was judged", path);
  if (*out == NULL && named != NULL) *out = named;
  if (*out != NULL || path == NULL) return PV_OK;
  const pv_code code = pv_sha256_file(path, digest, err);
  if (code != PV_OK) return code;
  *out = pv_arena_strdup(arena, digest);
  return *out == NULL ? nomem(err) : PV_OK;
}

static pv_code make_basis(pv_arena *arena, pv_judgement *j, const pv_run_hello *hello,
                          pv_error *err) {
  const unsigned bits = needs(j->contract, NULL);
  pv_code code = PV_OK;
  j->basis = (pv_basis){
      .kernels = pv_run_fact(hello->environment, hello->environment_count, "kernels_sha256"),
      .builtin =
          pv_run_fact(hello->environment, hello->environment_count, "builtin_prompts_sha256"),
      .numerics = hello->numerics,
      .numerics_count = hello->numerics_count,
      .backend = j->backend};
  if ((bits & PV_NEEDS_MODEL) != 0)
    code = digest_of(arena, hello, "sha256", j->model_path, j->contract->model.sha256,
                     &j->basis.model, err);
  if (code == PV_OK && (bits & (PV_NEEDS_REFERENCE | PV_NEEDS_PROMPTS)) != 0)
    code = digest_of(arena, hello, "reference_sha256", j->reference_path,
                     j->contract->model.reference_sha256, &j->basis.reference, err);
  if (code == PV_OK) code = pv_subject_all(arena, j->contract, &j->basis, &j->subjects, err);
  return code;
}

static pv_code make_spec(pv_arena *arena, const pv_judgement *j, pv_run_spec *out, pv_error *err) {
  *out = (pv_run_spec){.backend = j->backend,
                       .threads = j->threads,
                       .contract = j->contract,
                       .unselected = "left out by --only",
                       .progress = true};
  return pv_run_find_probe(arena, j->probe, &out->probe, err);
}

/* Selects falsifiers by their own id or by that of a criterion. */
static pv_code select_one(const pv_contract *c, const char *id, size_t length, bool *selected,
                          pv_error *err) {
  bool found = false;
  const char *best = NULL;
  char word[80];
  size_t least = 6;
  snprintf(word, sizeof word, "%.*s", (int)(length < 79 ? length : 79), id);
  for (size_t i = 0; i < c->falsifier_count; i++) {
    bool hit = strcmp(c->falsifiers[i].id, word) == 0;
    for (size_t k = 0; k < c->falsifiers[i].criteria.count; k++)
      hit = hit || strcmp(c->falsifiers[i].criteria.items[k], word) == 0;
    selected[i] = selected[i] || hit;
    found = found || hit;
    const size_t d = pv_text_distance(word, c->falsifiers[i].id);
    if (d < least) {
      least = d;
      best = c->falsifiers[i].id;
    }
  }
  for (size_t i = 0; i < c->criterion_count; i++) {
    const size_t d = pv_text_distance(word, c->criteria[i].id);
    if (d < least) {
      least = d;
      best = c->criteria[i].id;
    }
  }
  if (found) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "%s has no criterion or falsifier '%s'", c->name, word);
  if (best != NULL) pv_error_hint(err, "did you mean %s?", best);
  return PV_ERR_INPUT;
}

static pv_code select_all(pv_arena *arena, const pv_judgement *j, bool **out, pv_error *err) {
  pv_code code = PV_OK;
  const size_t count = j->contract->falsifier_count;
  const bool deprecated = j->contract->status == PV_STATUS_DEPRECATED;
  bool *selected = PV_ARENA_NEW(arena, count + 1, bool);
  if (selected == NULL) return nomem(err);
  for (size_t i = 0; i < count; i++) selected[i] = j->only == NULL && !deprecated;
  for (const char *at = j->only; at != NULL && code == PV_OK && !deprecated;) {
    const size_t length = strcspn(at, ",");
    code = select_one(j->contract, at, length, selected, err);
    at = at[length] == ',' ? at + length + 1 : NULL;
  }
  *out = selected;
  return code;
}

static pv_code run(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_run_spec spec;
  bool *selected = NULL;
  j->absent = PV_ARENA_NEW(arena, j->contract->falsifier_count + 1, bool);
  if (j->absent == NULL) return nomem(err);
  pv_code code = make_spec(arena, j, &spec, err);
  if (code == PV_OK) code = select_all(arena, j, &selected, err);
  if (code != PV_OK) return code;
  spec.selected = selected;
  if (j->lacking && j->contract->model.sha256 != NULL)
    pv_named_model_leave_out(j->contract, selected, j->absent);
  if (j->contract->status == PV_STATUS_DEPRECATED)
    spec.unselected = "the contract is deprecated: nothing is judged";
  const unsigned bits = needs(j->contract, spec.selected);
  spec.model = (bits & PV_NEEDS_MODEL) != 0 ? j->model_path : NULL;
  spec.reference = (bits & (PV_NEEDS_REFERENCE | PV_NEEDS_PROMPTS)) != 0 ? j->reference_path : NULL;
  code = pv_run(arena, &spec, &j->outcome, err);
  j->spec = spec;
  if (code == PV_OK)
    code = pv_named_model_explain(arena, j->contract, j->absent, j->outcome.falsifiers, err);
  if (code != PV_OK || j->contract->status == PV_STATUS_DEPRECATED) return code;
  /* With nothing selected nobody was asked what receipts must match. */
  pv_run_hello *hello = &j->outcome.hello;
  if (!j->outcome.heard && j->outcome.children == 0) code = pv_run_ask(arena, &spec, hello, err);
  return code;
}

static pv_code use_receipts(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_receipts receipts = {0};
  const char *folder = j->site.home == NULL ? NULL : published(arena, j);
  if (folder == NULL && j->site.home != NULL) return nomem(err);
  pv_code code = PV_OK;
  if (folder != NULL) code = pv_receipts_load(arena, folder, &receipts, err);
  for (size_t i = 0; code == PV_OK && i < receipts.broken.count; i++)
    code = note(arena, j, "published evidence does not count: ", receipts.broken.items[i], err);
  if (code == PV_OK && j->contract->status != PV_STATUS_DEPRECATED)
    code = pv_receipts_apply(arena, &receipts, j->subjects, j->outcome.falsifiers,
                             j->outcome.falsifier_count, err);
  return code;
}

/* Whether a falsifier asked for a device and no receipt is about the model that it was to run. */
static pv_code unseen_on_device(const pv_judgement *j, size_t i, bool *out, pv_error *err) {
  const pv_falsifier_result *f = &j->outcome.falsifiers[i];
  const char *names[3];
  json_t *with = NULL;
  if (f->verdict != PV_NOT_RUN || !f->judged_elsewhere || j->model_path == NULL) return PV_OK;
  const pv_code code = pv_bind_with(f->falsifier, j->backend, &with, err);
  const size_t count = code == PV_OK ? pv_bind_backends(with, names) : 0;
  for (size_t k = 0; k < count; k++) *out |= strcmp(names[k], "cuda") == 0;
  json_decref(with);
  return code;
}

/* The contract was earned with another model: what is missing is no fault of it, but a machine. */
static pv_code note_unseen(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_code code = PV_OK;
  bool unseen = false;
  for (size_t i = 0; i < j->outcome.falsifier_count && code == PV_OK; i++)
    code = unseen_on_device(j, i, &unseen, err);
  if (code != PV_OK || !unseen) return code;
  size_t kernels = 0;
  (void)pv_cuda_modules(&kernels);
  const bool can = kernels > 0 && j->backend == NULL;
  return note(arena, j, "this model was never seen on a GPU: run on one",
              can ? ", or add --backend ptx to have the kernels interpreted" : "", err);
}

/* The model's facts, with its path as it is in the repository. */
static pv_code model_facts(pv_arena *arena, pv_judgement *j, pv_error *err) {
  const pv_run_hello *hello = &j->outcome.hello;
  pv_fact *facts = PV_ARENA_NEW(arena, hello->model_count + 1, pv_fact);
  if (facts == NULL) return nomem(err);
  for (size_t i = 0; i < hello->model_count; i++) {
    facts[i] = hello->model[i];
    if (strcmp(facts[i].name, "path") != 0) continue;
    const char *path = pv_site_relative(arena, j->site.root, facts[i].value);
    facts[i].value = path == NULL ? NULL : pv_arena_strdup(arena, path);
    if (facts[i].value == NULL) return nomem(err);
  }
  j->result.model = facts;
  j->result.model_count = hello->model_count;
  if (hello->model_count == 0 || j->contract->model.made_by == NULL) return PV_OK;
  facts[j->result.model_count++] = (pv_fact){pv_arena_strdup(arena, "made_by"),
                                             pv_arena_strdup(arena, j->contract->model.made_by)};
  if (facts[hello->model_count].name == NULL || facts[hello->model_count].value == NULL)
    return nomem(err);
  return PV_OK;
}

/* What was taken from around the contract, and why from there. */
static pv_code site_facts(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_result *r = &j->result;
  const char *model = j->model != NULL ? "--model" : j->model_path != NULL ? PV_SITE_MODEL : "none";
  const char *const facts[][2] = {
      {"root", j->site.root_why}, {"model_from", model}, {"receipts_from", j->site.evidence_why}};
  enum { FACTS = sizeof facts / sizeof *facts };
  pv_fact *list = PV_ARENA_NEW(arena, r->environment_count + FACTS, pv_fact);
  if (list == NULL) return nomem(err);
  memcpy(list, r->environment, r->environment_count * sizeof *list);
  for (size_t i = 0; i < FACTS; i++) {
    pv_fact *fact = &list[r->environment_count++];
    *fact = (pv_fact){pv_arena_strdup(arena, facts[i][0]), pv_arena_strdup(arena, facts[i][1])};
    if (fact->name == NULL || fact->value == NULL) return nomem(err);
  }
  r->environment = list;
  return PV_OK;
}

/* Was something that is missing not asked for, or could not be? Else missing evidence was never
 * made, and `pv validate` and `pv status` say so alike. */
static bool is_partial(const pv_judgement *j) {
  return j->only != NULL || j->lacking || j->backend != NULL;
}

static pv_code fill_result(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_result *r = &j->result;
  const pv_run_hello *hello = &j->outcome.hello;
  r->partial = is_partial(j);
  r->numerics = hello->numerics;
  r->numerics_count = hello->numerics_count;
  r->falsifiers = j->outcome.falsifiers;
  r->falsifier_count = j->outcome.falsifier_count;
  pv_code code = model_facts(arena, j, err);
  if (code == PV_OK)
    code = pv_facts_environment(arena, hello->environment, hello->environment_count, &j->git,
                                &r->environment, &r->environment_count, err);
  if (code == PV_OK) code = site_facts(arena, j, err);
  if (code == PV_OK) code = pv_status_derive(arena, r, err);
  if (code != PV_OK) return code;
  j->written_status = j->contract->status;
  j->evidence =
      (pv_evidence){.result = r, .subjects = j->subjects, .contract_path = j->site.relative};
  return pv_subject_contract(j->contract, j->evidence.semantics, err);
}

/* What --only leaves out was not asked for; what the named model's absence leaves out was. */
static pv_code plant_faults(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_strings untried = {0};
  pv_code code = pv_run_faults(arena, &j->spec, j->outcome.falsifiers, &untried, err);
  for (size_t i = 0; code == PV_OK && i < untried.count; i++)
    code = note(arena, j, untried.items[i], "", err);
  j->result.faults_untried = (unsigned)untried.count;
  for (size_t i = 0; code == PV_OK && i < j->contract->falsifier_count; i++) {
    const pv_falsifier *f = &j->contract->falsifiers[i];
    if (!j->absent[i] || f->faults.count == 0) continue;
    j->result.faults_untried += (unsigned)f->faults.count;
    code = note(arena, j, f->id, ": its faults were not tried: the model is not here", err);
  }
  return code;
}

static pv_code open_folder(pv_arena *arena, pv_judgement *j, pv_error *err) {
  if (!j->publish && j->out == NULL && j->site.runs == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "no report is written beside '%s': %s", j->contract->path,
                 j->site.root_why);
    pv_error_hint(err, "--out DIR names a place for the report");
    return PV_ERR_INPUT;
  }
  const char *base = j->publish       ? pv_arena_printf(arena, "%s/reports/published", j->site.home)
                     : j->out != NULL ? pv_arena_strdup(arena, j->out)
                                      : pv_arena_printf(arena, "%s/reports/runs", j->site.runs);
  if (base == NULL) return nomem(err);
  const pv_code code =
      pv_run_folder_open(arena, base, j->contract->name, j->result.run_id, &j->folder, err);
  if (code != PV_OK) return code;
  j->shown = pv_site_shown(arena, j->folder.final);
  return j->shown == NULL ? nomem(err) : PV_OK;
}

/* Before anything is computed: where the report goes, what it is called. */
static pv_code prepare(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_result *r = &j->result;
  char *command = pv_arena_strdup(arena, j->command);
  pv_code code = command == NULL ? nomem(err) : find_files(arena, j, err);
  /* Of no other repository than the one that the contract lies in. */
  const char *root = j->site.repository == NULL ? NULL : j->site.root;
  if (code == PV_OK) code = pv_facts_git(arena, root, &j->git, err);
  if (code == PV_OK && j->publish) code = pv_publish_allowed(j, err);
  *r = (pv_result){.contract = j->contract, .command = command, .publish = j->publish};
  if (code == PV_OK) code = pv_facts_now(arena, &r->started, err);
  if (code == PV_OK)
    code = pv_facts_run_id(arena, r->started, j->contract->sha256, j->command, &r->run_id, err);
  if (code != PV_OK) return code;
  return open_folder(arena, j, err);
}

/* A run that supports nothing is not published: its report goes where it goes without --publish. */
static pv_code maybe_publish(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_text why = PV_TEXT_INIT;
  pv_code code = PV_OK;
  if (!j->publish || !pv_publish_refused(j, &why)) goto cleanup;
  code = why.failed ? nomem(err) : note(arena, j, "nothing was published: ", why.data, err);
  pv_run_folder_drop(&j->folder, true);
  j->publish = j->result.publish = false;
  if (code == PV_OK) code = open_folder(arena, j, err);
cleanup:
  pv_text_free(&why);
  return code;
}

pv_code pv_judgement_make(pv_arena *arena, pv_judgement *j, pv_error *err) {
  const double begin = now();
  const char *written = NULL;
  pv_code code = prepare(arena, j, err);
  if (code == PV_OK) code = run(arena, j, err);
  if (code == PV_OK) code = make_basis(arena, j, &j->outcome.hello, err);
  if (code == PV_OK) code = use_receipts(arena, j, err);
  if (code == PV_OK) code = note_unseen(arena, j, err);
  if (code == PV_OK && j->faults) code = plant_faults(arena, j, err);
  if (code == PV_OK) code = fill_result(arena, j, err);
  if (code == PV_OK) code = maybe_publish(arena, j, err);
  if (code != PV_OK) goto cleanup;
  j->result.duration_s = now() - begin;
  /* Published reports name their place in the repository, not the way there from here. */
  written = j->publish ? pv_site_relative(arena, j->site.home, j->folder.final) : j->shown;
  code = written == NULL ? nomem(err)
                         : pv_run_folder_fill(arena, &j->folder, &j->evidence, written, err);
  if (code == PV_OK)
    code = j->publish ? pv_publish(arena, j, err) : pv_run_folder_finish(&j->folder, err);
cleanup:
  if (code != PV_OK) pv_run_folder_drop(&j->folder, j->publish);
  return code;
}

pv_code pv_judgement_receipts(pv_arena *arena, pv_judgement *j, pv_error *err) {
  pv_run_spec spec;
  j->result = (pv_result){.contract = j->contract};
  pv_code code = find_files(arena, j, err);
  j->result.partial = is_partial(j);
  if (code == PV_OK) code = make_spec(arena, j, &spec, err);
  if (code != PV_OK) return code;
  spec.selected = PV_ARENA_NEW(arena, j->contract->falsifier_count + 1, bool); /* none */
  spec.unselected = "nothing was run";
  if (spec.selected == NULL) return nomem(err);
  code = pv_run(arena, &spec, &j->outcome, err);
  if (code == PV_OK) code = pv_run_ask(arena, &spec, &j->outcome.hello, err);
  if (code == PV_OK) code = make_basis(arena, j, &j->outcome.hello, err);
  if (code == PV_OK) code = use_receipts(arena, j, err);
  if (code != PV_OK) return code;
  j->result.falsifiers = j->outcome.falsifiers;
  j->result.falsifier_count = j->outcome.falsifier_count;
  return pv_status_derive(arena, &j->result, err);
}
