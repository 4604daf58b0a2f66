#include "validator/judge/ground.h"

#include <string.h>

#include "base/parts.h"
#include "base/text.h"
#include "screen/progress.h"
#include "validator/model/bind.h"
#include "validator/run/run.h"

enum { NOTES_MAX = 64 };

pv_code pv_ground_note(pv_arena *arena, pv_strings *notes, const char *what, const char *which,
                       pv_error *err) {
  if (notes->items == NULL) notes->items = PV_ARENA_NEW(arena, NOTES_MAX, char *);
  if (notes->items == NULL) return pv_error_nomem(err, "a judgement");
  if (notes->count == NOTES_MAX) return PV_OK;
  char *text = pv_arena_printf(arena, "%s%s", what, which);
  if (text == NULL) return pv_error_nomem(err, "a judgement");
  notes->items[notes->count++] = text;
  return PV_OK;
}

unsigned pv_ground_needs(const pv_contract *contract, const bool *selected) {
  unsigned bits = 0;
  for (size_t i = 0; i < contract->falsifier_count; i++)
    if (selected == NULL || selected[i]) bits |= pv_bind_needs(&contract->falsifiers[i]);
  return bits;
}

char *pv_ground_cure(pv_arena *arena, const pv_contract *contract) {
  return pv_arena_printf(
      arena,
      "the model that the contract names is not here with its reference; make both with "
      "`%s FILE` "
      "and name it with --model",
      contract->model.made_by);
}

/* Keeps `*path` (may be NULL) only where the file's digest is `want`. One that the user gave and is
 * another file is PV_ERR_INPUT, the default one becomes NULL. */
static pv_code keep_named(const pv_request *request, const char *what, const char *want,
                          const char **path, pv_error *err) {
  const pv_contract *contract = request->contract;
  char digest[PV_SHA256_HEX];
  if (*path == NULL || want == NULL) return PV_OK;
  pv_progress_say("hashing %.100s", *path);
  const pv_code code = pv_parts_digest(*path, digest, err);
  if (code != PV_OK || strcmp(digest, want) == 0) return code;
  if (request->model != NULL) return pv_run_other_file(contract, what, *path, digest, err);
  *path = NULL;
  return PV_OK;
}

/* What lies beside another model than the named one is not the named reference either: then it is
 * the model that is told of. */
static pv_code keep_reference(const pv_request *request, pv_ground *g, pv_error *err) {
  const pv_subject_model *named = &request->contract->model;
  pv_error local = PV_ERROR_INIT;
  pv_code code = keep_named(request, "reference", named->reference_sha256, &g->reference, &local);
  if (code == PV_ERR_INPUT) {
    const pv_code model = keep_named(request, "model", named->sha256, &g->model, err);
    if (model != PV_OK) return model;
  }
  if (code != PV_OK && err != NULL) *err = local;
  return code;
}

/* Which falsifiers a missing reference keeps from being run. */
static pv_code note_reference(pv_arena *arena, const pv_contract *c, pv_strings *notes,
                              pv_error *err) {
  pv_text text = PV_TEXT_INIT;
  size_t count = 0;
  for (size_t i = 0; i < c->falsifier_count; i++)
    if ((pv_bind_needs(&c->falsifiers[i]) & PV_NEEDS_REFERENCE) != 0)
      pv_text_printf(&text, "%s%s", count++ > 0 ? ", " : " is needed by ", c->falsifiers[i].id);
  const pv_code code =
      text.failed ? pv_error_nomem(err, "a judgement")
                  : pv_ground_note(
                        arena, notes,
                        "no reference was found beside the model; --reference FILE names one; it",
                        text.data, err);
  pv_text_free(&text);
  return code;
}

/* Sets `lacking`, and says what is. */
static pv_code find_lacks(pv_arena *arena, const pv_contract *c, pv_strings *notes, pv_ground *g,
                          pv_error *err) {
  const unsigned bits = pv_ground_needs(c, NULL);
  const unsigned outputs =
      PV_NEEDS_REFERENCE | (c->model.reference_sha256 != NULL ? PV_NEEDS_PROMPTS : 0);
  const bool no_model = (bits & PV_NEEDS_MODEL) != 0 && g->model == NULL;
  const bool no_reference = (bits & outputs) != 0 && g->reference == NULL;
  g->lacking = no_model || no_reference;
  if (g->lacking && c->model.sha256 != NULL) {
    const char *cure = pv_ground_cure(arena, c);
    return cure == NULL ? pv_error_nomem(err, "a judgement")
                        : pv_ground_note(arena, notes, cure, "", err);
  }
  if (no_model)
    return pv_ground_note(arena, notes, "no model was found; --model FILE names one. Looked for ",
                          PV_SITE_MODEL, err);
  return no_reference ? note_reference(arena, c, notes, err) : PV_OK;
}

pv_code pv_ground_find(pv_arena *arena, const pv_request *request, pv_strings *notes,
                       pv_ground *out, pv_error *err) {
  const pv_subject_model *named = &request->contract->model;
  pv_ground g = {0};
  pv_code code = pv_site_find(arena, request->contract->path, &g.site, err);
  if (code == PV_OK) code = pv_site_model(arena, &g.site, request->model, &g.model, err);
  /* Of a model that was given the probe says the digest, and it is held against the name then: a
   * large file is read once. */
  if (code == PV_OK && request->model == NULL)
    code = keep_named(request, "model", named->sha256, &g.model, err);
  if (code == PV_OK)
    code = pv_site_reference(arena, g.model, request->reference, &g.reference, err);
  if (code == PV_OK) code = keep_reference(request, &g, err);
  if (code != PV_OK) return code;
  /* Of a named model the prompts are those of the named reference or the built-in ones, never those
   * of whatever lies beside the file. */
  if (named->sha256 != NULL && named->reference_sha256 == NULL && request->reference == NULL)
    g.reference = NULL;
  code = find_lacks(arena, request->contract, notes, &g, err);
  if (code == PV_OK) *out = g;
  return code;
}
