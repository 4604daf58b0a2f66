/* The front end of a folder: manifest.json. */
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/listing.h"

/* A misspelt "position" must not be read as none. */
static bool is_known(const char *key) {
  static const char *const known[] = {"stage", "layer", "node",     "file",  "offset",
                                      "dtype", "shape", "position", "sha256"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(key, known[i]) == 0) return true;
  return false;
}

/* A whole number from 0 on that may be missing. */
static bool read_number(const json_t *value, uint64_t *out) {
  if (value == NULL) return true;
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (uint64_t)json_integer_value(value);
  return true;
}

/* Version 1 writes "f32le". */
static pv_stored type_of(const char *name, bool old) {
  const size_t length = name != NULL ? strlen(name) : 0, end = old ? 2 : 0;
  if (length <= end || strcmp(name + length - end, old ? "le" : "") != 0) return PV_STORED_OTHER;
  for (int i = 0; i < PV_STORED_TYPES; i++)
    if (strlen(pv_stored_names[i]) == length - end &&
        memcmp(name, pv_stored_names[i], length - end) == 0)
      return (pv_stored)i;
  return PV_STORED_OTHER;
}

static bool read_shape(const json_t *shape, pv_piece *out) {
  const size_t rank = json_array_size(shape);
  if (rank < 2 || rank > PV_PIECE_RANK) return false;
  for (size_t i = 0; i < rank; i++) {
    if (!json_is_integer(json_array_get(shape, i)) ||
        !read_number(json_array_get(shape, i), &out->dims[i]))
      return false;
  }
  out->rank = (unsigned)rank;
  return true;
}

static pv_code read_place(const pv_listing *l, const json_t *object, pv_piece *out, pv_error *err) {
  const char *stage = pv_listing_text(object, "stage"), *node = pv_listing_text(object, "node");
  const json_t *layer = json_object_get(object, "layer");
  uint64_t number = 0;
  if ((stage == NULL) == (node == NULL))
    return pv_listing_refuse(l, err, "has a tensor with neither or both of stage and node");
  out->name = stage != NULL ? stage : node;
  out->node = node != NULL;
  if (layer == NULL || json_is_null(layer)) return PV_OK;
  if (!read_number(layer, &number) || number > INT32_MAX || out->node)
    return pv_piece_refuse(l, out, -1, err, "has a layer that is none");
  out->layer = (int64_t)number;
  return PV_OK;
}

static pv_code read_file(const pv_listing *l, const json_t *object, pv_piece *out, pv_error *err) {
  const json_t *file = json_object_get(object, "file"), *hash = json_object_get(object, "sha256");
  out->file = json_string_value(file);
  out->sha256 = json_string_value(hash);
  out->whole = json_object_get(object, "offset") == NULL;
  if (hash != NULL && (out->sha256 == NULL || !pv_listing_is_digest(out->sha256)))
    return pv_piece_refuse(l, out, -1, err,
                           "has a sha256 that is not 64 hexadecimal digits in lower case");
  if (file == NULL && out->sha256 != NULL) return PV_OK;
  if (out->file == NULL || out->file[0] == '\0' || strchr(out->file, '/') != NULL)
    return pv_piece_refuse(l, out, -1, err, "has no file inside the folder");
  return PV_OK;
}

static pv_code read_piece(const pv_listing *l, json_t *object, bool old, pv_piece *out,
                          pv_error *err) {
  *out = (pv_piece){.layer = -1};
  pv_code code = read_place(l, object, out, err);
  if (code != PV_OK) return code;
  if (!read_number(json_object_get(object, "position"), &out->position))
    return pv_piece_refuse(l, out, -1, err, "has a position that is none");
  if (!read_number(json_object_get(object, "offset"), &out->offset))
    return pv_piece_refuse(l, out, -1, err, "has an offset that is none");
  if (!read_shape(json_object_get(object, "shape"), out) && !out->node)
    return pv_piece_refuse(l, out, -1, err, "has no shape of rows and width");
  out->type = type_of(pv_listing_text(object, "dtype"), old);
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) if (!old && !is_known(key)) return pv_piece_refuse(
      l, out, -1, err, "has a key that pv does not know: '%.80s'", key);
  return read_file(l, object, out, err);
}

pv_code pv_listing_manifest(const void *bytes, size_t length, pv_listing *out, pv_error *err) {
  json_error_t where;
  out->root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
  const char *schema = pv_listing_text(out->root, "schema");
  const json_t *tensors = json_object_get(out->root, "tensors");
  if (out->root == NULL && json_error_code(&where) == json_error_out_of_memory)
    return pv_error_nomem(err, "the trace");
  if (out->root == NULL) {
    pv_listing_refuse(out, err, "is no JSON: %.200s", where.text);
    pv_error_at(err, out->place, where.line, where.column, -1);
    return PV_ERR_INPUT;
  }
  const bool old = schema != NULL && strcmp(schema, "pv/trace/v1") == 0;
  if (!old && (schema == NULL || strcmp(schema, "pv/trace/v2") != 0))
    return pv_listing_refuse(out, err, "is no manifest of a pv/trace/v2");
  if (json_array_size(tensors) == 0) return pv_listing_refuse(out, err, "names no tensors");
  out->about = json_incref(out->root);
  out->list = calloc(json_array_size(tensors), sizeof *out->list);
  pv_code code = out->list != NULL ? PV_OK : pv_error_nomem(err, "the trace");
  for (size_t i = 0; i < json_array_size(tensors) && code == PV_OK; i++) {
    code = read_piece(out, json_array_get(tensors, i), old, &out->list[i], err);
    out->count = i + 1;
  }
  return code;
}
