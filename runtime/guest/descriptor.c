#include "runtime/guest/descriptor.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "runtime/guest/reader.h"

static const char *const keys[] = {"schema", "file",    "entry",     "operation",   "numerics",
                                   "allow",  "tensors", "constants", "scratch",     "parameters",
                                   "grid",   "block",   "shared",    "cooperative", "limits",
                                   "writes", "before",  NULL};
static const char *const launch_keys[] = {"file",   "entry",       "parameters", "grid", "block",
                                          "shared", "cooperative", "writes",     NULL};
static const char *const layout_keys[] = {"type", "stride", "row_bytes", "zero", NULL};
static const char *const scratch_keys[] = {"bytes", "zero", NULL};

/* "q4_k_gemv, rmsnorm, ..." */
static void hint_operations(const char *name, pv_error *err) {
  const char *names[64];
  size_t count = 0;
  for (const pv_operation *o; count < 64 && (o = pv_operation_at(count)) != NULL;)
    names[count++] = o->name;
  const char *best = pv_text_nearest(name, names, count, sizeof *names, 5);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s? pv kernel operations lists them", best);
  else
    pv_error_hint(err, "see: pv kernel operations");
}

pv_code pv_guest_operation_find(const char *name, const pv_operation **out, pv_error *err) {
  const pv_operation *found = pv_operation_find(name);
  if (found == NULL) {
    pv_error_set(err, PV_ERR_INPUT, "there is no operation '%.60s'", name);
    hint_operations(name, err);
    return PV_ERR_INPUT;
  }
  *out = found;
  return PV_OK;
}

static void read_operation(pv_guest_reader *r, const pv_yaml_node *root, const char *as) {
  const pv_yaml_node *node = pv_yaml_get(root, "operation");
  const char *name = as != NULL ? as : pv_guest_word(r, root, "operation", NULL);
  if (r->code != PV_OK) return;
  if (name == NULL) {
    pv_guest_refuse(r, root, "there is no operation");
    pv_error_hint(r->err, "what the kernel computes: see pv kernel operations");
    return;
  }
  r->code = pv_guest_operation_find(name, &r->d->operation, r->err);
  if (r->code != PV_OK) {
    const pv_guest_place place = pv_guest_place_of(r, node != NULL ? node : root);
    if (as == NULL) pv_error_at(r->err, place.file, place.line, place.column, -1);
    return;
  }
  const pv_operation *o = r->d->operation;
  for (size_t i = 0; i < PV_OP_SIZES && o->size[i] != NULL; i++)
    r->d->names[r->d->name_count++] = o->size[i];
  for (size_t i = 0; i < PV_OP_SCALARS && o->scalar[i].name != NULL; i++)
    r->d->names[r->d->name_count++] = o->scalar[i].name;
}

static void read_numerics(pv_guest_reader *r, const pv_yaml_node *root) {
  static const char *const names[] = {"float32", "tf32", "float16",   "bfloat16",
                                      "i16",     "i8",   "f32-f64acc"};
  const pv_yaml_node *node = pv_yaml_get(root, "numerics");
  const char *name = pv_guest_word(r, root, "numerics", NULL);
  if (r->code != PV_OK) return;
  if (name == NULL) {
    pv_guest_refuse(r, root, "there are no numerics");
    pv_error_hint(r->err,
                  "float32, tf32, float16, bfloat16: in what it adds up, in any order; or "
                  "an identity: i16, i8, f32-f64acc");
  } else if (!pv_op_numerics_find(name, &r->d->numerics)) {
    pv_guest_refuse(r, node, "there are no numerics '%.60s'", name);
    pv_guest_hint_words(r, name, names, sizeof names / sizeof *names);
  }
}

static void read_allowed(pv_guest_reader *r, const pv_yaml_node *node) {
  static const char *const names[] = {"approx", "ftz", "contraction", "order"};
  pv_guest_allowed *a = &r->d->allowed;
  bool *const flags[] = {&a->approx, &a->ftz, &a->contraction, &a->order};
  if (node == NULL || r->code != PV_OK) return;
  if (node->kind != PV_YAML_SEQUENCE) {
    pv_guest_refuse(r, node, "allow is a list");
    return;
  }
  for (size_t i = 0; r->code == PV_OK && i < node->count; i++) {
    const pv_guest_text word = pv_guest_scalar(r, node->items[i]);
    size_t k = 0;
    while (k < 4 && strcmp(names[k], word.text) != 0) k++;
    if (r->code == PV_OK && k == 4) {
      pv_guest_refuse_at(r, word.place, "'%.60s' is nothing that can be allowed", word.text);
      pv_guest_hint_words(r, word.text, names, 4);
    } else if (r->code == PV_OK && r->d->numerics.is_identity) {
      pv_guest_refuse_at(r, word.place, "%s is an identity: it allows nothing",
                         r->d->numerics.name);
      pv_error_hint(r->err, "an identity is every bit; with float32 the bound judges");
    } else if (r->code == PV_OK) {
      *flags[k] = true;
    }
  }
  r->d->numerics.approx = a->approx;
  r->d->numerics.ftz = a->ftz;
}

static bool is_new_name(pv_guest_reader *r, const pv_yaml_node *key) {
  const char *text = key->text;
  if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") !=
          strlen(text) ||
      strlen(text) > 40 || (text[0] >= '0' && text[0] <= '9'))
    return pv_guest_refuse(r, key, "'%.60s' is no name: letters, digits and _", text);
  for (size_t i = 0; i < r->d->name_count; i++)
    if (strcmp(r->d->names[i], text) == 0)
      return pv_guest_refuse(r, key, "'%.60s' is a size or a constant already", text);
  if (pv_guest_buffer(r->d, text) != PV_GUEST_BUFFERS)
    return pv_guest_refuse(r, key, "'%.60s' is a tensor or a scratch buffer already", text);
  return true;
}

static void read_constants(pv_guest_reader *r, const pv_yaml_node *map) {
  pv_guest_descriptor *d = r->d;
  if (map == NULL || r->code != PV_OK) return;
  if (map->kind != PV_YAML_MAPPING) pv_guest_refuse(r, map, "constants are name: expression");
  for (size_t i = 0; r->code == PV_OK && i < map->count; i++) {
    if (!is_new_name(r, map->keys[i])) return;
    if (d->constant_count == PV_GUEST_CONSTANTS) {
      pv_guest_refuse(r, map, "there are more than %d constants", PV_GUEST_CONSTANTS);
      return;
    }
    d->constants[d->constant_count++] = pv_guest_read_expression(r, map->items[i]);
    d->names[d->name_count++] = map->keys[i]->text;
  }
}

static void read_scratches(pv_guest_reader *r, const pv_yaml_node *map) {
  pv_guest_descriptor *d = r->d;
  if (map == NULL || r->code != PV_OK) return;
  if (map->kind != PV_YAML_MAPPING) pv_guest_refuse(r, map, "scratch is name: bytes");
  for (size_t i = 0; r->code == PV_OK && i < map->count; i++) {
    const pv_yaml_node *value = map->items[i];
    if (!is_new_name(r, map->keys[i])) return;
    if (d->scratch_count == PV_GUEST_SCRATCHES) {
      pv_guest_refuse(r, map, "there are more than %d scratch buffers", PV_GUEST_SCRATCHES);
      return;
    }
    pv_guest_scratch one = {.name = map->keys[i]->text};
    if (value->kind == PV_YAML_MAPPING) {
      if (!pv_guest_keys(r, value, "a scratch buffer", scratch_keys)) return;
      one.zero = pv_guest_flag(r, value, "zero");
      if (pv_yaml_get(value, "bytes") == NULL)
        pv_guest_refuse(r, value, "how many bytes does '%.40s' have?", one.name);
      else
        value = pv_yaml_get(value, "bytes");
    }
    if (r->code == PV_OK) one.bytes = pv_guest_read_expression(r, value);
    d->scratches[d->scratch_count++] = one;
  }
}

static void read_format(pv_guest_reader *r, const pv_op_tensor *t, pv_guest_text word,
                        pv_format *out) {
  const char *names[PV_FORMAT_COUNT];
  for (int i = 0; i < PV_FORMAT_COUNT; i++) names[i] = pv_format_get((pv_format)i)->name;
  if (r->code != PV_OK) return;
  if (t->element != PV_OP_REAL) {
    pv_guest_refuse_at(r, word.place, "'%s' has the type that the operation gives it", t->name);
  } else if (!pv_format_find(word.text, out)) {
    pv_guest_refuse_at(r, word.place, "'%.40s' is no type of a tensor", word.text);
    pv_guest_hint_words(r, word.text, names, PV_FORMAT_COUNT);
  } else if (t->role != PV_OP_IN && *out > PV_FORMAT_BF16) {
    pv_guest_refuse_at(r, word.place, "an output is f32, f16 or bf16");
  }
}

static void read_layout(pv_guest_reader *r, const pv_op_tensor *t, const pv_yaml_node *value,
                        pv_guest_layout *out) {
  const pv_yaml_node *type = value, *stride = NULL, *row_bytes = NULL;
  if (value->kind == PV_YAML_MAPPING) {
    if (!pv_guest_keys(r, value, "a tensor", layout_keys)) return;
    type = pv_yaml_get(value, "type");
    stride = pv_yaml_get(value, "stride");
    row_bytes = pv_yaml_get(value, "row_bytes");
    out->zero = pv_guest_flag(r, value, "zero");
    if (r->code == PV_OK && out->zero && t->role != PV_OP_OUT)
      pv_guest_refuse(r, value, "'%s' is read: only what is written alone is zeroed", t->name);
  }
  if (type != NULL) read_format(r, t, pv_guest_scalar(r, type), &out->format);
  if (stride != NULL && row_bytes != NULL)
    pv_guest_refuse(r, row_bytes, "stride and row_bytes say the same twice");
  if (stride != NULL &&
      (out->format > PV_FORMAT_BF16 || t->element == PV_OP_WEIGHTS || t->element == PV_OP_PACKED)) {
    pv_guest_refuse(r, stride, "blocks have no stride in elements");
    pv_error_hint(r->err, "row_bytes: from one row to the next, in bytes");
  }
  if (r->code != PV_OK) return;
  out->pitch_in_bytes = row_bytes != NULL;
  out->pitch = pv_guest_read_expression(r, row_bytes != NULL ? row_bytes : stride);
}

static void read_layouts(pv_guest_reader *r, const pv_yaml_node *map) {
  const pv_operation *o = r->d->operation;
  const char *names[PV_OP_TENSORS];
  if (r->code != PV_OK) return;
  const size_t count = pv_operation_tensors(o);
  for (size_t i = 0; i < count; i++) names[i] = o->tensor[i].name;
  if (map == NULL) return;
  if (map->kind != PV_YAML_MAPPING) pv_guest_refuse(r, map, "tensors are name: how it is laid out");
  for (size_t i = 0; r->code == PV_OK && i < map->count; i++) {
    size_t k = 0;
    while (k < count && strcmp(names[k], map->keys[i]->text) != 0) k++;
    if (k < count) {
      read_layout(r, &o->tensor[k], map->items[i], &r->d->layouts[k]);
      continue;
    }
    pv_guest_refuse(r, map->keys[i], "%s has no tensor '%.60s'", o->name, map->keys[i]->text);
    pv_guest_hint_words(r, map->keys[i]->text, names, count);
  }
}

static void read_launches(pv_guest_reader *r, const pv_yaml_node *root) {
  const pv_yaml_node *before = pv_yaml_get(root, "before");
  pv_guest_descriptor *d = r->d;
  if (r->code != PV_OK) return;
  if (before != NULL && before->kind != PV_YAML_SEQUENCE) {
    pv_guest_refuse(r, before, "before is a list of launches");
    return;
  }
  for (size_t i = 0; before != NULL && r->code == PV_OK && i < before->count; i++) {
    if (d->launch_count + 1 == PV_GUEST_LAUNCHES)
      pv_guest_refuse(r, before, "there are more than %d launches", PV_GUEST_LAUNCHES);
    else if (pv_guest_keys(r, before->items[i], "a launch", launch_keys))
      pv_guest_read_launch(r, before->items[i], &d->launches[d->launch_count++]);
  }
  if (r->code == PV_OK) pv_guest_read_launch(r, root, &d->launches[d->launch_count++]);
}

static void read_all(pv_guest_reader *r, const pv_yaml_node *root, const char *as) {
  if (!pv_guest_keys(r, root, "a descriptor", keys)) return;
  const char *schema = pv_guest_word(r, root, "schema", NULL);
  if (r->code == PV_OK && (schema == NULL || strcmp(schema, "pv/kernel/v1") != 0)) {
    const pv_yaml_node *node = pv_yaml_get(root, "schema");
    pv_guest_refuse(r, node != NULL ? node : root, "this is no descriptor that pv knows");
    pv_error_hint(r->err, "it begins with schema: pv/kernel/v1");
  }
  read_operation(r, root, as);
  read_numerics(r, root);
  read_allowed(r, pv_yaml_get(root, "allow"));
  read_constants(r, pv_yaml_get(root, "constants"));
  read_scratches(r, pv_yaml_get(root, "scratch"));
  read_layouts(r, pv_yaml_get(root, "tensors"));
  if (r->code == PV_OK) r->d->limits = pv_guest_read_expression(r, pv_yaml_get(root, "limits"));
  read_launches(r, root);
}

pv_code pv_guest_descriptor_parse(pv_arena *arena, const char *path, const void *bytes,
                                  size_t length, const char *as, pv_guest_descriptor **out,
                                  pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  pv_yaml_node *root = NULL;
  pv_guest_descriptor *d = PV_ARENA_NEW(arena, 1, pv_guest_descriptor);
  const char *own = pv_arena_strdup(arena, path);
  if (d == NULL || own == NULL) return pv_error_nomem(err, "a descriptor");
  d->path = own;
  pv_guest_reader r = {arena, own, bytes, d, PV_OK, &local};
  r.code = pv_yaml_parse(arena, own, bytes, length, &root, &local);
  if (r.code == PV_OK) read_all(&r, root, as);
  if (r.code == PV_OK)
    *out = d;
  else if (err != NULL)
    *err = local;
  return r.code;
}

pv_code pv_guest_descriptor_read(pv_arena *arena, const char *path, const char *as,
                                 pv_guest_descriptor **out, pv_error *err) {
  pv_bytes bytes = {0};
  pv_code code = pv_file_read(path, PV_YAML_BYTES_MAX, &bytes, err);
  if (code == PV_OK)
    code = pv_guest_descriptor_parse(arena, path, bytes.data, bytes.length, as, out, err);
  pv_bytes_free(&bytes);
  return code;
}
