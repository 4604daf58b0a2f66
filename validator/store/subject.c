#include "validator/store/subject.h"

#include <string.h>

#include "validator/model/bind.h"
#include "validator/store/canon.h"

/* Exactly: two claims that differ in a byte have two digests. */
static json_t *strings(const pv_strings *list) {
  json_t *out = json_array();
  for (size_t i = 0; i < list->count; i++) pv_json_append(&out, pv_json_exact(list->items[i]));
  return out;
}

static json_t *claim(const pv_criterion *c) {
  json_t *out = json_pack("{s:s, s:o, s:o}", "id", c->id, "property", pv_json_exact(c->property),
                          "formal", pv_json_exact(c->formal));
  /* Left out where there is none, so that claims without one keep their digest. */
  if (c->where != NULL) pv_json_set(&out, "where", pv_json_exact(c->where));
  return out;
}

/* The claims that the falsifier is bound to, word for word. */
static json_t *claims(const pv_contract *contract, const pv_falsifier *falsifier) {
  json_t *out = json_array();
  for (size_t i = 0; i < contract->criterion_count; i++)
    for (size_t k = 0; k < falsifier->criteria.count; k++)
      if (strcmp(falsifier->criteria.items[k], contract->criteria[i].id) == 0)
        pv_json_append(&out, claim(&contract->criteria[i]));
  return out;
}

static const char *known(const char *digest) {
  return digest == NULL || digest[0] == '\0' ? PV_SUBJECT_UNKNOWN : digest;
}

/* What the prompts come from: the reference, or where it is not needed and not there the program,
 * whose digest is none of a file. */
static const char *prompts_of(unsigned needs, const pv_basis *basis) {
  if ((needs & PV_NEEDS_REFERENCE) != 0) return known(basis->reference);
  if ((needs & PV_NEEDS_PROMPTS) == 0) return NULL;
  return known(basis->reference != NULL ? basis->reference : basis->builtin);
}

static json_t *parameters(const pv_falsifier *f) {
  json_t *out = json_object();
  for (size_t i = 0; i < f->with_count; i++)
    pv_json_set(
        &out, f->with[i].name,
        f->with[i].text != NULL ? pv_json_exact(f->with[i].text) : strings(&f->with[i].list));
  return out;
}

static pv_code digest_files(pv_arena *arena, const pv_contract *contract,
                            const pv_falsifier *falsifier, pv_subject *out, pv_error *err) {
  pv_used_file *used = NULL;
  size_t count = 0;
  pv_code code = pv_bind_files(arena, contract, falsifier, &used, &count, err);
  pv_fact *files = code == PV_OK ? PV_ARENA_NEW(arena, count + 1, pv_fact) : NULL;
  if (code == PV_OK && files == NULL) code = pv_error_nomem(err, "digests");
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    char digest[PV_SHA256_HEX] = PV_SUBJECT_UNKNOWN;
    code = pv_sha256_file(used[i].path, digest, err);
    if (code == PV_ERR_IO || code == PV_ERR_INPUT) code = PV_OK; /* it is not there: unknown */
    if (code == PV_OK && !pv_fact_make(arena, &files[i], used[i].name, digest))
      code = pv_error_nomem(err, "digests");
  }
  if (code != PV_OK) return code;
  out->files = files;
  out->file_count = count;
  return PV_OK;
}

pv_code pv_subject_make(pv_arena *arena, const pv_contract *contract, const pv_falsifier *falsifier,
                        const pv_basis *basis, pv_subject *out, pv_error *err) {
  json_t *with = NULL;
  const bool foreign = falsifier->provider != NULL;
  const bool open = foreign && falsifier->known == NULL;
  pv_code code = PV_OK;
  /* What a provider adds to the parameters as they are written follows from its program. */
  if (foreign)
    with = parameters(falsifier);
  else
    code = pv_bind_with(falsifier, basis->backend, &with, err);
  if (code != PV_OK) return code;
  const unsigned needs =
      open ? (unsigned)(PV_NEEDS_MODEL | PV_NEEDS_REFERENCE) : pv_bind_needs(falsifier);
  pv_subject made = {.open = open,
                     .model = (needs & PV_NEEDS_MODEL) != 0 ? known(basis->model) : NULL,
                     .reference = prompts_of(needs, basis),
                     .code = known(falsifier->known == NULL ? NULL : falsifier->known->digest),
                     .kernels = known(basis->kernels),
                     .ptx = known(basis->ptx),
                     .numerics = basis->numerics,
                     .numerics_count = basis->numerics_count};
  if (foreign) { /* nothing of pv's own computes in it */
    made.code = made.kernels = made.ptx = NULL;
    made.numerics = NULL;
    made.numerics_count = 0;
  }
  json_t *object = json_pack("{s:s, s:o, s:o}", "check", falsifier->check, "with", with, "criteria",
                             claims(contract, falsifier));
  code = pv_canon_digest(object, made.falsifier, err);
  if (code == PV_OK) code = digest_files(arena, contract, falsifier, &made, err);
  if (code == PV_OK) *out = made;
  json_decref(object);
  return code;
}

pv_code pv_subject_all(pv_arena *arena, const pv_contract *contract, const pv_basis *basis,
                       pv_subject **out, pv_error *err) {
  pv_code code = PV_OK;
  pv_subject *list = PV_ARENA_NEW(arena, contract->falsifier_count + 1, pv_subject);
  if (list == NULL) return pv_error_nomem(err, "digests");
  for (size_t i = 0; i < contract->falsifier_count && code == PV_OK; i++)
    code = pv_subject_make(arena, contract, &contract->falsifiers[i], basis, &list[i], err);
  if (code == PV_OK) *out = list;
  return code;
}

/* Each identity of one is there in the other, with the same definition. */
static bool numerics_within(const pv_subject *a, const pv_subject *b) {
  for (size_t i = 0; i < a->numerics_count; i++) {
    const char *other = pv_fact_value(b->numerics, b->numerics_count, a->numerics[i].name);
    if (other == NULL || strcmp(other, a->numerics[i].value) != 0) return false;
  }
  return true;
}

static bool same(const char *then, const char *now) {
  if (then == NULL || now == NULL) return then == now;
  return strcmp(then, now) == 0 && strcmp(now, PV_SUBJECT_UNKNOWN) != 0;
}

static bool note(bool holds, pv_text *changed, const char *what) {
  if (holds) return true;
  if (changed != NULL) pv_text_printf(changed, "%s%s", changed->length > 0 ? ", " : "", what);
  return false;
}

static const char *file_of(const pv_subject *s, const char *name) {
  return pv_fact_value(s->files, s->file_count, name);
}

const char *pv_subject_changed_file(const pv_subject *then, const pv_subject *now) {
  for (size_t i = 0; i < now->file_count; i++) {
    const char *before = file_of(then, now->files[i].name);
    if (before == NULL || strcmp(before, now->files[i].value) != 0) return now->files[i].name;
  }
  return NULL;
}

/* Each file of both, with the same bytes; those that are not are named. */
static bool same_files(const pv_subject *then, const pv_subject *now, pv_text *changed) {
  bool holds = true;
  for (size_t i = 0; i < now->file_count; i++) {
    const char *name = now->files[i].name, *before = file_of(then, name);
    const bool one = before != NULL && same(before, now->files[i].value);
    holds &= note(one, changed, "the file ");
    if (!one && changed != NULL) pv_text_puts(changed, name);
  }
  for (size_t i = 0; i < then->file_count; i++) {
    const bool one = file_of(now, then->files[i].name) != NULL;
    holds &= note(one, changed, "the file ");
    if (!one && changed != NULL) pv_text_puts(changed, then->files[i].name);
  }
  return holds;
}

/* A comment in a kernel leaves its PTX; where there is no nvcc the sources are what is known. */
static bool same_kernels(const pv_subject *then, const pv_subject *now) {
  return same(then->kernels, now->kernels) || same(then->ptx, now->ptx);
}

bool pv_subject_same_code(const pv_subject *then, const pv_subject *now) {
  return same(then->code, now->code) && same_kernels(then, now);
}

/* `then` and `now` of a field that only one who knows the needs can leave out. */
static bool same_or_open(const pv_subject *a, const pv_subject *b, const char *then,
                         const char *now) {
  if ((a->open && now == NULL) || (b->open && then == NULL)) return true;
  return same(then, now);
}

static bool same_numerics(const pv_subject *then, const pv_subject *now) {
  if (then->code == NULL && now->code == NULL)
    return then->numerics_count == 0 && now->numerics_count == 0;
  return now->numerics_count > 0 && numerics_within(then, now) && numerics_within(now, then);
}

bool pv_subject_holds(const pv_subject *then, const pv_subject *now, pv_text *changed) {
  bool holds = note(strcmp(then->falsifier, now->falsifier) == 0, changed, "the claim or its test");
  holds &= note(pv_subject_same_model(then, now), changed, "the model");
  holds &= note(pv_subject_same_prompts(then, now), changed, "the reference");
  holds &= note(same(then->code, now->code), changed, "the code of its check");
  holds &= note(same_kernels(then, now), changed, "the kernels");
  holds &= note(same_numerics(then, now), changed, "the numerics");
  holds &= same_files(then, now, changed);
  return holds;
}

bool pv_subject_same_model(const pv_subject *then, const pv_subject *now) {
  return same_or_open(then, now, then->model, now->model);
}

bool pv_subject_same_prompts(const pv_subject *then, const pv_subject *now) {
  return same_or_open(then, now, then->reference, now->reference);
}

static json_t *equations(const pv_contract *c) {
  json_t *out = json_object();
  for (size_t i = 0; i < c->equation_count; i++) {
    const pv_equation *e = &c->equations[i];
    pv_json_set(
        &out, e->name,
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "formula", pv_json_exact(e->formula), "domain",
                  pv_json_exact(e->domain), "invariants", strings(&e->invariants), "preconditions",
                  strings(&e->preconditions), "postconditions", strings(&e->postconditions)));
  }
  return out;
}

static json_t *criteria(const pv_contract *c) {
  json_t *out = json_array();
  for (size_t i = 0; i < c->criterion_count; i++) {
    json_t *one = claim(&c->criteria[i]);
    pv_json_set(&one, "needed_for",
                json_string(pv_contract_status_name(c->criteria[i].needed_for)));
    pv_json_append(&out, one);
  }
  return out;
}

static json_t *falsifiers(const pv_contract *c) {
  json_t *out = json_array();
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier *f = &c->falsifiers[i];
    pv_json_append(
        &out, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "id", f->id, "rule",
                        pv_json_exact(f->rule), "prediction", pv_json_exact(f->prediction), "check",
                        pv_json_exact(f->check), "if_fails", pv_json_exact(f->if_fails), "criteria",
                        strings(&f->criteria), "faults", strings(&f->faults), "with", parameters(f),
                        "timeout_s", f->timeout_s));
  }
  return out;
}

static json_t *stages(const pv_contract *c) {
  json_t *out = json_array();
  for (size_t i = 0; i < c->stage_count; i++) {
    const pv_stage *s = &c->stages[i];
    pv_json_append(&out,
                   json_pack("{s:o, s:o, s:o}", "id", pv_json_exact(s->id), "description",
                             pv_json_exact(s->description), "criteria", strings(&s->criteria)));
  }
  return out;
}

/* Left out where there is none, so that contracts without one keep their digest. */
static void add_model(json_t **object, const pv_subject_model *m) {
  if (m->sha256 == NULL) return;
  pv_json_set(object, "model",
              json_pack("{s:s, s:o, s:o}", "sha256", m->sha256, "reference_sha256",
                        pv_json_exact(m->reference_sha256), "made_by", pv_json_exact(m->made_by)));
}

/* Left out alike. */
static void add_providers(json_t **object, const pv_contract *c) {
  if (c->provider_count == 0) return;
  json_t *list = json_array();
  for (size_t i = 0; i < c->provider_count; i++)
    pv_json_append(
        &list, json_pack("{s:o, s:o, s:o, s:f}", "name", pv_json_exact(c->providers[i].name),
                         "program", pv_json_exact(c->providers[i].program), "files",
                         strings(&c->providers[i].files), "timeout_s", c->providers[i].timeout_s));
  pv_json_set(object, "providers", list);
}

pv_code pv_subject_contract(const pv_contract *c, char out[PV_SHA256_HEX], pv_error *err) {
  json_t *object = json_pack(
      "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
      "schema", pv_json_exact(c->schema), "name", pv_json_exact(c->name), "kind",
      pv_json_exact(c->kind), "created", pv_json_exact(c->created), "author",
      pv_json_exact(c->author), "description", pv_json_exact(c->description), "references",
      strings(&c->references), "depends_on", strings(&c->depends_on), "known_divergence",
      strings(&c->known_divergence), "equations", equations(c), "criteria", criteria(c),
      "falsifiers", falsifiers(c), "stages", stages(c), "qa_id", pv_json_exact(c->qa_id), "qa_name",
      pv_json_exact(c->qa_name), "qa_pass", pv_json_exact(c->qa_pass_criteria), "qa_falsification",
      pv_json_exact(c->qa_falsification));
  if (object != NULL) add_model(&object, &c->model);
  if (object != NULL) add_providers(&object, c);
  if (object == NULL) return pv_error_nomem(err, "a digest");
  const pv_code code = pv_canon_digest(object, out, err);
  json_decref(object);
  return code;
}
