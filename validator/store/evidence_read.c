#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "validator/model/stage.h"
#include "validator/store/canon.h"
#include "validator/store/evidence.h"

/* One reader for the whole file: the first wrong field is remembered, later reads do nothing. */
typedef struct reader {
  pv_arena *arena;
  const char *wrong; /* name of the first field that is missing or of another type */
  bool out_of_memory;
} reader;

static void wrong(reader *r, const char *field) {
  if (r->wrong == NULL) r->wrong = field;
}

static void *keep(reader *r, void *memory) {
  if (memory == NULL) r->out_of_memory = true;
  return memory;
}

/* NULL, of which every field is wrong, for what is no object. */
static json_t *object_of(reader *r, json_t *value, const char *field) {
  if (json_is_object(value)) return value;
  wrong(r, field);
  return NULL;
}

static json_t *get_object(reader *r, const json_t *object, const char *field) {
  return object_of(r, json_object_get(object, field), field);
}

/* An object or null. */
static json_t *get_maybe_object(reader *r, const json_t *object, const char *field) {
  return json_is_null(json_object_get(object, field)) ? NULL : get_object(r, object, field);
}

/* An object in the list of that name. */
static const json_t *get_item(reader *r, const json_t *array, size_t i, const char *list) {
  return object_of(r, json_array_get(array, i), list);
}

static char *get_text(reader *r, const json_t *object, const char *field) {
  const char *value = json_string_value(json_object_get(object, field));
  if (value == NULL) {
    wrong(r, field);
    value = "";
  }
  return keep(r, pv_arena_strdup(r->arena, value));
}

/* A text or null. */
static char *get_maybe(reader *r, const json_t *object, const char *field) {
  const json_t *value = json_object_get(object, field);
  return json_is_null(value) ? NULL : get_text(r, object, field);
}

static void get_digest(reader *r, const json_t *object, const char *field,
                       char out[PV_SHA256_HEX]) {
  const char *value = json_string_value(json_object_get(object, field));
  if (value == NULL || strlen(value) != PV_SHA256_HEX - 1 ||
      strspn(value, "0123456789abcdef") != PV_SHA256_HEX - 1)
    wrong(r, field);
  else
    memcpy(out, value, PV_SHA256_HEX);
}

static bool get_bool(reader *r, const json_t *object, const char *field) {
  const json_t *value = json_object_get(object, field);
  if (!json_is_boolean(value)) wrong(r, field);
  return json_is_true(value);
}

static int64_t get_int(reader *r, const json_t *object, const char *field) {
  const json_t *value = json_object_get(object, field);
  if (!json_is_integer(value)) wrong(r, field);
  return json_integer_value(value);
}

static unsigned get_count(reader *r, const json_t *object, const char *field, unsigned most) {
  const int64_t value = get_int(r, object, field);
  if (value < 0 || value > most) wrong(r, field);
  return (unsigned)value;
}

static double get_number(reader *r, const json_t *object, const char *field) {
  double value = 0.0;
  if (!pv_json_read_number(json_object_get(object, field), &value)) wrong(r, field);
  return value;
}

static double get_duration(reader *r, const json_t *object) {
  const double value = get_number(r, object, "duration_s");
  if (!(value >= 0.0 && isfinite(value))) wrong(r, "duration_s");
  return value;
}

static const json_t *get_array(reader *r, const json_t *object, const char *field, size_t *count) {
  const json_t *value = json_object_get(object, field);
  if (!json_is_array(value)) wrong(r, field);
  *count = json_array_size(value);
  return value;
}

static pv_strings get_strings(reader *r, const json_t *object, const char *field) {
  pv_strings out = {0};
  size_t count = 0;
  const json_t *array = get_array(r, object, field, &count);
  out.items = keep(r, PV_ARENA_NEW(r->arena, count + 1, char *));
  for (size_t i = 0; i < count && out.items != NULL; i++) {
    const char *value = json_string_value(json_array_get(array, i));
    if (value == NULL) wrong(r, field);
    out.items[out.count++] = keep(r, pv_arena_strdup(r->arena, value == NULL ? "" : value));
  }
  return out;
}

static pv_fact *get_facts(reader *r, const json_t *object, const char *field, size_t *count) {
  json_t *facts = get_object(r, object, field);
  *count = 0;
  pv_fact *out = keep(r, PV_ARENA_NEW(r->arena, json_object_size(facts) + 1, pv_fact));
  if (out == NULL) return NULL;
  for (void *at = json_object_iter(facts); at != NULL; at = json_object_iter_next(facts, at)) {
    const char *name = json_object_iter_key(at);
    if (json_string_value(json_object_iter_value(at)) == NULL) wrong(r, field);
    out[*count].name = keep(r, pv_arena_strdup(r->arena, name));
    out[(*count)++].value = get_text(r, facts, name);
  }
  return out;
}

static pv_verdict get_verdict(reader *r, const json_t *object) {
  pv_verdict out = PV_NOT_RUN;
  const char *name = json_string_value(json_object_get(object, "verdict"));
  if (name == NULL || !pv_verdict_parse(name, &out)) wrong(r, "verdict");
  return out;
}

static pv_source get_source(reader *r, const json_t *object) {
  const char *name = json_string_value(json_object_get(object, "source"));
  for (int s = PV_FROM_NOWHERE; name != NULL && s <= PV_FROM_RECEIPT; s++)
    if (strcmp(name, pv_source_name((pv_source)s)) == 0) return (pv_source)s;
  wrong(r, "source");
  return PV_FROM_NOWHERE;
}

static pv_contract_status get_status(reader *r, const json_t *object, const char *field) {
  pv_contract_status out = PV_STATUS_DRAFT;
  const char *name = json_string_value(json_object_get(object, field));
  if (name == NULL || !pv_contract_status_parse(name, &out)) wrong(r, field);
  return out;
}

static void read_metrics(reader *r, const json_t *object, pv_falsifier_result *out) {
  json_t *metrics = get_object(r, object, "metrics");
  out->metrics = keep(r, PV_ARENA_NEW(r->arena, json_object_size(metrics) + 1, pv_metric));
  if (out->metrics == NULL) return;
  for (void *at = json_object_iter(metrics); at != NULL; at = json_object_iter_next(metrics, at)) {
    pv_metric *m = &out->metrics[out->metric_count++];
    m->name = keep(r, pv_arena_strdup(r->arena, json_object_iter_key(at)));
    if (!pv_json_read_number(json_object_iter_value(at), &m->value)) wrong(r, "metrics");
  }
}

static double *get_numbers(reader *r, const json_t *object, const char *field, size_t *count) {
  const json_t *array = get_array(r, object, field, count);
  double *out = keep(r, PV_ARENA_NEW(r->arena, *count + 1, double));
  for (size_t i = 0; out != NULL && i < *count; i++)
    if (!pv_json_read_number(json_array_get(array, i), &out[i])) wrong(r, field);
  return out;
}

static void read_series(reader *r, const json_t *object, pv_falsifier_result *out) {
  size_t count = 0, xs = 0, ys = 0;
  const json_t *array = get_array(r, object, "series", &count);
  out->series = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_series));
  for (size_t i = 0; out->series != NULL && i < count; i++) {
    const json_t *s = get_item(r, array, i, "series");
    out->series[i] = (pv_series){.picture = get_text(r, s, "picture"),
                                 .name = get_text(r, s, "name"),
                                 .x_label = get_text(r, s, "x_label"),
                                 .y_label = get_text(r, s, "y_label"),
                                 .x = get_numbers(r, s, "x", &xs),
                                 .y = get_numbers(r, s, "y", &ys),
                                 .log_y = get_bool(r, s, "log_y")};
    if (xs != ys) wrong(r, "series");
    out->series[i].count = xs;
    out->series_count++;
  }
}

static void read_worst(reader *r, const json_t *object, pv_worst *out) {
  const json_t *w = get_maybe_object(r, object, "worst");
  if (w == NULL) return;
  *out = (pv_worst){.present = true,
                    .stage = get_text(r, w, "stage"),
                    .layer = get_int(r, w, "layer"),
                    .position = get_int(r, w, "position"),
                    .index = get_int(r, w, "index"),
                    .left = get_number(r, w, "left"),
                    .right = get_number(r, w, "right")};
}

static void read_subject(reader *r, const json_t *object, pv_subject *out) {
  const json_t *s = get_object(r, object, "subject");
  get_digest(r, s, "falsifier", out->falsifier);
  out->model = get_maybe(r, s, "model");
  out->reference = get_maybe(r, s, "reference");
  out->code = get_maybe(r, s, "code");
  out->kernels = get_maybe(r, s, "kernels");
  out->ptx = get_maybe(r, s, "ptx");
  out->numerics = get_facts(r, s, "numerics", &out->numerics_count);
  if (json_object_get(s, "files") != NULL) out->files = get_facts(r, s, "files", &out->file_count);
}

static void read_fixed(reader *r, const json_t *object, pv_fixed *out) {
  if (json_object_get(object, "gate") == NULL) return;
  const json_t *g = get_object(r, object, "gate");
  *out = (pv_fixed){.name = get_text(r, g, "name"),
                    .value = get_text(r, g, "value"),
                    .commit = get_maybe(r, g, "commit"),
                    .date = get_maybe(r, g, "date"),
                    .before = get_bool(r, g, "before_run"),
                    .why = get_maybe(r, g, "why")};
  /* Nothing that nobody knows the date of was before anything. */
  if ((out->commit == NULL) != (out->date == NULL) || (out->before && out->date == NULL))
    wrong(r, "gate");
}

static void read_falsifier(reader *r, const json_t *object, pv_falsifier *falsifier,
                           pv_falsifier_result *out, pv_subject *subject) {
  const json_t *faults = get_object(r, object, "faults");
  const json_t *receipt = get_maybe_object(r, object, "receipt");
  const int64_t compared = get_int(r, object, "compared");
  if (compared < 0) wrong(r, "compared");
  *falsifier = (pv_falsifier){.id = get_text(r, object, "id"),
                              .check = get_text(r, object, "check"),
                              .criteria = get_strings(r, object, "criteria")};
  *out = (pv_falsifier_result){.falsifier = falsifier,
                               .verdict = get_verdict(r, object),
                               .source = get_source(r, object),
                               .reason = get_text(r, object, "reason"),
                               .compared = (uint64_t)compared,
                               .duration_s = get_duration(r, object),
                               .backends = get_strings(r, object, "backends"),
                               .faults_declared = get_strings(r, faults, "declared"),
                               .faults_killed = get_strings(r, faults, "killed"),
                               .output = get_maybe(r, object, "output")};
  if (!json_is_null(json_object_get(object, "needed_tolerance"))) {
    out->has_needed_tolerance = true;
    out->needed_tolerance = get_number(r, object, "needed_tolerance");
  }
  out->never_fails = json_is_true(json_object_get(object, "never_seen_to_fail"));
  if (receipt != NULL) {
    out->receipt_run = get_text(r, receipt, "run");
    out->receipt_date = get_text(r, receipt, "date");
    out->receipt_device = get_text(r, receipt, "device");
  }
  /* No PASS over nothing, and nothing is held by a receipt that is not named. */
  if (out->verdict == PV_PASS && compared == 0) wrong(r, "compared");
  if (out->source == PV_FROM_RECEIPT && receipt == NULL) wrong(r, "receipt");
  read_metrics(r, object, out);
  read_series(r, object, out);
  read_worst(r, object, &out->worst);
  read_fixed(r, object, &out->fixed);
  read_subject(r, object, subject);
}

static void read_falsifiers(reader *r, const json_t *root, pv_contract *contract, pv_result *out,
                            pv_evidence *evidence) {
  size_t count = 0;
  const json_t *array = get_array(r, root, "falsifiers", &count);
  contract->falsifiers = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_falsifier));
  out->falsifiers = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_falsifier_result));
  pv_subject *subjects = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_subject));
  evidence->subjects = subjects;
  if (r->out_of_memory) return;
  for (size_t i = 0; i < count; i++)
    read_falsifier(r, get_item(r, array, i, "falsifiers"), &contract->falsifiers[i],
                   &out->falsifiers[i], &subjects[i]);
  contract->falsifier_count = out->falsifier_count = count;
}

static void bind_criterion(reader *r, const json_t *object, const pv_result *result,
                           pv_criterion_result *out) {
  const pv_strings ids = get_strings(r, object, "falsifiers");
  out->falsifiers = keep(r, PV_ARENA_NEW(r->arena, ids.count + 1, size_t));
  if (r->out_of_memory) return;
  for (size_t i = 0; i < ids.count; i++) {
    const pv_falsifier *f = pv_contract_falsifier(result->contract, ids.items[i]);
    if (f == NULL)
      wrong(r, "criteria");
    else
      out->falsifiers[out->falsifier_count++] = (size_t)(f - result->contract->falsifiers);
  }
  pv_verdict joined = PV_NOT_RUN;
  for (size_t i = 0; i < out->falsifier_count; i++) {
    const pv_verdict one = result->falsifiers[out->falsifiers[i]].verdict;
    joined = i == 0 ? one : pv_verdict_join(joined, one);
  }
  /* It follows from its falsifiers', and a criterion has one. */
  if (ids.count == 0 || joined != out->verdict) wrong(r, "verdict");
}

static void read_criteria(reader *r, const json_t *root, pv_contract *contract, pv_result *out) {
  size_t count = 0;
  const json_t *array = get_array(r, root, "criteria", &count);
  contract->criteria = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_criterion));
  out->criteria = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_criterion_result));
  if (r->out_of_memory) return;
  for (size_t i = 0; i < count; i++) {
    const json_t *object = get_item(r, array, i, "criteria");
    contract->criteria[i] = (pv_criterion){.id = get_text(r, object, "id"),
                                           .property = get_text(r, object, "property"),
                                           .needed_for = get_status(r, object, "needed_for")};
    out->criteria[i] = (pv_criterion_result){.criterion = &contract->criteria[i],
                                             .verdict = get_verdict(r, object),
                                             .source = get_source(r, object)};
    bind_criterion(r, object, out, &out->criteria[i]);
  }
  contract->criterion_count = out->criterion_count = count;
}

/* Left out where the contract has none, and by earlier versions. A status that the criteria of the
 * same file do not give is no evidence. */
static void read_stages(reader *r, const json_t *root, pv_contract *contract, pv_result *out) {
  size_t count = 0;
  if (json_object_get(root, "stages") == NULL) return;
  const json_t *array = get_array(r, root, "stages", &count);
  contract->stages = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_stage));
  out->stages = keep(r, PV_ARENA_NEW(r->arena, count + 1, pv_stage_result));
  if (r->out_of_memory) return;
  for (size_t i = 0; i < count; i++) {
    const json_t *object = get_item(r, array, i, "stages");
    contract->stages[i] = (pv_stage){.id = get_text(r, object, "id"),
                                     .description = get_text(r, object, "description"),
                                     .criteria = get_strings(r, object, "criteria")};
    const char *status = get_text(r, object, "status");
    if (r->out_of_memory) return;
    out->stages[i] = pv_stage_derive(out, &contract->stages[i]);
    bool right = strcmp(status, pv_stage_status_name(out->stages[i].status)) == 0;
    for (size_t k = 0; k < contract->stages[i].criteria.count; k++)
      right &= pv_contract_criterion(contract, contract->stages[i].criteria.items[k]) != NULL;
    if (!right) wrong(r, "stages");
  }
  contract->stage_count = out->stage_count = count;
}

static void read_head(reader *r, const json_t *root, pv_contract *contract, pv_result *out,
                      pv_evidence *evidence) {
  const json_t *run = get_object(r, root, "run"), *about = get_object(r, root, "contract");
  const json_t *summary = get_object(r, root, "summary");
  contract->name = get_text(r, about, "name");
  contract->version = get_text(r, about, "version");
  contract->status = get_status(r, about, "status_before");
  get_digest(r, about, "sha256", contract->sha256);
  get_digest(r, about, "semantics_sha256", evidence->semantics);
  evidence->contract_path = get_text(r, about, "path");
  out->run_id = get_text(r, run, "id");
  out->started = get_text(r, run, "started");
  out->duration_s = get_duration(r, run);
  out->command = get_text(r, run, "command");
  out->publish = get_bool(r, run, "publish");
  out->exit_code = (int)get_count(r, run, "exit_code", 3);
  out->status_before = contract->status;
  out->status_after = get_status(r, about, "status_after");
  out->status_carried = get_bool(r, about, "status_carried");
  out->environment = get_facts(r, root, "environment", &out->environment_count);
  out->model = get_facts(r, root, "model", &out->model_count);
  out->numerics = get_facts(r, root, "numerics", &out->numerics_count);
  out->summary = (pv_summary){.discharged = get_count(r, summary, "discharged", INT_MAX),
                              .falsified = get_count(r, summary, "falsified", INT_MAX),
                              .not_run = get_count(r, summary, "not_run", INT_MAX),
                              .stale = get_count(r, summary, "stale", INT_MAX),
                              .error = get_count(r, summary, "error", INT_MAX),
                              .vacuous = get_count(r, summary, "vacuous", INT_MAX)};
  if (json_object_get(summary, "not_applicable") != NULL) /* left out where there is none */
    out->summary.not_applicable = get_count(r, summary, "not_applicable", INT_MAX);
  evidence->files = get_facts(r, root, "files", &evidence->file_count);
}

/* A list of falsifiers' names marks each. */
static void read_marks(reader *r, const json_t *part, const char *field, pv_result *out,
                       bool others) {
  const pv_strings ids = get_strings(r, part, field);
  for (size_t k = 0; k < ids.count && !r->out_of_memory; k++) {
    size_t i = 0;
    while (i < out->falsifier_count && strcmp(out->falsifiers[i].falsifier->id, ids.items[k]) != 0)
      i++;
    if (i == out->falsifier_count || out->falsifiers[i].verdict != PV_NOT_RUN)
      wrong(r, field);
    else if (others)
      out->falsifiers[i].of_another_part = true;
    else
      out->falsifiers[i].judged_elsewhere = true;
  }
}

static void read_part(reader *r, const json_t *root, pv_result *out) {
  char split[PV_SHA256_HEX] = "";
  const json_t *part = get_object(r, root, "part");
  get_digest(r, part, "split", split);
  out->part = (pv_part){.number = get_count(r, part, "number", PV_EVIDENCE_PARTS_MAX),
                        .of = get_count(r, part, "of", PV_EVIDENCE_PARTS_MAX),
                        .split = keep(r, pv_arena_strdup(r->arena, split)),
                        .split_by = get_text(r, part, "split_by"),
                        .whole = get_text(r, part, "whole"),
                        .faults = get_bool(r, part, "faults")};
  if (out->part.number == 0 || out->part.number > out->part.of) wrong(r, "number");
  out->faults_untried = get_count(r, part, "faults_untried", INT_MAX);
  out->partial = get_bool(r, part, "partial");
  read_marks(r, part, "in_other_parts", out, true);
  read_marks(r, part, "judged_of_others", out, false);
}

static pv_code other_schema(const json_t *root, const char *schema, pv_error *err) {
  const json_t *part = json_object_get(root, "part");
  if (schema != NULL && strcmp(schema, PV_EVIDENCE_PART) == 0)
    return pv_error_refuse(err, "pv evidence merge joins the parts of a run",
                           "it is no run, but part %d of %d of one",
                           (int)json_integer_value(json_object_get(part, "number")),
                           (int)json_integer_value(json_object_get(part, "of")));
  return pv_error_set(err, PV_ERR_INPUT, "it is no evidence of the schema %s%s%.40s",
                      PV_EVIDENCE_SCHEMA, schema == NULL ? "" : " but of ",
                      schema == NULL ? "" : schema);
}

/* What a reader takes. */
typedef enum kind { KIND_RUN, KIND_SEALED_RUN, KIND_ANY } kind;

static pv_code read_root(pv_arena *arena, const json_t *root, kind what, pv_evidence *out,
                         pv_error *err) {
  const char *schema = json_string_value(json_object_get(root, "schema"));
  const bool part = what == KIND_ANY && schema != NULL && strcmp(schema, PV_EVIDENCE_PART) == 0;
  reader r = {.arena = arena};
  if (!part && (schema == NULL || strcmp(schema, PV_EVIDENCE_SCHEMA) != 0))
    return other_schema(root, schema, err);
  pv_contract *contract = keep(&r, PV_ARENA_NEW(arena, 1, pv_contract));
  pv_result *result = keep(&r, PV_ARENA_NEW(arena, 1, pv_result));
  pv_evidence evidence = {.result = result};
  if (!r.out_of_memory) {
    result->contract = contract;
    read_head(&r, root, contract, result, &evidence);
    read_falsifiers(&r, root, contract, result, &evidence);
    read_criteria(&r, root, contract, result);
    read_stages(&r, root, contract, result);
    if (part && !r.out_of_memory) read_part(&r, root, result);
  }
  if (r.out_of_memory) return pv_error_nomem(err, "evidence");
  if (r.wrong != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "the evidence has no usable field '%s'", r.wrong);
  *out = evidence;
  return PV_OK;
}

static pv_code read_json(pv_arena *arena, const char *path, const pv_bytes *bytes, kind what,
                         pv_evidence *out, pv_error *err) {
  json_error_t where;
  json_t *root =
      json_loadb((const char *)bytes->data, bytes->length, JSON_REJECT_DUPLICATES, &where);
  if (root == NULL && pv_canon_no_memory(&where)) return pv_error_nomem(err, "evidence");
  if (root == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "it is no JSON: %s", where.text);
    pv_error_at(err, path, where.line, where.column, where.position);
    return PV_ERR_INPUT;
  }
  bool fits = true;
  pv_evidence evidence;
  pv_code code = read_root(arena, root, what, &evidence, err);
  if (code == PV_OK && what == KIND_SEALED_RUN)
    code = pv_canon_sealed_text((const char *)bytes->data, bytes->length, &fits, err);
  if (code == PV_OK && !fits)
    code = pv_canon_sealed(root, &fits, err); /* in another form, or not */
  if (code == PV_OK && !fits)
    code = pv_error_set(err, PV_ERR_INPUT, "the seal is broken: something in it was changed");
  if (code == PV_ERR_INPUT) pv_error_at(err, path, 0, 0, -1);
  if (code == PV_OK) *out = evidence;
  json_decref(root);
  return code;
}

static pv_code read_folder(pv_arena *arena, const char *folder, kind what, pv_evidence *out,
                           pv_error *err) {
  char path[PATH_MAX];
  pv_bytes bytes = {0};
  if (snprintf(path, sizeof path, "%s/%s", folder, PV_EVIDENCE_FILE) >= (int)sizeof path)
    return pv_error_set(err, PV_ERR_INPUT, "the folder's name is too long");
  pv_code code = pv_file_read(path, PV_EVIDENCE_LIMIT, &bytes, err);
  if (code == PV_OK) code = read_json(arena, path, &bytes, what, out, err);
  pv_bytes_free(&bytes);
  return code;
}

pv_code pv_evidence_read(pv_arena *arena, const char *folder, pv_evidence *out, pv_error *err) {
  return read_folder(arena, folder, KIND_RUN, out, err);
}

pv_code pv_evidence_read_any(pv_arena *arena, const char *folder, pv_evidence *out, pv_error *err) {
  return read_folder(arena, folder, KIND_ANY, out, err);
}

pv_code pv_evidence_read_sealed(pv_arena *arena, const char *path, const pv_bytes *bytes,
                                pv_evidence *out, pv_error *err) {
  return read_json(arena, path, bytes, KIND_SEALED_RUN, out, err);
}
