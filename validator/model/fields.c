#include "validator/model/fields.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

pv_code pv_fields_flaw(const pv_reading *r, const pv_yaml_node *at, const char *rule,
                       const char *hint, const char *fmt, ...) {
  pv_flaws *list = r->flaws;
  char text[400];
  va_list args;
  if (list->items == NULL) list->items = PV_ARENA_NEW(r->arena, PV_FLAWS_MAX, pv_error);
  if (list->items == NULL) return pv_error_nomem(r->err, "findings");
  if (list->count == PV_FLAWS_MAX) {
    pv_error_hint(&list->items[PV_FLAWS_MAX - 1], "there is more: only the first %d are told",
                  PV_FLAWS_MAX);
    return PV_ERR_INPUT;
  }
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pv_error *flaw = &list->items[list->count++];
  pv_error_set(flaw, PV_ERR_INPUT, "%s", text);
  pv_error_at(flaw, r->file, at->place.line, at->place.column, at->place.begin);
  pv_error_rule(flaw, rule);
  pv_error_hint(flaw, "%s", hint);
  return PV_OK;
}

static const char *const kind_names[] = {"a text", "a list", "a mapping"};

static pv_code unknown_key(const pv_reading *r, const pv_yaml_node *key, const char *what,
                           const pv_field *fields, size_t count) {
  char hint[200];
  size_t least = 5;
  snprintf(hint, sizeof hint, "see docs/contract-format.md for the keys of %s", what);
  for (size_t i = 0; i < count; i++) {
    const size_t d = pv_text_distance(key->text, fields[i].key);
    if (d >= least || fields[i].kind == PV_FIELD_GONE) continue;
    least = d;
    snprintf(hint, sizeof hint, "did you mean '%s'?", fields[i].key);
  }
  return pv_fields_flaw(r, key, "PV010", hint, "%s has no key '%.80s'", what, key->text);
}

pv_code pv_fields_strings(const pv_reading *r, const pv_yaml_node *node, const char *what,
                          pv_strings *out) {
  if (node->kind != PV_YAML_SEQUENCE)
    return pv_fields_flaw(r, node, "PV012", "write it as a list", "%s is %s, not a list", what,
                          kind_names[node->kind]);
  out->items = PV_ARENA_NEW(r->arena, node->count, char *);
  out->places = PV_ARENA_NEW(r->arena, node->count, pv_place);
  if (out->items == NULL || out->places == NULL)
    return pv_error_set(r->err, PV_ERR_NOMEM, "out of memory for '%s'", r->file);
  for (size_t i = 0; i < node->count; i++) {
    const pv_yaml_node *item = node->items[i];
    if (item->kind != PV_YAML_SCALAR || item->length == 0) {
      const pv_code code =
          pv_fields_flaw(r, item, "PV012", "put it in quotes", "an entry of %s is no text", what);
      if (code != PV_OK) return code;
      continue;
    }
    out->items[out->count] = item->text;
    out->places[out->count++] = item->place;
  }
  return PV_OK;
}

static pv_code read_one(const pv_reading *r, const pv_yaml_node *value, const char *what,
                        const pv_field *field) {
  char name[160];
  if (field->place != NULL) *field->place = value->place;
  if (field->kind == PV_FIELD_NODE) {
    *(const pv_yaml_node **)field->target = value;
    return PV_OK;
  }
  snprintf(name, sizeof name, "%s of %s", field->key, what);
  if (field->kind == PV_FIELD_STRINGS) return pv_fields_strings(r, value, name, field->target);
  if (value->kind != PV_YAML_SCALAR)
    return pv_fields_flaw(r, value, "PV012", "write one text", "%s is %s, not a text", name,
                          kind_names[value->kind]);
  if (value->length == 0)
    return pv_fields_flaw(r, value, "PV012", "fill it in or leave the key out", "%s is empty",
                          name);
  *(char **)field->target = value->text;
  return PV_OK;
}

/* All of them in one flaw. */
static pv_code missing_keys(const pv_reading *r, const pv_yaml_node *node, const char *what,
                            const pv_field *fields, size_t count) {
  char names[300] = "";
  size_t used = 0, missing = 0;
  for (size_t i = 0; i < count; i++) {
    if (!fields[i].required || pv_yaml_get(node, fields[i].key) != NULL) continue;
    const int n = snprintf(names + used, sizeof names - used, "%s'%s'", missing++ > 0 ? ", " : "",
                           fields[i].key);
    if (n > 0 && (size_t)n < sizeof names - used) used += (size_t)n;
  }
  if (missing == 0) return PV_OK;
  return pv_fields_flaw(r, node, "PV011", missing > 1 ? "add them" : "add it", "%s has no %s", what,
                        names);
}

pv_code pv_fields_read(const pv_reading *r, const pv_yaml_node *node, const char *what,
                       const pv_field *fields, size_t count) {
  if (node->kind != PV_YAML_MAPPING)
    return pv_fields_flaw(r, node, "PV012", "write key: value pairs", "%s is %s, not a mapping",
                          what, kind_names[node->kind]);
  for (size_t i = 0; i < node->count; i++) {
    const pv_field *field = pv_text_find(node->keys[i]->text, fields, count, sizeof *fields);
    const pv_code code = field == NULL ? unknown_key(r, node->keys[i], what, fields, count)
                         : field->kind == PV_FIELD_GONE
                             ? pv_fields_flaw(r, node->keys[i], "PV010", field->target,
                                              "%s has no key '%s' any more", what, field->key)
                             : read_one(r, node->items[i], what, field);
    if (code != PV_OK) return code;
  }
  return missing_keys(r, node, what, fields, count);
}
