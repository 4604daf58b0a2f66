/* The front end of one safetensors file: eight bytes of length, a header of JSON, the numbers. Each
 * tensor of the header must be where the one before it ends, and the last end with the file. */
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/model/plan.h"
#include "runtime/trace/listing.h"

#define DATA "data_offsets"

/* Where a tensor's bytes are, for the order of the file. */
typedef struct extent {
  uint64_t begin, end;
  const pv_piece *piece;
} extent;

typedef struct dtype {
  const char *name;
  size_t bytes;
  pv_stored type;
} dtype;

static const dtype *find_type(const char *name) {
  static const dtype table[] = {{"F16", 2, PV_STORED_F16},       {"BF16", 2, PV_STORED_BF16},
                                {"F32", 4, PV_STORED_F32},       {"F64", 8, PV_STORED_F64},
                                {"I32", 4, PV_STORED_I32},       {"I64", 8, PV_STORED_I64},
                                {"BOOL", 1, PV_STORED_OTHER},    {"U8", 1, PV_STORED_OTHER},
                                {"I8", 1, PV_STORED_OTHER},      {"F8_E4M3", 1, PV_STORED_OTHER},
                                {"F8_E5M2", 1, PV_STORED_OTHER}, {"I16", 2, PV_STORED_OTHER},
                                {"U16", 2, PV_STORED_OTHER},     {"U32", 4, PV_STORED_OTHER},
                                {"U64", 8, PV_STORED_OTHER}};
  return name != NULL ? pv_text_find(name, table, sizeof table / sizeof *table, sizeof *table)
                      : NULL;
}

static bool is_stage(const char *name) {
  for (size_t n = 0; pv_plan_at(n) != NULL; n++)
    if (pv_plan_stage(pv_plan_at(n), name) >= 0) return true;
  return false;
}

/* A number behind the last `mark` of a name, which it is cut off from. */
static bool cut_number(char *name, char mark, uint64_t *out) {
  char *at = strrchr(name, mark);
  if (at == NULL || !pv_parse_u64(at + 1, strlen(at + 1), out)) return false;
  *at = '\0';
  return true;
}

/* STAGE, STAGE.LAYER and both with @POSITION; any other name is a node, which may have a position
 * too. What is left of a name is kept by the root. */
static pv_code read_name(pv_listing *l, const char *key, pv_piece *out, pv_error *err) {
  uint64_t layer = 0;
  out->name = key;
  char *copy = strdup(key), *stage = copy != NULL ? strdup(key) : NULL;
  pv_code code = PV_OK;
  json_t *kept = NULL;
  if (stage == NULL) {
    code = pv_error_nomem(err, "the names of the trace");
    goto cleanup;
  }
  cut_number(copy, '@', &out->position);
  strcpy(stage, copy);
  const bool layered = !is_stage(stage) && cut_number(stage, '.', &layer);
  out->node = !is_stage(stage) || layer > INT32_MAX;
  out->layer = layered && !out->node ? (int64_t)layer : -1;
  kept = json_string(out->node ? copy : stage);
  if (kept == NULL || json_array_append(json_object_get(l->root, ""), kept) != 0)
    code = pv_error_nomem(err, "the names of the trace");
  else
    out->name = json_string_value(kept);
cleanup:
  json_decref(kept);
  free(copy);
  free(stage);
  return code;
}

/* Dimensions, and bytes by them; a rank that no stage has is counted too. */
static bool read_shape(const json_t *shape, size_t element, pv_piece *out, uint64_t *bytes) {
  const size_t rank = json_array_size(shape);
  *bytes = element;
  if (!json_is_array(shape)) return false;
  for (size_t i = 0; i < rank; i++) {
    const json_t *dim = json_array_get(shape, i);
    if (!json_is_integer(dim) || json_integer_value(dim) < 0 ||
        !pv_ck_mul(*bytes, (uint64_t)json_integer_value(dim), bytes))
      return false;
    if (i < PV_PIECE_RANK) out->dims[i] = (uint64_t)json_integer_value(dim);
  }
  out->rank = rank == 2 || rank == 3 ? (unsigned)rank : 0;
  return true;
}

static pv_code read_piece(const pv_listing *l, const json_t *object, uint64_t data, uint64_t room,
                          pv_piece *out, extent *where, pv_error *err) {
  const json_t *offsets = json_object_get(object, DATA);
  const json_t *from = json_array_get(offsets, 0), *until = json_array_get(offsets, 1);
  const char *name = pv_listing_text(object, "dtype");
  const dtype *type = find_type(name);
  uint64_t bytes = 0;
  if (type == NULL)
    return pv_piece_refuse(l, out, -1, err, "is of a type that safetensors does not have: '%.40s'",
                           name != NULL ? name : "");
  if (json_object_size(object) != 3 || json_array_size(offsets) != 2 || !json_is_integer(from) ||
      !json_is_integer(until))
    return pv_piece_refuse(l, out, -1, err, "is not described by dtype, shape and two " DATA);
  if (!read_shape(json_object_get(object, "shape"), type->bytes, out, &bytes))
    return pv_piece_refuse(l, out, -1, err, "has a shape that is none, or is larger than any file");
  const json_int_t a = json_integer_value(from), b = json_integer_value(until);
  *where = (extent){(uint64_t)a, (uint64_t)b, out};
  if (a < 0 || b < a || where->end > room)
    return pv_piece_refuse(
        l, out, a >= 0 && where->begin <= room ? (int64_t)(data + where->begin) : -1, err,
        "lies in bytes %lld to %lld of %llu that the file has behind its header", (long long)a,
        (long long)b, (unsigned long long)room);
  if (where->end - where->begin != bytes)
    return pv_piece_refuse(
        l, out, (int64_t)(data + where->begin), err, "has %llu bytes, and its shape and type %llu",
        (unsigned long long)(where->end - where->begin), (unsigned long long)bytes);
  out->type = type->type;
  out->file = "";
  out->offset = data + where->begin;
  return PV_OK;
}

static int by_begin(const void *a, const void *b) {
  const extent *left = a, *right = b;
  if (left->begin != right->begin) return left->begin < right->begin ? -1 : 1;
  return (left->end > right->end) - (left->end < right->end);
}

/* Neither two numbers for one byte, nor a byte that is none's. */
static pv_code check_extents(const pv_listing *l, extent *all, uint64_t data, uint64_t room,
                             pv_error *err) {
  uint64_t end = 0;
  qsort(all, l->count, sizeof *all, by_begin);
  for (size_t i = 0; i < l->count; i++) {
    if (all[i].begin != end)
      return pv_piece_refuse(l, all[i].piece, (int64_t)(data + all[i].begin), err,
                             "%s the tensor before it, which ends at byte %llu",
                             all[i].begin < end ? "overlaps" : "leaves a hole behind",
                             (unsigned long long)(data + end));
    end = all[i].end;
  }
  if (end == room) return PV_OK;
  pv_listing_refuse(l, err, "the file goes on behind its last tensor");
  pv_error_at(err, l->place, 0, 0, (int64_t)(data + end));
  return PV_ERR_INPUT;
}

/* Texts as members of a manifest; "configuration.KEY" are those of its object. */
static pv_code read_metadata(pv_listing *l, const json_t *metadata, pv_error *err) {
  static const char prefix[] = "configuration.";
  json_t *configuration = json_object();
  l->about = json_object();
  const char *key;
  json_t *value;
  if (metadata != NULL && !json_is_object(metadata)) {
    json_decref(configuration);
    return pv_listing_refuse(l, err, "__metadata__ is no object of texts");
  }
  json_object_foreach((json_t *)(uintptr_t)metadata, key, value) {
    const bool inner = strncmp(key, prefix, sizeof prefix - 1) == 0;
    if (!json_is_string(value)) {
      json_decref(configuration);
      return pv_listing_refuse(l, err, "'%.80s' of __metadata__ is no text", key);
    }
    pv_json_set(inner ? &configuration : &l->about, inner ? key + sizeof prefix - 1 : key,
                json_incref(value));
  }
  pv_json_set(&l->about, "configuration", configuration);
  const char *schema = pv_listing_text(l->about, "schema");
  if (schema != NULL && strcmp(schema, "pv/trace/v2") != 0)
    return pv_listing_refuse(l, err, "is of '%.80s', and pv reads pv/trace/v2", schema);
  return l->about != NULL ? PV_OK : pv_error_nomem(err, "the trace");
}

pv_code pv_listing_safetensors(const void *header, size_t length, uint64_t file_bytes,
                               pv_listing *out, pv_error *err) {
  const uint64_t data = 8 + (uint64_t)length, room = file_bytes - data;
  json_error_t where;
  extent *all = NULL;
  pv_code code = PV_OK;
  out->root = json_loadb(header, length, JSON_REJECT_DUPLICATES, &where);
  if (out->root == NULL && json_error_code(&where) == json_error_out_of_memory)
    return pv_error_nomem(err, "the trace");
  if (!json_is_object(out->root)) {
    pv_listing_refuse(out, err, "the header is no JSON object%s%.200s",
                      out->root == NULL ? ": " : "", out->root == NULL ? where.text : "");
    pv_error_at(err, out->place, 0, 0, out->root == NULL ? 8 + (int64_t)where.position : 8);
    return PV_ERR_INPUT;
  }
  code = read_metadata(out, json_object_get(out->root, "__metadata__"), err);
  json_object_del(out->root, "__metadata__");
  const size_t count = json_object_size(out->root);
  if (code != PV_OK) return code;
  if (count == 0) return pv_listing_refuse(out, err, "names no tensors");
  if (json_object_get(out->root, "") != NULL)
    return pv_listing_refuse(out, err, "has a tensor without a name");
  /* The cut names live in the root, under the one name that no tensor has. */
  const bool kept = json_object_set_new(out->root, "", json_array()) == 0;
  out->list = calloc(count, sizeof *out->list);
  all = calloc(count, sizeof *all);
  if (out->list == NULL || all == NULL || !kept) code = pv_error_nomem(err, "the trace");
  const char *key;
  json_t *object;
  json_object_foreach(out->root, key, object) {
    if (code != PV_OK || key[0] == '\0') continue;
    pv_piece *piece = &out->list[out->count];
    *piece = (pv_piece){.layer = -1};
    code = read_name(out, key, piece, err);
    if (code == PV_OK) code = read_piece(out, object, data, room, piece, &all[out->count], err);
    out->count++;
  }
  if (code == PV_OK) code = check_extents(out, all, data, room, err);
  free(all);
  return code;
}
