/* SARIF 2.1.0, for code scanning. */
#include <string.h>

#include "reports/render/call.h"
#include "reports/render/json_parts.h"
#include "reports/render/marks.h"

#define SCHEMA \
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static json_t *message(const char *text) {
  return json_pack("{s:o}", "text", pv_json_text(text));
}

/* "CONTRACT/ID": ids are unique in one contract only. NULL when memory is out. */
static json_t *name_of(const pv_result *r, const char *id) {
  pv_text text = PV_TEXT_INIT;
  pv_text_printf(&text, "%s/%s", r->contract->name, id);
  json_t *out = text.failed ? NULL : pv_json_text(text.data);
  pv_text_free(&text);
  return out;
}

/* A path as a URI: whatever is not plain there is a %XX. */
static json_t *uri_of(const char *path) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  pv_text text = PV_TEXT_INIT;
  pv_text_puts(&text, path[0] == '/' ? "file://" : "");
  for (const char *c = path; *c != '\0'; c++) {
    if (strchr(plain, *c) != NULL)
      pv_text_add(&text, c, 1);
    else
      pv_text_printf(&text, "%%%02X", (unsigned)(unsigned char)*c);
  }
  json_t *out = text.failed ? NULL : json_string(pv_view_text(text.data));
  pv_text_free(&text);
  return out;
}

/* Relative paths are from the root of the sources, which whoever reads them knows. */
static json_t *location(const char *file, int64_t line) {
  json_t *artifact = json_pack("{s:o}", "uri", uri_of(file));
  if (file[0] != '/') pv_json_set(&artifact, "uriBaseId", json_string("%SRCROOT%"));
  json_t *physical = json_pack("{s:o}", "artifactLocation", artifact);
  if (line > 0) pv_json_set(&physical, "region", json_pack("{s:I}", "startLine", (json_int_t)line));
  return json_pack("{s:o}", "physicalLocation", physical);
}

static json_t *rule(const pv_result *r, const char *id, const char *about, const char *help) {
  return json_pack("{s:o, s:o, s:o, s:{s:s}}", "id", name_of(r, id), "shortDescription",
                   message(about), "help", message(help), "defaultConfiguration", "level", "error");
}

static void add_rules(json_t **rules, const pv_result *r) {
  pv_text help = PV_TEXT_INIT;
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion *c = r->criteria[i].criterion;
    help.length = 0;
    pv_text_printf(&help, "pv explain %s", c->id);
    pv_json_append(rules, help.failed ? NULL : rule(r, c->id, c->property, help.data));
  }
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier *f = r->falsifiers[i].falsifier;
    if (pv_mark_named(r, i)) continue;
    help.length = 0;
    pv_text_printf(&help, "pv explain %s", f->id);
    pv_json_append(rules, help.failed ? NULL : rule(r, f->id, f->prediction, help.data));
  }
  pv_json_append(rules, rule(r, "status", "The contract claims no more than its evidence supports",
                             "pv validate"));
  pv_text_free(&help);
}

/* The falsifiers that gave a criterion its verdict, where they stand. */
static json_t *related(const pv_outcome *o, const pv_criterion_result *c) {
  json_t *out = json_array();
  for (size_t i = 0; i < c->falsifier_count; i++) {
    const pv_falsifier_result *f = &o->result->falsifiers[c->falsifiers[i]];
    if (f->verdict != c->verdict) continue;
    json_t *one = location(o->file, f->falsifier->place.line);
    pv_json_set(&one, "message", message(f->falsifier->id));
    pv_json_append(&out, one);
  }
  return out;
}

static json_t *result_of(const pv_outcome *o, const pv_mark *m) {
  const pv_result *r = o->result;
  json_t *out = json_pack(
      "{s:o, s:s, s:s, s:o, s:[o], s:{s:o}, s:{s:s, s:o}}", "ruleId", name_of(r, m->id), "kind",
      "fail", "level", m->level == PV_MARK_ERROR ? "error" : "warning", "message", message(m->text),
      "locations", location(o->file, m->place.line), "partialFingerprints", "criterion/v1",
      name_of(r, m->id), "properties", "verdict", m->word, "run", pv_json_text(r->run_id));
  if (m->criterion != NULL) pv_json_set(&out, "relatedLocations", related(o, m->criterion));
  return out;
}

static pv_code add_results(json_t **results, const pv_outcome *o, pv_error *err) {
  pv_marks marks;
  const pv_code code = pv_marks_make(o->result, &marks, err);
  for (size_t i = 0; code == PV_OK && i < marks.count; i++)
    if (marks.items[i].level != PV_MARK_NOTICE)
      pv_json_append(results, result_of(o, &marks.items[i]));
  pv_marks_free(&marks);
  return code;
}

static json_t *notification(const pv_error *e) {
  json_t *out = json_pack("{s:s, s:o}", "level", "error", "message", message(e->message));
  if (e->file[0] != '\0') {
    json_t *places = json_array();
    pv_json_append(&places, location(e->file, e->line));
    pv_json_set(&out, "locations", places);
  }
  return out;
}

static json_t *invocation(const pv_call *call) {
  json_t *told = json_array();
  for (size_t i = 0; i < call->failure_count; i++)
    pv_json_append(&told, notification(&call->failures[i]));
  return json_pack("{s:b, s:o}", "executionSuccessful", (int)(call->failure_count == 0),
                   "toolExecutionNotifications", told);
}

pv_code pv_render_sarif(const pv_call *call, pv_text *out, pv_error *err) {
  json_t *rules = json_array(), *results = json_array();
  pv_code code = PV_OK;
  for (size_t i = 0; code == PV_OK && i < call->count; i++) {
    add_rules(&rules, call->items[i].result);
    code = add_results(&results, &call->items[i], err);
  }
  if (code != PV_OK) {
    json_decref(rules);
    json_decref(results);
    return code;
  }
  return pv_json_put(
      out,
      json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:[o], s:o}]}", "$schema", SCHEMA, "version",
                "2.1.0", "runs", "tool", "driver", "name", "pv", "version", PV_VERSION, "rules",
                rules, "invocations", invocation(call), "results", results),
      err);
}
