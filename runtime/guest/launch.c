/* One launch of a descriptor: the entry, its parameters, its geometry. */
#include <string.h>

#include "runtime/guest/reader.h"

/* The types that a parameter may be written with. */
static const char *const number_types[] = {"u8",  "u16", "u32", "u64", "s8", "s16",
                                           "s32", "s64", "f16", "f32", "f64"};
enum { NUMBER_TYPES = sizeof number_types / sizeof *number_types, ZEROS_MAX = 4096 };

static void read_parameters(pv_guest_reader *r, const pv_yaml_node *list, bool nested,
                            pv_guest_parameter **out, size_t *count);

/* A word alone may have been meant as a buffer or as a number. */
static void hint_parameter(pv_guest_reader *r, const char *word) {
  const char *names[PV_GUEST_BUFFERS + PV_GUEST_VALUES];
  size_t count = pv_guest_buffer_names(r->d, names);
  for (size_t i = 0; i < r->d->name_count; i++) names[count++] = r->d->names[i];
  pv_guest_hint_words(r, word, names, count);
}

static void read_typed(pv_guest_reader *r, const char *key, pv_guest_text text,
                       pv_guest_parameter *p) {
  for (size_t i = 0; i < NUMBER_TYPES; i++)
    if (strcmp(number_types[i], key) == 0) p->type = pv_ptx_type_find(key);
  p->value = pv_guest_bind(r, text);
  if (strcmp(key, "bytes") == 0) {
    int64_t bytes = 0;
    p->kind = PV_GUEST_ZEROS;
    if (r->code == PV_OK) /* over nothing: no case decides how large a parameter is */
      r->code =
          pv_guest_expression_read(r->arena, text.text, text.place, NULL, 0, &p->value, r->err);
    if (r->code == PV_OK)
      r->code =
          pv_guest_expression_whole(p->value, NULL, "a run of zeros", 1, ZEROS_MAX, &bytes, r->err);
    p->bytes = (uint32_t)bytes;
  } else if (p->type == PV_PTX_NO_TYPE && r->code != PV_ERR_NOMEM) {
    r->code = PV_OK; /* the type comes first */
    pv_guest_refuse_at(r, p->place, "'%.40s' is no type of a parameter", key);
    pv_guest_hint_words(r, key, number_types, NUMBER_TYPES);
  }
}

static void read_parameter(pv_guest_reader *r, const pv_yaml_node *list, size_t *at, bool nested,
                           pv_guest_parameter *p) {
  const pv_yaml_node *node = list->items[*at];
  p->place = pv_guest_place_of(r, node);
  if (node->kind == PV_YAML_MAPPING && node->count == 1 &&
      strcmp(node->keys[0]->text, "struct") == 0) {
    ++*at;
    p->kind = PV_GUEST_STRUCT;
    p->text = "struct";
    if (nested)
      pv_guest_refuse(r, node, "a struct within a struct: write its members out");
    else
      read_parameters(r, node->items[0], true, &p->items, &p->count);
    return;
  }
  const char *key = NULL;
  const pv_guest_text text = pv_guest_item(r, list, at, &key);
  if (r->code != PV_OK) return;
  p->kind = PV_GUEST_NUMBER;
  p->text = text.text;
  p->buffer = key == NULL ? pv_guest_buffer(r->d, text.text) : PV_GUEST_BUFFERS;
  if (key != NULL) {
    read_typed(r, key, text, p);
  } else if (p->buffer < PV_GUEST_BUFFERS) {
    p->kind = PV_GUEST_BUFFER;
  } else if (nested) {
    pv_guest_refuse_at(r, p->place, "'%.60s' in a struct needs a type", text.text);
    pv_error_hint(r->err, "as in u32: %.60s; or is it the name of a tensor?", text.text);
  } else {
    p->value = pv_guest_bind(r, text);
    if (r->code != PV_OK && strpbrk(text.text, "+-*/%(<> ") == NULL) hint_parameter(r, text.text);
  }
}

static void read_parameters(pv_guest_reader *r, const pv_yaml_node *list, bool nested,
                            pv_guest_parameter **out, size_t *count) {
  if (r->code != PV_OK || list == NULL) return;
  if (list->kind != PV_YAML_SEQUENCE) {
    pv_guest_refuse(r, list, "parameters are a list, in the order of the entry's");
    return;
  }
  *out = PV_ARENA_NEW(r->arena, list->count + 1, pv_guest_parameter);
  if (*out == NULL) {
    r->code = pv_error_nomem(r->err, "parameters");
    return;
  }
  for (size_t i = 0; r->code == PV_OK && i < list->count;) {
    if (*count == PV_GUEST_PARAMETERS)
      pv_guest_refuse(r, list, "there are more than %d parameters", PV_GUEST_PARAMETERS);
    else
      read_parameter(r, list, &i, nested, &(*out)[(*count)++]);
  }
}

/* One to three expressions: x, y, z. */
static void read_shape(pv_guest_reader *r, const pv_yaml_node *map, const char *key,
                       const pv_guest_expression *out[3]) {
  const pv_yaml_node *node = pv_yaml_get(map, key);
  size_t count = 0;
  if (r->code != PV_OK) return;
  if (node == NULL) {
    pv_guest_refuse(r, map, "there is no %s", key);
    pv_error_hint(r->err, "as in %s: [x, y, z]; what is left out is 1", key);
    return;
  }
  if (node->kind == PV_YAML_SCALAR) {
    out[0] = pv_guest_read_expression(r, node);
    return;
  }
  if (node->kind != PV_YAML_SEQUENCE || node->count == 0) {
    pv_guest_refuse(r, node, "%s is a list of one to three expressions", key);
    return;
  }
  for (size_t i = 0; r->code == PV_OK && i < node->count;) {
    const char *word = NULL;
    const pv_guest_text text = pv_guest_item(r, node, &i, &word);
    if (count == 3 || word != NULL)
      pv_guest_refuse_at(r, text.place, "%s is a list of one to three expressions", key);
    else
      out[count++] = pv_guest_bind(r, text);
  }
}

static void read_writes(pv_guest_reader *r, const pv_yaml_node *node, pv_guest_launch *out) {
  const char *names[PV_GUEST_BUFFERS];
  const size_t count = pv_guest_buffer_names(r->d, names);
  if (r->code != PV_OK) return;
  if (node == NULL) {
    for (size_t i = 0; i < pv_operation_tensors(r->d->operation); i++)
      out->writes[i] = r->d->operation->tensor[i].role != PV_OP_IN;
    for (size_t i = 0; i < r->d->scratch_count; i++) out->writes[PV_OP_TENSORS + i] = true;
    return;
  }
  if (node->kind != PV_YAML_SEQUENCE) {
    pv_guest_refuse(r, node, "writes is a list of tensors and scratch buffers");
    return;
  }
  for (size_t i = 0; r->code == PV_OK && i < node->count; i++) {
    const pv_guest_text text = pv_guest_scalar(r, node->items[i]);
    const size_t at = pv_guest_buffer(r->d, text.text);
    if (r->code == PV_OK && at == PV_GUEST_BUFFERS) {
      pv_guest_refuse_at(r, text.place, "there is no tensor and no scratch buffer '%.60s'",
                         text.text);
      pv_guest_hint_words(r, text.text, names, count);
    } else if (r->code == PV_OK) {
      out->writes[at] = true;
    }
  }
}

/* Files are named relative to the descriptor's folder. */
static const char *beside(pv_guest_reader *r, const char *name) {
  const char *slash = strrchr(r->path, '/');
  const char *out =
      name[0] == '/' || slash == NULL
          ? pv_arena_strdup(r->arena, name)
          : pv_arena_printf(r->arena, "%.*s/%s", (int)(slash - r->path), r->path, name);
  if (out == NULL) r->code = pv_error_nomem(r->err, "a path");
  return out;
}

void pv_guest_read_launch(pv_guest_reader *r, const pv_yaml_node *map, pv_guest_launch *out) {
  const pv_yaml_node *entry = pv_yaml_get(map, "entry"), *list = pv_yaml_get(map, "parameters");
  const char *file = pv_guest_word(r, map, "file", NULL);
  if (r->code != PV_OK) return;
  if (entry == NULL) {
    pv_guest_refuse(r, map, "there is no entry");
    pv_error_hint(r->err, "entry: the name of the kernel in the file");
    return;
  }
  const pv_guest_text name = pv_guest_scalar(r, entry);
  if (r->code == PV_OK && file != NULL) out->file = beside(r, file);
  out->entry = name.text;
  out->place = name.place;
  if (r->code == PV_OK && list == NULL) {
    pv_guest_refuse(r, map, "there are no parameters");
    pv_error_hint(r->err,
                  "a list in the order of the entry's: tensors, and expressions over sizes");
  }
  if (r->code != PV_OK) return;
  out->parameters_place = pv_guest_place_of(r, list);
  read_parameters(r, list, false, &out->parameters, &out->parameter_count);
  read_shape(r, map, "grid", out->grid);
  read_shape(r, map, "block", out->block);
  if (r->code == PV_OK) out->shared = pv_guest_read_expression(r, pv_yaml_get(map, "shared"));
  if (r->code == PV_OK) out->cooperative = pv_guest_flag(r, map, "cooperative");
  read_writes(r, pv_yaml_get(map, "writes"), out);
}
