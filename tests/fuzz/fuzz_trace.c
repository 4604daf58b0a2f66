/* Any bytes as a manifest, as a header of a safetensors file (up to the first NUL; what follows are
 * its data) and as a map: refused in words, or what is read can be read again row by row. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/recorded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "violated: %s\n", what);
  abort();
}

static void refused(pv_code code, const pv_error *err) {
  demand(code == PV_ERR_INPUT || code == PV_ERR_LIMIT, "what is wrong is the input");
  demand(err->message[0] != '\0' && err->file[0] != '\0', "a refusal says what and where");
}

static void look_at_tensor(const pv_recorded *r, const pv_trace_tensor *t, uint64_t file_bytes) {
  size_t at = t->rows.from;
  demand(t->count > 0 && t->width > 0 && t->stage < r->plan->count, "a tensor is of a stage");
  demand(r->tensors[t->layer][t->stage] == t, "a tensor is found by its stage");
  for (size_t i = 0; i < t->count; i++) {
    const pv_trace_part *part = &t->parts[i];
    demand(part->piece->position == at && part->rows > 0, "a tensor has no hole and no overlap");
    demand(part->width == t->width && part->piece->type == t->type, "it is of one kind");
    demand(part->bytes == part->rows * part->width * pv_stored_bytes(t->type), "it has its bytes");
    demand(file_bytes == 0 || part->piece->offset + part->bytes <= file_bytes,
           "a tensor lies in the file");
    at += (size_t)part->rows;
  }
  demand(t->rows.until == at && at <= r->source.positions, "it lies in the run");
  demand(t->layer < r->source.layers, "its layer is one of the source's");
}

/* Takes the listing. */
static void look_at(pv_listing *l, const pv_trace_map *map, uint64_t file_bytes) {
  pv_recorded_model any = {.map = map};
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  const pv_code code = pv_recorded_of("t", l, &any, &r, &err);
  demand((code == PV_OK) == (r != NULL), "a refused trace gives none");
  if (code != PV_OK) {
    refused(code, &err);
    return;
  }
  demand(r->count > 0 && r->source.positions > 0, "a trace has rows");
  for (size_t i = 0; i < r->count; i++) look_at_tensor(r, &r->list[i], file_bytes);
  pv_recorded_close(r);
}

static void read_both(const uint8_t *data, size_t size, const pv_trace_map *map) {
  const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
  const size_t header = end != NULL ? (size_t)(end - data) : size;
  pv_listing manifest = {.place = "t/manifest.json", .prefix = "t/"};
  pv_listing file = {.place = "t.safetensors", .prefix = "t.safetensors"};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_listing_manifest(data, size, &manifest, &err);
  if (code == PV_OK)
    look_at(&manifest, map, 0);
  else
    refused(code, &err);
  pv_listing_free(&manifest);
  code = pv_listing_safetensors(data, header, 8 + (uint64_t)size, &file, &err);
  if (code == PV_OK)
    look_at(&file, map, 8 + (uint64_t)size);
  else
    refused(code, &err);
  pv_listing_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char text[] =
      "{\"schema\": \"pv/map/v1\", \"nodes\": {\"q-{layer}\": \"q\", \"n\": \"logits\"}}";
  pv_trace_map *map = NULL;
  pv_error err = PV_ERROR_INIT;
  const char *stage = NULL;
  int64_t layer = -1;
  pv_code code = pv_trace_map_parse("map.json", data, size, &map, &err);
  demand((code == PV_OK) == (map != NULL), "a refused map gives none");
  if (code != PV_OK)
    refused(code, &err);
  else if (pv_trace_map_find(map, "q-1", &stage, &layer) > 0)
    demand(stage != NULL && layer <= INT32_MAX, "a node has a stage");
  pv_trace_map_close(map);
  read_both(data, size, NULL);
  map = NULL;
  demand(pv_trace_map_parse("map.json", text, sizeof text - 1, &map, &err) == PV_OK,
         "a map is one");
  read_both(data, size, map);
  pv_trace_map_close(map);
  return 0;
}
