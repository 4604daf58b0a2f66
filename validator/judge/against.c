#include "validator/judge/against.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "reports/render/render.h"

enum { MOST = 64, SHOWN = 100 };

typedef struct compare {
  pv_arena *arena;
  pv_strings *out;
  bool out_of_memory;
} compare;

__attribute__((format(printf, 2, 3))) static void differs(compare *c, const char *fmt, ...) {
  char text[600];
  va_list args;
  if (c->out->count == MOST) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char *copy = pv_arena_strdup(c->arena, text);
  if (copy == NULL)
    c->out_of_memory = true;
  else
    c->out->items[c->out->count++] = copy;
}

/* A value as a reader wants it: a text without quotes, cut. */
static void put(pv_text *out, const json_t *value) {
  if (value == NULL) {
    pv_text_puts(out, "nothing");
  } else if (json_is_string(value)) {
    pv_text_add(out, json_string_value(value),
                json_string_length(value) < SHOWN ? json_string_length(value) : SHOWN);
  } else {
    pv_text whole = PV_TEXT_INIT;
    (void)pv_json_write(value, JSON_COMPACT | JSON_ENCODE_ANY, &whole, NULL);
    pv_text_add(out, whole.data == NULL ? "?" : whole.data,
                whole.data == NULL     ? 1
                : whole.length < SHOWN ? whole.length
                                       : SHOWN);
    pv_text_free(&whole);
  }
}

static void tell(compare *c, const char *place, const json_t *theirs, const json_t *ours) {
  pv_text a = PV_TEXT_INIT, b = PV_TEXT_INIT;
  put(&a, theirs);
  put(&b, ours);
  if (a.failed || b.failed)
    c->out_of_memory = true;
  else
    differs(c, "%.200s: the statement says %s, the evidence %s", place, a.data, b.data);
  pv_text_free(&a);
  pv_text_free(&b);
}

static bool holds(const json_t *list, const json_t *item) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (json_equal(json_array_get(list, i), item)) return true;
  return false;
}

/* Whether all that `theirs` says is in `ours`. Statements are a few levels deep; deeper is other.
 */
static void look(compare *c, const char *place, const json_t *theirs, const json_t *ours,
                 unsigned depth) {
  if (json_is_object(theirs) && json_is_object(ours) && depth > 0) {
    json_t *object = (json_t *)(uintptr_t)theirs; /* jansson's iterators are not const */
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
      char below[256];
      const char *name = json_object_iter_key(at);
      snprintf(below, sizeof below, "%.150s.%.80s", place, name);
      look(c, below, json_object_iter_value(at), json_object_get(ours, name), depth - 1);
    }
  } else if (json_is_array(theirs) && json_is_array(ours)) {
    for (size_t i = 0; i < json_array_size(theirs); i++) {
      const json_t *item = json_array_get(theirs, i);
      pv_text text = PV_TEXT_INIT;
      put(&text, item);
      if (text.failed)
        c->out_of_memory = true;
      else if (!holds(ours, item))
        differs(c, "%.200s: the statement names %s, the evidence does not", place, text.data);
      pv_text_free(&text);
    }
  } else if (!json_equal(theirs, ours)) {
    tell(c, place, theirs, ours);
  }
}

static const char *text_at(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* A subject is its digests; the name finds the one that it should be. */
static void look_subject(compare *c, const json_t *theirs, const json_t *list) {
  const json_t *digest = json_object_get(theirs, "digest"), *named = NULL;
  const char *name = text_at(theirs, "name");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *one = json_array_get(list, i);
    const char *own = text_at(one, "name");
    if (json_equal(json_object_get(one, "digest"), digest)) return;
    if (name != NULL && own != NULL && strcmp(name, own) == 0)
      named = json_object_get(one, "digest");
  }
  char place[160];
  snprintf(place, sizeof place, "subject %.140s", name == NULL ? "without a name" : name);
  look(c, place, digest, named, 1);
}

/* What the evidence's own statement of this type says. */
static pv_code own_statement(const pv_signed *s, const pv_evidence *e, json_t **out,
                             pv_error *err) {
  pv_contract contract = *e->result->contract;
  pv_result result = *e->result;
  pv_text path = PV_TEXT_INIT, text = PV_TEXT_INIT;
  const char *detail = pv_fact_value(e->files, e->file_count, "statement.json");
  pv_text_puts(&path, e->contract_path);
  contract.path = path.data;
  result.contract = &contract;
  pv_code code = path.failed ? pv_error_nomem(err, "a statement") : PV_OK;
  if (code == PV_OK && strcmp(s->predicate, PV_RENDER_VSA) == 0)
    code = pv_render_vsa(&result, detail, &text, err);
  else if (code == PV_OK && strcmp(s->predicate, PV_RENDER_TEST_RESULT) == 0)
    code = pv_render_statement(&result, NULL, &text, err);
  else if (code == PV_OK)
    code = pv_error_refuse(err, "pv compares " PV_RENDER_VSA " and " PV_RENDER_TEST_RESULT,
                           "the statement is of another type, %.100s", s->predicate);
  if (code == PV_OK) *out = json_loadb(text.data, text.length, 0, NULL);
  if (code == PV_OK && *out == NULL) code = pv_error_nomem(err, "a statement");
  pv_text_free(&text);
  pv_text_free(&path);
  return code;
}

/* Paths are how a contract was called, its digest is what it is: of one file under two names it is
 * the digest that both say. */
static void forget_path(json_t *predicate) {
  json_t *configuration = json_object_get(predicate, "configuration");
  for (size_t i = 0; i < json_array_size(configuration); i++)
    json_object_del(json_array_get(configuration, i), "name");
  json_object_del(json_object_get(predicate, "policy"), "uri");
  const char *resource = text_at(predicate, "resourceUri");
  const char *digest = resource == NULL ? NULL : strchr(resource, '?');
  if (digest != NULL) json_object_set_new(predicate, "resourceUri", json_string(digest));
}

pv_code pv_against(pv_arena *arena, const pv_signed *s, const pv_evidence *e,
                   pv_strings *differences, pv_error *err) {
  pv_strings found = {.items = PV_ARENA_NEW(arena, MOST, char *)};
  compare c = {.arena = arena, .out = &found};
  json_t *ours = NULL;
  if (found.items == NULL) return pv_error_nomem(err, "a statement");
  json_t *theirs = json_deep_copy(s->statement);
  pv_code code =
      theirs == NULL ? pv_error_nomem(err, "a statement") : own_statement(s, e, &ours, err);
  if (code != PV_OK) {
    pv_error_at(err, s->file, 0, 0, -1);
    goto cleanup;
  }
  const json_t *subjects = json_object_get(theirs, "subject");
  for (size_t i = 0; i < json_array_size(subjects); i++)
    look_subject(&c, json_array_get(subjects, i), json_object_get(ours, "subject"));
  forget_path(json_object_get(theirs, "predicate"));
  forget_path(json_object_get(ours, "predicate"));
  look(&c, "predicate", json_object_get(theirs, "predicate"), json_object_get(ours, "predicate"),
       8);
  if (c.out_of_memory) code = pv_error_nomem(err, "a statement");
  if (code == PV_OK) *differences = found;
cleanup:
  json_decref(theirs);
  json_decref(ours);
  return code;
}
