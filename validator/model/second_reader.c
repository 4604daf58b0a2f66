#include "validator/model/second_reader.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>
#include <string.h>

/* Numbers and enums are declared as strings on purpose: libcyaml 1.3.1 takes "nan", trailing
 * letters and any word for true. What has free keys (equations, with) is left out here. */
typedef struct metadata {
  char *name, *version, *status;
} metadata;
typedef struct criterion {
  char *id, *needed_for, *where;
} criterion;
typedef struct falsifier {
  char *id, *check;
  char **criteria;
  unsigned criteria_count;
} falsifier;
typedef struct stage {
  char *id;
  char **criteria;
  unsigned criteria_count;
} stage;
typedef struct provider {
  char *name, *program;
} provider;
typedef struct document {
  char *schema;
  metadata metadata;
  criterion *criteria;
  unsigned criteria_count;
  falsifier *falsifiers;
  unsigned falsifiers_count;
  stage *stages;
  unsigned stages_count;
  provider *providers;
  unsigned providers_count;
} document;

#define TEXT(key, type, member) \
  CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t metadata_fields[] = {
    TEXT("name", metadata, name),
    TEXT("version", metadata, version),
    TEXT("status", metadata, status),
    CYAML_FIELD_IGNORE("kind", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("created", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("author", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("description", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("references", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("depends_on", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("known_divergence", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("amendment_history", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};

static const cyaml_schema_field_t criterion_fields[] = {
    TEXT("id", criterion, id),
    TEXT("needed_for", criterion, needed_for),
    CYAML_FIELD_STRING_PTR("where", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, criterion, where, 0,
                           CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("property", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("formal", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};

static const cyaml_schema_value_t criterion_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, criterion, criterion_fields)};

static const cyaml_schema_field_t falsifier_fields[] = {
    TEXT("id", falsifier, id),
    TEXT("check", falsifier, check),
    CYAML_FIELD_SEQUENCE("criteria", CYAML_FLAG_POINTER, falsifier, criteria, &text_value, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("rule", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("prediction", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("with", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("faults", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("timeout_s", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("if_fails", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};

static const cyaml_schema_value_t falsifier_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, falsifier, falsifier_fields)};

static const cyaml_schema_field_t stage_fields[] = {
    TEXT("id", stage, id),
    CYAML_FIELD_SEQUENCE("criteria", CYAML_FLAG_POINTER, stage, criteria, &text_value, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("description", CYAML_FLAG_OPTIONAL), CYAML_FIELD_END};

static const cyaml_schema_value_t stage_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, stage, stage_fields)};

static const cyaml_schema_field_t provider_fields[] = {
    TEXT("name", provider, name),
    CYAML_FIELD_STRING_PTR("program", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, provider, program,
                           0, CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("files", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("timeout_s", CYAML_FLAG_OPTIONAL), CYAML_FIELD_END};

static const cyaml_schema_value_t provider_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, provider, provider_fields)};

static const cyaml_schema_field_t document_fields[] = {
    TEXT("schema", document, schema),
    CYAML_FIELD_MAPPING("metadata", CYAML_FLAG_DEFAULT, document, metadata, metadata_fields),
    CYAML_FIELD_SEQUENCE("acceptance_criteria", CYAML_FLAG_POINTER, document, criteria,
                         &criterion_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("falsification_tests", CYAML_FLAG_POINTER, document, falsifiers,
                         &falsifier_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("providers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, document, providers,
                         &provider_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("model", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("equations", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_SEQUENCE("implementation_stages", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         document, stages, &stage_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("qa_gate", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END};

static const cyaml_schema_value_t document_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, document, document_fields)};

static bool same(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static bool same_or_absent(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : same(a, b);
}

static bool same_ids(const pv_strings *list, char *const *items, unsigned count) {
  if (list->count != count) return false;
  for (size_t i = 0; i < list->count; i++)
    if (!same(list->items[i], items[i])) return false;
  return true;
}

/* NULL when both readings agree, else what differs. */
static const char *difference(const pv_contract *c, const document *d) {
  if (!same(c->schema, d->schema)) return "schema";
  if (!same(c->name, d->metadata.name)) return "name";
  if (!same(c->version, d->metadata.version)) return "version";
  if (!same(pv_contract_status_name(c->status), d->metadata.status)) return "status";
  if (c->criterion_count != d->criteria_count) return "number of criteria";
  if (c->falsifier_count != d->falsifiers_count) return "number of falsifiers";
  if (c->stage_count != d->stages_count) return "number of stages";
  if (c->provider_count != d->providers_count) return "number of providers";
  for (size_t i = 0; i < c->provider_count; i++)
    if (!same(c->providers[i].name, d->providers[i].name) ||
        !same_or_absent(c->providers[i].program, d->providers[i].program))
      return "providers";
  for (size_t i = 0; i < c->criterion_count; i++)
    if (!same(c->criteria[i].id, d->criteria[i].id) ||
        !same(pv_contract_status_name(c->criteria[i].needed_for), d->criteria[i].needed_for) ||
        !same_or_absent(c->criteria[i].where, d->criteria[i].where))
      return "acceptance_criteria";
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier *f = &c->falsifiers[i];
    if (!same(f->id, d->falsifiers[i].id) || !same(f->check, d->falsifiers[i].check) ||
        !same_ids(&f->criteria, d->falsifiers[i].criteria, d->falsifiers[i].criteria_count))
      return "falsification_tests";
  }
  for (size_t i = 0; i < c->stage_count; i++)
    if (!same(c->stages[i].id, d->stages[i].id) ||
        !same_ids(&c->stages[i].criteria, d->stages[i].criteria, d->stages[i].criteria_count))
      return "implementation_stages";
  return NULL;
}

pv_code pv_second_reader_check(const pv_contract *contract, pv_error *err) {
  static const cyaml_config_t config = {.log_fn = NULL,
                                        .mem_fn = cyaml_mem,
                                        .log_level = CYAML_LOG_ERROR,
                                        .flags = CYAML_CFG_DEFAULT};
  document *d = NULL;
  pv_code code = PV_OK;
  const cyaml_err_t exit_code = cyaml_load_data(contract->bytes, contract->length, &config,
                                                &document_value, (cyaml_data_t **)&d, NULL);
  const char *what = exit_code == CYAML_OK ? difference(contract, d) : cyaml_strerror(exit_code);
  if (exit_code == CYAML_ERR_OOM)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for '%s'", contract->path);
  else if (what != NULL) {
    code = pv_error_set(err, PV_ERR_INPUT, "two YAML readers disagree about this file: %s", what);
    pv_error_at(err, contract->path, 0, 0, -1);
    pv_error_rule(err, "PV016");
    pv_error_hint(err, "write texts in double quotes and keys plainly");
  }
  if (d != NULL) cyaml_free(&config, &document_value, d, 0);
  return code;
}
