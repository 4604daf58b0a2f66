#include "runtime/guest/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool refuse(pv_guest_reader *r, pv_guest_place place, const char *text) {
  if (r->code != PV_OK) return false;
  r->code = pv_error_set(r->err, PV_ERR_INPUT, "%s", text);
  pv_error_at(r->err, place.file, place.line, place.column, -1);
  return false;
}

bool pv_guest_refuse_at(pv_guest_reader *r, pv_guest_place place, const char *fmt, ...) {
  char text[sizeof r->err->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return refuse(r, place, text);
}

bool pv_guest_refuse(pv_guest_reader *r, const pv_yaml_node *at, const char *fmt, ...) {
  char text[sizeof r->err->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return refuse(r, pv_guest_place_of(r, at), text);
}

void pv_guest_hint_words(pv_guest_reader *r, const char *word, const char *const *words,
                         size_t count) {
  const char *best = pv_text_nearest(word, words, count, sizeof *words, (strlen(word) + 1) / 2);
  pv_text list = PV_TEXT_INIT;
  for (size_t i = 0; best == NULL && i < count; i++)
    pv_text_printf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
  if (best != NULL)
    pv_error_hint(r->err, "did you mean %s?", best);
  else if (list.failed)
    r->code = pv_error_nomem(r->err, "a list of words");
  else if (list.data != NULL)
    pv_error_hint(r->err, "one of: %s", list.data);
  pv_text_free(&list);
}

pv_guest_place pv_guest_place_of(const pv_guest_reader *r, const pv_yaml_node *node) {
  return (pv_guest_place){
      r->path, node->place.line,
      node->place.column + (node->style == PV_YAML_QUOTED && node->kind == PV_YAML_SCALAR)};
}

bool pv_guest_keys(pv_guest_reader *r, const pv_yaml_node *map, const char *what,
                   const char *const *words) {
  size_t count = 0;
  while (words[count] != NULL) count++;
  if (r->code != PV_OK) return false;
  if (map->kind != PV_YAML_MAPPING) return pv_guest_refuse(r, map, "%s is made of keys", what);
  for (size_t i = 0; i < map->count; i++) {
    size_t k = 0;
    while (k < count && strcmp(words[k], map->keys[i]->text) != 0) k++;
    if (k < count) continue;
    pv_guest_refuse(r, map->keys[i], "%s has no key '%.60s'", what, map->keys[i]->text);
    pv_guest_hint_words(r, map->keys[i]->text, words, count);
    return false;
  }
  return true;
}

pv_guest_text pv_guest_scalar(pv_guest_reader *r, const pv_yaml_node *node) {
  pv_guest_text out = {"", pv_guest_place_of(r, node)};
  if (node->kind != PV_YAML_SCALAR)
    pv_guest_refuse(r, node, "one value is wanted here, no list and no keys");
  else if (node->length == 0)
    pv_guest_refuse(r, node, "a value is wanted here");
  else
    out.text = node->text;
  return out;
}

const char *pv_guest_word(pv_guest_reader *r, const pv_yaml_node *map, const char *key,
                          const char *fallback) {
  const pv_yaml_node *node = pv_yaml_get(map, key);
  return node != NULL ? pv_guest_scalar(r, node).text : fallback;
}

bool pv_guest_flag(pv_guest_reader *r, const pv_yaml_node *map, const char *key) {
  const pv_yaml_node *node = pv_yaml_get(map, key);
  if (node == NULL) return false;
  const char *text = pv_guest_scalar(r, node).text;
  if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
    return pv_guest_refuse(r, node, "%s is true or false", key);
  return strcmp(text, "true") == 0;
}

const pv_guest_expression *pv_guest_bind(pv_guest_reader *r, pv_guest_text text) {
  const pv_guest_expression *out = NULL;
  if (r->code == PV_OK)
    r->code = pv_guest_expression_read(r->arena, text.text, text.place, r->d->names,
                                       r->d->name_count, &out, r->err);
  return out;
}

const pv_guest_expression *pv_guest_read_expression(pv_guest_reader *r, const pv_yaml_node *node) {
  return node != NULL ? pv_guest_bind(r, pv_guest_scalar(r, node)) : NULL;
}

static int open_ends(const char *text, size_t length) {
  int depth = 0;
  for (size_t i = 0; i < length; i++) depth += (text[i] == '(') - (text[i] == ')');
  return depth;
}

pv_guest_text pv_guest_item(pv_guest_reader *r, const pv_yaml_node *list, size_t *at,
                            const char **key) {
  const pv_yaml_node *node = list->items[(*at)++];
  *key = NULL;
  if (node->kind == PV_YAML_MAPPING) {
    if (node->count != 1)
      pv_guest_refuse(r, node, "one key is wanted here, there are %zu", node->count);
    if (r->code != PV_OK) return (pv_guest_text){"", pv_guest_place_of(r, node)};
    *key = node->keys[0]->text;
    node = node->items[0];
  }
  pv_guest_text out = pv_guest_scalar(r, node);
  const size_t begin = (size_t)node->place.begin;
  size_t end = (size_t)node->place.end;
  if (r->code != PV_OK || node->style != PV_YAML_PLAIN) return out;
  while (open_ends(r->bytes + begin, end - begin) > 0 && *at < list->count &&
         list->items[*at]->kind == PV_YAML_SCALAR)
    end = (size_t)list->items[(*at)++]->place.end;
  out.text = pv_arena_strndup(r->arena, r->bytes + begin, end - begin);
  if (out.text == NULL) {
    r->code = pv_error_nomem(r->err, "a descriptor");
    out.text = "";
  }
  return out;
}

size_t pv_guest_buffer_names(const pv_guest_descriptor *d, const char *out[PV_GUEST_BUFFERS]) {
  size_t count = 0;
  for (size_t i = 0; i < pv_operation_tensors(d->operation); i++)
    out[count++] = d->operation->tensor[i].name;
  for (size_t i = 0; i < d->scratch_count; i++) out[count++] = d->scratches[i].name;
  return count;
}

size_t pv_guest_buffer(const pv_guest_descriptor *d, const char *name) {
  for (size_t i = 0; i < pv_operation_tensors(d->operation); i++)
    if (strcmp(d->operation->tensor[i].name, name) == 0) return i;
  for (size_t i = 0; i < d->scratch_count; i++)
    if (strcmp(d->scratches[i].name, name) == 0) return PV_OP_TENSORS + i;
  return PV_GUEST_BUFFERS;
}
