#include "validator/model/contract_load.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "validator/model/fields.h"
#include "validator/model/second_reader.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

pv_contract_kind pv_contract_kind_of(const pv_yaml_node *root) {
  static const char *const older[] = {"proof_obligations", "kani_harnesses", "verification_summary",
                                      "falsification_tests"};
  const pv_yaml_node *schema = pv_yaml_get(root, "schema");
  if (pv_yaml_get(root, "acceptance_criteria") != NULL) return PV_CONTRACT_OURS;
  if (schema != NULL && (schema->kind != PV_YAML_SCALAR || strncmp(schema->text, "pv/", 3) == 0))
    return PV_CONTRACT_OURS;
  for (size_t i = 0; i < COUNT(older); i++)
    if (pv_yaml_get(root, older[i]) != NULL) return PV_CONTRACT_OLDER;
  return schema != NULL ? PV_CONTRACT_OURS : PV_CONTRACT_NONE;
}

/* Each element of a list through `one`, into a new array. `absent` is read in the place of a list
 * that had to be there, to tell what its entries need. */
typedef pv_code (*read_element)(const pv_reading *r, const pv_yaml_node *node, void *out);

static pv_code read_list(const pv_reading *r, const pv_yaml_node *node, const pv_yaml_node *absent,
                         const char *what, size_t size, read_element one, void **out,
                         size_t *count) {
  if (node == NULL && absent == NULL) return PV_OK;
  if (node == NULL) {
    void *unused = pv_arena_alloc(r->arena, 1, size);
    if (unused == NULL)
      return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory for '%s'", r->file);
    return one(r, absent, unused);
  }
  if (node->kind != PV_YAML_SEQUENCE)
    return pv_fields_flaw(r, node, "PV012", "write it as a list", "%s is not a list", what);
  char *items = pv_arena_alloc(r->arena, node->count, size);
  if (items == NULL) return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory for '%s'", r->file);
  for (size_t i = 0; i < node->count; i++) {
    const pv_code code = one(r, node->items[i], items + i * size);
    if (code != PV_OK) return code;
  }
  *out = items;
  *count = node->count;
  return PV_OK;
}

static pv_code read_status(const pv_reading *r, const pv_yaml_node *node, const char *text,
                           const char *what, pv_contract_status *out) {
  if (text == NULL || pv_contract_status_parse(text, out)) return PV_OK;
  return pv_fields_flaw(r, node, "PV013",
                        "statuses are DRAFT, PROPOSED, ACTIVE_ALGORITHM_LEVEL, ACTIVE_RUNTIME, "
                        "KNOWN_DIVERGENCE, DEPRECATED",
                        "%s '%.60s' is no status", what, text);
}

static pv_code read_amendment(const pv_reading *r, const pv_yaml_node *node, void *out) {
  pv_amendment *a = out;
  a->place = node->place;
  const pv_field fields[] = {{"version", PV_FIELD_TEXT, true, &a->version, NULL},
                             {"date", PV_FIELD_TEXT, true, &a->date, NULL},
                             {"kind", PV_FIELD_TEXT, true, &a->kind, NULL},
                             {"title", PV_FIELD_TEXT, true, &a->title, NULL},
                             {"description", PV_FIELD_TEXT, false, &a->description, NULL},
                             {"evidence", PV_FIELD_TEXT, false, &a->evidence, NULL}};
  return pv_fields_read(r, node, "an amendment", fields, COUNT(fields));
}

static pv_code read_criterion(const pv_reading *r, const pv_yaml_node *node, void *out) {
  pv_criterion *c = out;
  char *needed_for = NULL;
  c->place = node->place;
  const pv_field fields[] = {{"id", PV_FIELD_TEXT, true, &c->id, &c->place},
                             {"property", PV_FIELD_TEXT, true, &c->property, NULL},
                             {"formal", PV_FIELD_TEXT, false, &c->formal, NULL},
                             {"where", PV_FIELD_TEXT, false, &c->where, NULL},
                             {"needed_for", PV_FIELD_TEXT, true, &needed_for, NULL}};
  pv_code code = pv_fields_read(r, node, "a criterion", fields, COUNT(fields));
  if (code == PV_OK && c->where != NULL && strcmp(c->where, "experts") != 0)
    code = pv_fields_flaw(r, pv_yaml_get(node, "where"), "PV038",
                          "write where: experts, or leave the key out",
                          "where '%.60s' is no kind of model", c->where);
  if (code != PV_OK) return code;
  return read_status(r, pv_yaml_get(node, "needed_for"), needed_for, "needed_for", &c->needed_for);
}

static pv_code read_with(const pv_reading *r, const pv_yaml_node *node, pv_falsifier *f) {
  if (node == NULL) return PV_OK;
  if (node->kind != PV_YAML_MAPPING)
    return pv_fields_flaw(r, node, "PV012", "write parameter: value pairs",
                          "'with' is not a mapping");
  f->with = PV_ARENA_NEW(r->arena, node->count + PV_BIND_SIDES, pv_param);
  if (f->with == NULL) return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory");
  for (size_t i = 0; i < node->count; i++) {
    const pv_yaml_node *value = node->items[i];
    pv_param *p = &f->with[f->with_count++];
    p->name = node->keys[i]->text;
    p->place = value->place;
    pv_code code = PV_OK;
    if (value->kind == PV_YAML_MAPPING)
      code = pv_fields_flaw(r, value, "PV012", "write one value or a list",
                            "parameter '%.60s' is a mapping", p->name);
    else if (value->kind == PV_YAML_SCALAR)
      p->text = value->text;
    else
      code = pv_fields_strings(r, value, p->name, &p->list);
    if (code != PV_OK) return code;
  }
  return PV_OK;
}

/* Seconds from 0 to a day, as a text; NULL leaves what is there. */
static pv_code read_timeout(const pv_reading *r, const pv_yaml_node *node, const char *text,
                            double *out) {
  if (text == NULL) return PV_OK;
  if (pv_parse_f64(text, strlen(text), out) && *out > 0.0 && *out <= 86400.0) return PV_OK;
  return pv_fields_flaw(r, pv_yaml_get(node, "timeout_s"), "PV014", "write seconds, for example 60",
                        "timeout_s '%.40s' is no number of seconds from 0 to 86400", text);
}

static pv_code read_provider(const pv_reading *r, const pv_yaml_node *node, void *out) {
  pv_provider *p = out;
  char *timeout = NULL;
  p->place = node->place;
  const pv_field fields[] = {{"name", PV_FIELD_TEXT, true, &p->name, &p->place},
                             {"program", PV_FIELD_TEXT, false, &p->program, &p->program_place},
                             {"files", PV_FIELD_STRINGS, false, &p->files, NULL},
                             {"timeout_s", PV_FIELD_TEXT, false, &timeout, NULL}};
  const pv_code code = pv_fields_read(r, node, "a provider", fields, COUNT(fields));
  return code == PV_OK ? read_timeout(r, node, timeout, &p->timeout_s) : code;
}

static pv_code read_falsifier(const pv_reading *r, const pv_yaml_node *node, void *out) {
  pv_falsifier *f = out;
  const pv_yaml_node *with = NULL;
  char *timeout = NULL;
  f->place = node->place;
  const pv_field fields[] = {{"id", PV_FIELD_TEXT, true, &f->id, &f->place},
                             {"rule", PV_FIELD_TEXT, true, &f->rule, NULL},
                             {"prediction", PV_FIELD_TEXT, false, &f->prediction, NULL},
                             {"criteria", PV_FIELD_STRINGS, true, &f->criteria, NULL},
                             {"check", PV_FIELD_TEXT, true, &f->check, &f->check_place},
                             {"with", PV_FIELD_NODE, false, &with, NULL},
                             {"faults", PV_FIELD_STRINGS, false, &f->faults, NULL},
                             {"timeout_s", PV_FIELD_TEXT, false, &timeout, NULL},
                             {"if_fails", PV_FIELD_TEXT, false, &f->if_fails, NULL}};
  pv_code code = pv_fields_read(r, node, "a falsifier", fields, COUNT(fields));
  if (code == PV_OK) code = read_with(r, with, f);
  return code == PV_OK ? read_timeout(r, node, timeout, &f->timeout_s) : code;
}

static pv_code read_stage(const pv_reading *r, const pv_yaml_node *node, void *out) {
  static char derived[] = "remove it: the status follows from the verdicts of the stage's criteria";
  static char named[] = "write criteria: [ID, ...], or [] as long as there is none";
  pv_stage *s = out;
  s->place = node->place;
  const pv_field fields[] = {{"id", PV_FIELD_TEXT, true, &s->id, &s->place},
                             {"description", PV_FIELD_TEXT, true, &s->description, NULL},
                             {"criteria", PV_FIELD_STRINGS, true, &s->criteria, NULL},
                             {"status", PV_FIELD_GONE, false, derived, NULL},
                             {"expected_acceptance", PV_FIELD_GONE, false, named, NULL}};
  return pv_fields_read(r, node, "an implementation stage", fields, COUNT(fields));
}

static pv_code read_equations(const pv_reading *r, const pv_yaml_node *node, pv_contract *c) {
  if (node == NULL) return PV_OK;
  if (node->kind != PV_YAML_MAPPING)
    return pv_fields_flaw(r, node, "PV012", "write name: {formula: ...}",
                          "equations is not a mapping");
  c->equations = PV_ARENA_NEW(r->arena, node->count, pv_equation);
  if (c->equations == NULL) return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory");
  for (size_t i = 0; i < node->count; i++) {
    pv_equation *e = &c->equations[c->equation_count++];
    e->name = node->keys[i]->text;
    e->place = node->keys[i]->place;
    const pv_field fields[] = {
        {"formula", PV_FIELD_TEXT, true, &e->formula, NULL},
        {"domain", PV_FIELD_TEXT, false, &e->domain, NULL},
        {"invariants", PV_FIELD_STRINGS, false, &e->invariants, NULL},
        {"preconditions", PV_FIELD_STRINGS, false, &e->preconditions, NULL},
        {"postconditions", PV_FIELD_STRINGS, false, &e->postconditions, NULL}};
    const pv_code code = pv_fields_read(r, node->items[i], "an equation", fields, COUNT(fields));
    if (code != PV_OK) return code;
  }
  return PV_OK;
}

static pv_code read_metadata(const pv_reading *r, const pv_yaml_node *node,
                             const pv_yaml_node *absent, pv_contract *c) {
  if (node == NULL) node = absent;
  const pv_yaml_node nothing = {.kind = PV_YAML_MAPPING, .place = node->place};
  const pv_yaml_node *amendments = NULL;
  char *status_text = NULL;
  const pv_field fields[] = {
      {"name", PV_FIELD_TEXT, true, &c->name, &c->name_place},
      {"version", PV_FIELD_TEXT, true, &c->version, &c->version_place},
      {"kind", PV_FIELD_TEXT, true, &c->kind, NULL},
      {"status", PV_FIELD_TEXT, true, &status_text, &c->status_place},
      {"created", PV_FIELD_TEXT, true, &c->created, &c->created_place},
      {"author", PV_FIELD_TEXT, true, &c->author, NULL},
      {"description", PV_FIELD_TEXT, true, &c->description, NULL},
      {"references", PV_FIELD_STRINGS, false, &c->references, NULL},
      {"depends_on", PV_FIELD_STRINGS, false, &c->depends_on, NULL},
      {"known_divergence", PV_FIELD_STRINGS, false, &c->known_divergence, NULL},
      {"amendment_history", PV_FIELD_NODE, true, &amendments, &c->amendments_place}};
  pv_code code = pv_fields_read(r, node, "metadata", fields, COUNT(fields));
  if (code == PV_OK)
    code = read_status(r, pv_yaml_get(node, "status"), status_text, "status", &c->status);
  if (code != PV_OK || node->kind != PV_YAML_MAPPING) return code;
  return read_list(r, amendments, &nothing, "amendment_history", sizeof *c->amendments,
                   read_amendment, (void **)&c->amendments, &c->amendment_count);
}

static pv_code read_model(const pv_reading *r, const pv_yaml_node *node, pv_contract *c) {
  pv_subject_model *m = &c->model;
  if (node == NULL) return PV_OK;
  const pv_field fields[] = {{"sha256", PV_FIELD_TEXT, true, &m->sha256, &m->place},
                             {"reference_sha256", PV_FIELD_TEXT, false, &m->reference_sha256, NULL},
                             {"made_by", PV_FIELD_TEXT, true, &m->made_by, NULL}};
  return pv_fields_read(r, node, "model", fields, COUNT(fields));
}

static pv_code read_gate(const pv_reading *r, const pv_yaml_node *node, pv_contract *c) {
  if (node == NULL) return PV_OK;
  const pv_field fields[] = {{"id", PV_FIELD_TEXT, true, &c->qa_id, NULL},
                             {"name", PV_FIELD_TEXT, true, &c->qa_name, NULL},
                             {"pass_criteria", PV_FIELD_TEXT, true, &c->qa_pass_criteria, NULL},
                             {"falsification", PV_FIELD_TEXT, false, &c->qa_falsification, NULL}};
  return pv_fields_read(r, node, "qa_gate", fields, COUNT(fields));
}

static pv_code read_root(const pv_reading *r, const pv_yaml_node *root, pv_contract *c) {
  const pv_yaml_node *metadata = NULL, *equations = NULL, *criteria = NULL, *falsifiers = NULL;
  const pv_yaml_node *model = NULL, *stages = NULL, *gate = NULL, *providers = NULL;
  const pv_yaml_node absent = {.kind = PV_YAML_MAPPING, .place = root->place};
  const pv_yaml_node *schema = pv_yaml_get(root, "schema");
  const pv_field fields[] = {{"schema", PV_FIELD_TEXT, true, &c->schema, NULL},
                             {"metadata", PV_FIELD_NODE, true, &metadata, NULL},
                             {"model", PV_FIELD_NODE, false, &model, NULL},
                             {"providers", PV_FIELD_NODE, false, &providers, NULL},
                             {"equations", PV_FIELD_NODE, false, &equations, NULL},
                             {"acceptance_criteria", PV_FIELD_NODE, true, &criteria, NULL},
                             {"falsification_tests", PV_FIELD_NODE, true, &falsifiers, NULL},
                             {"implementation_stages", PV_FIELD_NODE, false, &stages, NULL},
                             {"qa_gate", PV_FIELD_NODE, false, &gate, NULL}};
  /* The keys of a schema that is not known mean nothing here. */
  if (schema != NULL && schema->kind == PV_YAML_SCALAR && schema->length > 0 &&
      strcmp(schema->text, PV_CONTRACT_SCHEMA) != 0)
    return pv_fields_flaw(r, schema, "PV015", "this pv reads " PV_CONTRACT_SCHEMA,
                          "schema '%.60s' is unknown", schema->text);
  pv_code code = pv_fields_read(r, root, "a contract", fields, COUNT(fields));
  if (code != PV_OK || root->kind != PV_YAML_MAPPING) return code;
  code = read_metadata(r, metadata, &absent, c);
  if (code == PV_OK) code = read_model(r, model, c);
  if (code == PV_OK)
    code = read_list(r, providers, NULL, "providers", sizeof *c->providers, read_provider,
                     (void **)&c->providers, &c->provider_count);
  if (code == PV_OK) code = read_equations(r, equations, c);
  if (code == PV_OK)
    code = read_list(r, criteria, &absent, "acceptance_criteria", sizeof *c->criteria,
                     read_criterion, (void **)&c->criteria, &c->criterion_count);
  if (code == PV_OK)
    code = read_list(r, falsifiers, &absent, "falsification_tests", sizeof *c->falsifiers,
                     read_falsifier, (void **)&c->falsifiers, &c->falsifier_count);
  if (code == PV_OK)
    code = read_list(r, stages, NULL, "implementation_stages", sizeof *c->stages, read_stage,
                     (void **)&c->stages, &c->stage_count);
  for (size_t i = 0; i < c->falsifier_count; i++)
    c->falsifiers[i].where = pv_contract_where(c, &c->falsifiers[i]);
  return code == PV_OK ? read_gate(r, gate, c) : code;
}

/* What a reader found wrong as a flaw of its own. */
static pv_code keep(const pv_reading *r, const pv_error *found) {
  if (found->rule[0] == '\0') {
    if (r->err != NULL) *r->err = *found;
    return found->code;
  }
  r->flaws->items = PV_ARENA_NEW(r->arena, 1, pv_error);
  if (r->flaws->items == NULL) return pv_error_nomem(r->err, "findings");
  r->flaws->items[r->flaws->count++] = *found;
  return PV_OK;
}

static pv_code read_document(const pv_reading *r, const void *bytes, size_t length,
                             pv_contract *c) {
  pv_error found = PV_ERROR_INIT;
  pv_yaml_node *root = NULL;
  if (pv_yaml_parse(r->arena, r->file, bytes, length, &root, &found) != PV_OK)
    return keep(r, &found);
  if (pv_contract_kind_of(root) == PV_CONTRACT_OLDER)
    return pv_fields_flaw(
        r, root, "PV057",
        "pv lint FILE tells what can be said of it; rewrite it in " PV_CONTRACT_SCHEMA
        " (docs/contract-format.md)",
        "a contract of an older dialect: nothing of it can run under pv");
  const pv_code code = read_root(r, root, c);
  if (code != PV_OK || r->flaws->count > 0) return code;
  return pv_second_reader_check(c, &found) == PV_OK ? PV_OK : keep(r, &found);
}

pv_code pv_contract_read_bytes(pv_arena *arena, const char *path, const void *bytes, size_t length,
                               pv_contract **out, pv_flaws *flaws, pv_error *err) {
  pv_flaws found = {0};
  const pv_reading r = {arena, path, &found, err};
  pv_contract *c = PV_ARENA_NEW(arena, 1, pv_contract);
  if (c != NULL) c->path = pv_arena_strdup(arena, path);
  if (c != NULL) c->bytes = (const unsigned char *)pv_arena_strndup(arena, bytes, length);
  if (c == NULL || c->path == NULL || c->bytes == NULL)
    return pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", path);
  c->length = length;
  pv_code code = read_document(&r, bytes, length, c);
  if (found.count > 0 && (code == PV_OK || code == PV_ERR_INPUT)) {
    if (err != NULL) *err = found.items[0];
    if (flaws != NULL) *flaws = found;
    return found.items[0].code;
  }
  if (code == PV_OK) code = pv_sha256_bytes(bytes, length, c->sha256, err);
  if (code == PV_OK) *out = c;
  return code;
}

pv_code pv_contract_read(pv_arena *arena, const char *path, pv_contract **out, pv_flaws *flaws,
                         pv_error *err) {
  pv_bytes bytes;
  pv_code code = pv_file_read(path, PV_YAML_BYTES_MAX, &bytes, err);
  if (code != PV_OK) return code;
  code = pv_contract_read_bytes(arena, path, bytes.data, bytes.length, out, flaws, err);
  pv_bytes_free(&bytes);
  return code;
}

pv_code pv_contract_load_bytes(pv_arena *arena, const char *path, const void *bytes, size_t length,
                               pv_contract **out, pv_error *err) {
  return pv_contract_read_bytes(arena, path, bytes, length, out, NULL, err);
}

pv_code pv_contract_load(pv_arena *arena, const char *path, pv_contract **out, pv_error *err) {
  return pv_contract_read(arena, path, out, NULL, err);
}
