#include "runtime/trace/map.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "runtime/model/plan.h"

#define LAYER "{layer}"

typedef struct row {
  const char *node, *stage;
  const char *layer; /* where the number stands in `node`; NULL: nowhere */
} row;

struct pv_trace_map {
  json_t *root; /* what the texts point into */
  row *rows;
  size_t count;
  char sha256[PV_SHA256_HEX];
};

static pv_code refuse(const char *place, const char *node, pv_error *err, const char *why) {
  pv_error_set(err, PV_ERR_INPUT, "node '%.200s' %s", node, why);
  pv_error_at(err, place, 0, 0, -1);
  return PV_ERR_INPUT;
}

static const pv_plan *plan_of(const char *stage, int *id) {
  for (size_t n = 0; pv_plan_at(n) != NULL; n++)
    if ((*id = pv_plan_stage(pv_plan_at(n), stage)) >= 0) return pv_plan_at(n);
  return NULL;
}

static pv_code read_row(pv_trace_map *map, const char *place, const char *node, const json_t *stage,
                        pv_error *err) {
  row *r = &map->rows[map->count];
  char why[160];
  int id = -1;
  *r = (row){node, json_string_value(stage), strstr(node, LAYER)};
  const pv_plan *plan = r->stage != NULL ? plan_of(r->stage, &id) : NULL;
  if (plan == NULL) {
    snprintf(why, sizeof why, "is mapped to '%.80s', which is no stage",
             r->stage != NULL ? r->stage : "");
    refuse(place, node, err, why);
    pv_error_hint(err, "stages are embedding, attn_norm, q, k, v, ... logits, argmax");
    return PV_ERR_INPUT;
  }
  if (pv_plan_is_layered(plan, (size_t)id) != (r->layer != NULL)) {
    snprintf(why, sizeof why, "%s " LAYER ", and '%s' is a stage %s",
             r->layer != NULL ? "has" : "lacks", r->stage,
             r->layer != NULL ? "outside the layers" : "of each layer");
    return refuse(place, node, err, why);
  }
  if (r->layer != NULL && strstr(r->layer + 1, LAYER) != NULL)
    return refuse(place, node, err, "has " LAYER " twice");
  for (size_t i = 0; i < map->count; i++)
    if (strcmp(map->rows[i].stage, r->stage) == 0) {
      snprintf(why, sizeof why, "is mapped to '%s', as '%.80s' is", r->stage, map->rows[i].node);
      return refuse(place, node, err, why);
    }
  map->count++;
  return PV_OK;
}

static pv_code read_root(pv_trace_map *map, const char *place, pv_error *err) {
  const char *schema = json_string_value(json_object_get(map->root, "schema"));
  json_t *nodes = json_object_get(map->root, "nodes");
  pv_code code = PV_OK;
  if (schema == NULL || strcmp(schema, "pv/map/v1") != 0 || json_object_size(nodes) == 0) {
    pv_error_set(err, PV_ERR_INPUT, "is no pv/map/v1 with nodes");
    pv_error_at(err, place, 0, 0, -1);
    return PV_ERR_INPUT;
  }
  map->rows = calloc(json_object_size(nodes), sizeof *map->rows);
  if (map->rows == NULL) return pv_error_nomem(err, "the map");
  const char *node;
  json_t *stage;
  json_object_foreach(nodes, node, stage) if (code == PV_OK) code =
      read_row(map, place, node, stage, err);
  return code;
}

pv_code pv_trace_map_parse(const char *place, const void *bytes, size_t length, pv_trace_map **out,
                           pv_error *err) {
  json_error_t where;
  pv_trace_map *map = calloc(1, sizeof *map);
  if (map == NULL) return pv_error_nomem(err, "the map");
  pv_code code = pv_sha256_bytes(bytes, length, map->sha256, err);
  if (code == PV_OK) map->root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
  if (code == PV_OK && map->root == NULL && json_error_code(&where) == json_error_out_of_memory)
    code = pv_error_nomem(err, "the map");
  else if (code == PV_OK && map->root == NULL) {
    code = pv_error_set(err, PV_ERR_INPUT, "is no JSON: %.200s", where.text);
    pv_error_at(err, place, where.line, where.column, -1);
  }
  if (code == PV_OK) code = read_root(map, place, err);
  if (code == PV_OK)
    *out = map;
  else
    pv_trace_map_close(map);
  return code;
}

pv_code pv_trace_map_open(const char *path, pv_trace_map **out, pv_error *err) {
  pv_bytes bytes = {0};
  pv_code code = pv_file_read(path, (size_t)1 << 20, &bytes, err);
  if (code == PV_OK) code = pv_trace_map_parse(path, bytes.data, bytes.length, out, err);
  pv_bytes_free(&bytes);
  return code;
}

void pv_trace_map_close(pv_trace_map *map) {
  if (map == NULL) return;
  json_decref(map->root);
  free(map->rows);
  free(map);
}

static bool matches(const row *r, const char *node, int64_t *layer) {
  const size_t length = strlen(node);
  uint64_t number = 0;
  if (r->layer == NULL) {
    *layer = -1;
    return strcmp(r->node, node) == 0;
  }
  const size_t before = (size_t)(r->layer - r->node);
  const char *behind = r->layer + strlen(LAYER);
  const size_t after = strlen(behind);
  if (length <= before + after || memcmp(node, r->node, before) != 0 ||
      strcmp(node + length - after, behind) != 0 ||
      !pv_parse_u64(node + before, length - before - after, &number) || number > INT32_MAX)
    return false;
  *layer = (int64_t)number;
  return true;
}

size_t pv_trace_map_find(const pv_trace_map *map, const char *node, const char **stage,
                         int64_t *layer) {
  size_t found = 0;
  int64_t number = 0;
  for (size_t i = 0; i < map->count; i++) {
    if (!matches(&map->rows[i], node, &number) || found++ > 0) continue;
    *stage = map->rows[i].stage;
    *layer = number;
  }
  return found;
}

const char *pv_trace_map_sha256(const pv_trace_map *map) {
  return map->sha256;
}
