#include "validator/judge/basis.h"

#include <string.h>

#include "base/parts.h"
#include "screen/progress.h"
#include "validator/model/bind.h"
#include "validator/store/receipt.h"

/* `hello`'s digest of a file, else our own: hashing bytes is not parsing them. Where the contract
 * says which file it is about (`named`), that is what receipts must be about, here or not. */
static pv_code digest_of(pv_arena *arena, const pv_request *request, const pv_run_hello *hello,
                         const char *what, const char *path, const char *named, const char **out,
                         pv_error *err) {
  char digest[PV_SHA256_HEX];
  const bool model = strcmp(what, "model") == 0;
  const bool held = named != NULL && (!model || request->model == NULL); /* against the name */
  *out = pv_fact_value(hello->model, hello->model_count, model ? "sha256" : "reference_sha256");
  if (*out == NULL && path != NULL && !held) {
    pv_progress_say("hashing %.100s", path);
    const pv_code code = pv_parts_digest(path, digest, err);
    if (code != PV_OK) return code;
    *out = pv_arena_strdup(arena, digest);
    if (*out == NULL) return pv_error_nomem(err, "a judgement");
  }
  if (*out == NULL) *out = named;
  if (named == NULL || strcmp(*out, named) == 0) return PV_OK;
  if (held) return pv_error_set(err, PV_ERR_CONFLICT, "'%s' changed while it was judged", path);
  return pv_run_other_file(request->contract, what, path, *out, err);
}

static const char *said(const pv_run_hello *hello, const char *name) {
  return pv_fact_value(hello->environment, hello->environment_count, name);
}

/* What a provider that was not asked may need. */
static unsigned unasked(const pv_contract *c) {
  unsigned bits = 0;
  for (size_t i = 0; i < c->falsifier_count; i++)
    if (c->falsifiers[i].provider != NULL && c->falsifiers[i].known == NULL)
      bits = PV_NEEDS_MODEL | PV_NEEDS_REFERENCE;
  return bits;
}

pv_code pv_basis_subjects(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                          const pv_run_hello *hello, pv_subject **out, pv_error *err) {
  const pv_contract *c = request->contract;
  const unsigned bits = pv_ground_needs(c, NULL) | unasked(c);
  pv_code code = PV_OK;
  pv_basis basis = {.kernels = said(hello, "kernels_sha256"),
                    .ptx = said(hello, "ptx_sha256"),
                    .builtin = said(hello, "builtin_prompts_sha256"),
                    .numerics = hello->numerics,
                    .numerics_count = hello->numerics_count,
                    .backend = request->backend};
  if ((bits & PV_NEEDS_MODEL) != 0)
    code = digest_of(arena, request, hello, "model", ground->model, c->model.sha256, &basis.model,
                     err);
  if (code == PV_OK && (bits & (PV_NEEDS_REFERENCE | PV_NEEDS_PROMPTS)) != 0)
    code = digest_of(arena, request, hello, "reference", ground->reference,
                     c->model.reference_sha256, &basis.reference, err);
  return code == PV_OK ? pv_subject_all(arena, c, &basis, out, err) : code;
}

pv_code pv_basis_files(pv_arena *arena, const pv_request *request, pv_subject **out,
                       pv_error *err) {
  const pv_basis basis = {.backend = request->backend};
  return pv_subject_all(arena, request->contract, &basis, out, err);
}

pv_code pv_basis_unchanged(const pv_request *request, const pv_subject *before,
                           const pv_subject *after, pv_error *err) {
  for (size_t i = 0; i < request->contract->falsifier_count; i++) {
    const char *name = pv_subject_changed_file(&before[i], &after[i]);
    if (name != NULL)
      return pv_error_set(err, PV_ERR_CONFLICT, "'%s' changed while it was judged", name);
  }
  return PV_OK;
}

/* Whether a falsifier asked for a GPU and no receipt is about the model that it was to run; and
 * whether the interpreter could stand in for that GPU. */
static pv_code unseen_on_gpu(const pv_request *request, const pv_falsifier_result *f, bool *out,
                             bool *interprets, pv_error *err) {
  const char *names[PV_BIND_SIDES];
  json_t *with = NULL;
  if (f->verdict != PV_NOT_RUN || !f->judged_elsewhere || f->falsifier->provider != NULL)
    return PV_OK;
  const pv_code code = pv_bind_with(f->falsifier, request->backend, &with, err);
  const size_t count = code == PV_OK ? pv_bind_backends(f->falsifier, with, names) : 0;
  *out |= code == PV_OK && pv_bind_asks_gpu(f->falsifier, with);
  for (size_t k = 0; k < count; k++) *interprets |= pv_bind_is_kind(names[k], "cuda");
  json_decref(with);
  return code;
}

pv_code pv_basis_unseen(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                        const pv_run_outcome *outcome, pv_strings *notes, pv_error *err) {
  pv_code code = PV_OK;
  bool unseen = false, interprets = false;
  if (ground->model == NULL) return PV_OK;
  for (size_t i = 0; i < outcome->falsifier_count && code == PV_OK; i++)
    code = unseen_on_gpu(request, &outcome->falsifiers[i], &unseen, &interprets, err);
  if (code != PV_OK || !unseen) return code;
  const bool can =
      interprets && said(&outcome->hello, "ptx_sha256") != NULL && request->backend == NULL;
  return pv_ground_note(arena, notes, "this model was never seen on a GPU: run on one",
                        can ? ", or add --backend ptx to have the kernels interpreted" : "", err);
}

pv_code pv_basis_receipts(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                          const pv_subject *subjects, pv_run_outcome *outcome, pv_strings *notes,
                          pv_error *err) {
  pv_receipts receipts = {0};
  pv_code code = PV_OK;
  if (ground->site.home != NULL) {
    const char *folder = pv_arena_printf(arena, "%s/reports/published/%s", ground->site.home,
                                         request->contract->name);
    code = folder == NULL ? pv_error_nomem(err, "a judgement")
                          : pv_receipts_load(arena, folder, &receipts, err);
  }
  for (size_t i = 0; code == PV_OK && i < receipts.broken.count; i++)
    code = pv_ground_note(arena, notes,
                          "published evidence does not count: ", receipts.broken.items[i], err);
  if (code == PV_OK && request->contract->status != PV_STATUS_DEPRECATED)
    code = pv_receipts_apply(arena, &receipts, subjects, outcome->falsifiers,
                             outcome->falsifier_count, err);
  return code;
}
