/* What a trace says, judged: the one place for both containers. */
#include "runtime/trace/recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/options.h"
#include "base/parts.h"
#include "base/text.h"
#include "runtime/trace/files.h"

enum { POSITIONS_MAX = 1 << 24 }; /* of any model's context */

/* Which stage a piece is. A node that no row of a map names is left alone. */
static pv_code name_part(pv_recorded *r, const pv_piece *piece, const pv_trace_map *map,
                         pv_error *err) {
  pv_trace_part *part = &r->parts[r->part_count];
  *part = (pv_trace_part){.piece = piece, .name = piece->name, .number = piece->layer};
  if (piece->node && map == NULL) {
    pv_piece_refuse(&r->listing, piece, -1, err, "has a name that is no stage's");
    pv_error_hint(err, "name a file with --map that says which stage it is");
    return PV_ERR_INPUT;
  }
  if (piece->node) {
    const size_t found = pv_trace_map_find(map, piece->name, &part->name, &part->number);
    if (found > 1)
      return pv_piece_refuse(&r->listing, piece, -1, err, "is named by %zu nodes of the map",
                             found);
    if (found == 0) {
      r->unmapped++;
      return PV_OK;
    }
  }
  r->part_count++;
  return PV_OK;
}

/* The first architecture that has all of the stages; where none has, the first tells which is not.
 */
static const pv_plan *plan_of(const pv_recorded *r) {
  const pv_plan *plan = NULL;
  for (size_t n = 0; (plan = pv_plan_at(n)) != NULL; n++) {
    size_t known = 0;
    for (size_t i = 0; i < r->part_count; i++) known += pv_plan_stage(plan, r->parts[i].name) >= 0;
    if (known == r->part_count) return plan;
  }
  return pv_plan_at(0);
}

/* Which row of the plan. */
static pv_code place_part(const pv_recorded *r, pv_trace_part *part, pv_error *err) {
  const int found = pv_plan_stage(r->plan, part->name);
  if (found < 0)
    return pv_piece_refuse(&r->listing, part->piece, -1, err,
                           "is of a stage that a forward does not have: '%.80s'", part->name);
  part->stage = (pv_stage_id)found;
  const bool layered = pv_plan_is_layered(r->plan, part->stage);
  if (layered != (part->number >= 0) || part->number >= PV_MODEL_LAYERS_MAX)
    return pv_piece_refuse(&r->listing, part->piece, -1, err, "%s",
                           part->number >= PV_MODEL_LAYERS_MAX
                               ? "is of a layer that a forward does not have"
                           : layered ? "is of no layer, and its stage is of one"
                                     : "is of a layer that a forward does not have: its stage is "
                                       "outside the layers");
  part->layer = layered ? (uint32_t)part->number : 0;
  return PV_OK;
}

/* An index may be told in either, a real number in any of four. */
static pv_code check_type(const pv_recorded *r, const pv_trace_part *part, pv_error *err) {
  const pv_stored type = part->piece->type;
  const bool index = pv_plan_is(r->plan, part->stage, PV_ROW_INDEX);
  if (type == PV_STORED_OTHER || index != pv_stored_is_index(type))
    return pv_piece_refuse(&r->listing, part->piece, -1, err, "%s",
                           index ? "is neither i32 nor i64, which its stage is made of"
                                 : "is neither f16, bf16, f32 nor f64");
  return PV_OK;
}

/* Rows and width. Of three dimensions the first is that of rows, but for a batch of one sequence:
 * [1, rows, width]. One row of heads looks the same: then the model's width tells. */
static pv_code read_shape(const pv_recorded *r, const pv_model *model, pv_trace_part *part,
                          pv_error *err) {
  const pv_piece *piece = part->piece;
  const uint64_t *dims = piece->dims, element = pv_stored_bytes(piece->type);
  const size_t wanted = model != NULL ? pv_plan_width(r->plan, part->stage, &model->shape) : 0;
  uint64_t end = 0, both = 0;
  size_t unused = 0;
  bool fits = piece->rank > 0;
  part->rows = dims[0];
  part->width = dims[1];
  if (piece->rank == 3) {
    fits = pv_ck_mul(dims[1], dims[2], &both);
    const bool sequence = dims[0] == 1 && (both != wanted || dims[2] == wanted);
    part->rows = sequence ? dims[1] : dims[0];
    part->width = sequence ? dims[2] : both;
  }
  if (!fits || part->rows == 0 || part->width == 0)
    return pv_piece_refuse(&r->listing, piece, -1, err, "has no shape of rows and width");
  if (!pv_ck_mul(part->rows, part->width, &both) || !pv_ck_mul(both, element, &part->bytes) ||
      !pv_ck_add(piece->offset, part->bytes, &end) || end > INT64_MAX ||
      !pv_ck_size(part->width, &unused))
    return pv_piece_refuse(&r->listing, piece, -1, err, "is larger than any file");
  if (!pv_ck_add(piece->position, part->rows, &end) || end > POSITIONS_MAX)
    return pv_piece_refuse(&r->listing, piece, -1, err, "has positions beyond %d", POSITIONS_MAX);
  return PV_OK;
}

/* What only a model can tell. */
static pv_code check_part(const pv_recorded *r, const pv_trace_part *part,
                          const pv_recorded_model *of, pv_error *err) {
  const pv_shape *shape = &of->model->shape;
  const pv_piece *piece = part->piece;
  const size_t wanted = pv_plan_width(r->plan, part->stage, shape);
  const pv_stored own = r->numerics == PV_NUMERICS_F64 ? PV_STORED_F64 : PV_STORED_F32;
  if (part->layer >= shape->layers)
    return pv_piece_refuse(&r->listing, piece, -1, err,
                           "is of layer %u, which this model does not have", part->layer);
  if (part->width != wanted && !of->any_width)
    return pv_piece_refuse(&r->listing, piece, -1, err, "is %llu wide, %s of this model %zu",
                           (unsigned long long)part->width, part->name, wanted);
  const unsigned long long until = piece->position + part->rows;
  if (until > shape->context)
    return pv_piece_refuse(&r->listing, piece, -1, err, "has %llu positions, this model at most %u",
                           until, shape->context);
  if (r->defined && !pv_stored_is_index(piece->type) && piece->type != own)
    return pv_piece_refuse(&r->listing, piece, -1, err,
                           "is %s, another type than its numerics identity computes",
                           pv_stored_names[piece->type]);
  return PV_OK;
}

static pv_code judge_part(const pv_recorded *r, const pv_recorded_model *of, pv_trace_part *part,
                          pv_error *err) {
  pv_code code = place_part(r, part, err);
  if (code == PV_OK) code = check_type(r, part, err);
  if (code == PV_OK) code = read_shape(r, of->model, part, err);
  if (code == PV_OK && of->model != NULL) code = check_part(r, part, of, err);
  return code;
}

static pv_code read_parts(pv_recorded *r, const pv_recorded_model *of, pv_error *err) {
  pv_code code = PV_OK;
  r->parts = calloc(r->listing.count, sizeof *r->parts);
  if (r->parts == NULL) return pv_error_nomem(err, "the trace");
  for (size_t i = 0; i < r->listing.count && code == PV_OK; i++)
    code = name_part(r, &r->listing.list[i], of->map, err);
  if (code == PV_OK && r->part_count == 0)
    code = pv_listing_refuse(&r->listing, err, "none of its %zu nodes is in the map", r->unmapped);
  r->plan = of->model != NULL ? of->model->plan : plan_of(r);
  for (size_t i = 0; i < r->part_count && code == PV_OK; i++)
    code = judge_part(r, of, &r->parts[i], err);
  return code;
}

static int by_place(const void *a, const void *b) {
  const pv_trace_part *x = a, *y = b;
  if (x->stage != y->stage) return x->stage < y->stage ? -1 : 1;
  if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
  if (x->piece->position != y->piece->position)
    return x->piece->position < y->piece->position ? -1 : 1;
  return (x->piece > y->piece) - (x->piece < y->piece);
}

/* A part that goes on where the tensor ends. */
static pv_code join(const pv_recorded *r, pv_trace_tensor *t, const pv_trace_part *part,
                    pv_error *err) {
  const pv_piece *piece = part->piece;
  if (piece->position < t->rows.until)
    return pv_piece_refuse(&r->listing, piece, -1, err, "is there twice, from position %llu on",
                           (unsigned long long)piece->position);
  if (piece->position > t->rows.until)
    return pv_piece_refuse(&r->listing, piece, -1, err,
                           "leaves a hole: positions %zu to %llu are missing", t->rows.until,
                           (unsigned long long)piece->position - 1);
  if (piece->type != t->type)
    return pv_piece_refuse(&r->listing, piece, -1, err,
                           "is %s, and the positions before it are of another type, %s",
                           pv_stored_names[piece->type], pv_stored_names[t->type]);
  if (part->width != t->width)
    return pv_piece_refuse(&r->listing, piece, -1, err,
                           "is %llu wide, and the positions before it %zu",
                           (unsigned long long)part->width, t->width);
  t->rows.until += (size_t)part->rows;
  t->count++;
  t->hashed |= piece->file == NULL;
  return PV_OK;
}

static pv_code join_parts(pv_recorded *r, pv_error *err) {
  pv_code code = PV_OK;
  qsort(r->parts, r->part_count, sizeof *r->parts, by_place);
  r->list = calloc(r->part_count, sizeof *r->list);
  r->tensors = calloc(PV_MODEL_LAYERS_MAX, sizeof *r->tensors);
  if (r->list == NULL || r->tensors == NULL) return pv_error_nomem(err, "the trace");
  for (size_t i = 0; i < r->part_count && code == PV_OK; i++) {
    const pv_trace_part *part = &r->parts[i];
    const size_t first = (size_t)part->piece->position;
    pv_trace_tensor *t = r->count > 0 ? &r->list[r->count - 1] : NULL;
    if (t == NULL || t->stage != part->stage || t->layer != part->layer) {
      t = &r->list[r->count++];
      *t = (pv_trace_tensor){.file = part->piece->file,
                             .stage = part->stage,
                             .layer = part->layer,
                             .type = part->piece->type,
                             .width = (size_t)part->width,
                             .rows = {first, first},
                             .parts = part};
      r->tensors[t->layer][t->stage] = t;
    }
    code = join(r, t, part, err);
    if (t->rows.until > r->source.positions) r->source.positions = t->rows.until;
    if (t->type == PV_STORED_F64) r->source.real_bytes = sizeof(double);
    if (t->layer >= r->source.layers) r->source.layers = t->layer + 1;
  }
  return code;
}

static pv_code read_id_list(const json_t *ids, pv_recorded *r, size_t *count, pv_error *err) {
  *count = json_array_size(ids);
  if (*count == 0) return pv_listing_refuse(&r->listing, err, "ids is an empty list");
  r->ids = calloc(*count, sizeof *r->ids);
  if (r->ids == NULL) return pv_error_nomem(err, "the token ids of the trace");
  for (size_t i = 0; i < *count; i++) {
    const json_t *id = json_array_get(ids, i);
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX)
      return pv_listing_refuse(&r->listing, err, "number %zu of ids is no token id", i);
    r->ids[i] = (uint32_t)json_integer_value(id);
  }
  return PV_OK;
}

/* With them the length of the run is known: a trace may lack its last rows. */
static pv_code read_ids(pv_recorded *r, pv_error *err) {
  const json_t *ids = json_object_get(r->listing.about, "ids");
  size_t count = 0;
  pv_code code = PV_OK;
  if (ids == NULL) return PV_OK;
  if (json_is_array(ids)) {
    code = read_id_list(ids, r, &count, err);
  } else if (json_is_string(ids)) {
    code = pv_option_ids("ids", json_string_value(ids), &r->ids, &count, err);
    if (code != PV_OK) pv_error_at(err, r->listing.place, 0, 0, -1);
  } else {
    code =
        pv_listing_refuse(&r->listing, err, "ids is neither a list nor a text such as \"1,2,3\"");
  }
  if (code == PV_OK && count < r->source.positions)
    code = pv_listing_refuse(&r->listing, err, "has %zu token ids and tensors of %zu positions",
                             count, r->source.positions);
  if (code != PV_OK) return code;
  r->source.ids = r->ids;
  r->source.positions = count;
  return PV_OK;
}

/* Members of this kind are texts where they are there at all. */
static pv_code read_text(const pv_recorded *r, const char *name, const char **out, pv_error *err) {
  *out = pv_listing_text(r->listing.about, name);
  if (*out == NULL && json_object_get(r->listing.about, name) != NULL)
    return pv_listing_refuse(&r->listing, err, "%s is no text", name);
  return PV_OK;
}

/* Who computed, and how, in one line. */
static pv_code describe(pv_recorded *r, const char *engine, const char *version, pv_error *err) {
  json_t *configuration = json_object_get(r->listing.about, "configuration");
  pv_text text = PV_TEXT_INIT;
  size_t members = 0;
  const char *key;
  json_t *value;
  if (engine != NULL) pv_text_puts(&text, engine);
  if (engine != NULL && version != NULL) pv_text_printf(&text, " %s", version);
  json_object_foreach(configuration, key, value) {
    if (json_is_string(value))
      pv_text_printf(&text, "%s%s %s", members++ > 0 ? ", " : " (", key, json_string_value(value));
  }
  if (members > 0) pv_text_puts(&text, ")");
  if (configuration != NULL &&
      (!json_is_object(configuration) || json_object_size(configuration) != members)) {
    pv_text_free(&text);
    return pv_listing_refuse(&r->listing, err, "configuration is no object of texts");
  }
  r->about = text.data;
  return text.failed ? pv_error_nomem(err, "the trace") : PV_OK;
}

/* Or one text: a safetensors file can hold no more. */
static bool is_texts(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!json_is_string(json_array_get(list, i))) return false;
  return json_is_array(list) || json_is_string(list);
}

static pv_code read_about(pv_recorded *r, pv_error *err) {
  const char *backend = NULL, *engine = NULL, *version = NULL, *identity = NULL, *sha256 = NULL;
  pv_source *s = &r->source;
  pv_code code = read_text(r, "backend", &backend, err);
  if (code == PV_OK) code = read_text(r, "engine", &engine, err);
  if (code == PV_OK) code = read_text(r, "version", &version, err);
  if (code == PV_OK) code = read_text(r, "numerics", &identity, err);
  if (code == PV_OK) code = read_text(r, "observer", &r->observer, err);
  if (code == PV_OK) code = describe(r, engine, version, err);
  if (code != PV_OK) return code;
  const json_t *wanted = json_object_get(r->listing.about, "wanted");
  if (wanted != NULL && !is_texts(wanted))
    return pv_listing_refuse(&r->listing, err, "wanted is no list of texts");
  sha256 = pv_listing_text(r->listing.about, "model_sha256");
  s->computed = backend != NULL ? backend : engine != NULL ? engine : "";
  s->identity = identity != NULL ? identity : "";
  s->model_sha256 = sha256 != NULL ? sha256 : "";
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(pv_numerics_identity((pv_numerics)i), s->identity) == 0) {
      r->defined = true;
      r->numerics = (pv_numerics)i;
    }
  if (json_object_get(r->listing.about, "model_sha256") != NULL &&
      !pv_listing_is_digest(s->model_sha256))
    return pv_listing_refuse(&r->listing, err,
                             "model_sha256 is not 64 hexadecimal digits in lower case");
  return PV_OK;
}

/* A trace of another file would differ everywhere, and nobody would be wrong. */
static pv_code check_model(const pv_recorded *r, pv_recorded_model *of, pv_error *err) {
  const char *said = r->source.model_sha256;
  if (said[0] == '\0' || of->path == NULL) return PV_OK;
  pv_code code = of->sha256[0] != '\0' ? PV_OK : pv_parts_digest(of->path, of->sha256, err);
  if (code != PV_OK || strcmp(of->sha256, said) == 0) return code;
  pv_error_set(
      err, PV_ERR_INPUT,
      "the trace is of another model: its SHA-256 begins with %.12s, that of %s with %.12s", said,
      of->path, of->sha256);
  pv_error_at(err, r->folder, 0, 0, -1);
  pv_error_hint(err, "name with --model the file that was traced, or trace this one: pv trace");
  return PV_ERR_INPUT;
}

/* By its name: the plan that is asked for may be another than the trace's. */
const pv_trace_tensor *pv_recorded_tensor(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  const int own = r->own[stage];
  return own >= 0 && layer < PV_MODEL_LAYERS_MAX
             ? r->tensors[pv_plan_is_layered(r->plan, (size_t)own) ? layer : 0][own]
             : NULL;
}

static size_t recorded_width(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  const pv_trace_tensor *t = pv_recorded_tensor(s->kept, stage, layer);
  return t != NULL && !t->hashed ? t->width : 0;
}

static pv_span recorded_span(const pv_source *s, pv_stage_id stage, uint32_t layer) {
  const pv_trace_tensor *t = pv_recorded_tensor(s->kept, stage, layer);
  return t != NULL ? t->rows : (pv_span){0, 0};
}

/* The stages that are asked for, of the one kind in both plans; the others are counted. */
static void map_stages(pv_recorded *r, const pv_plan *asked) {
  const unsigned shape = PV_ROW_INDEX | PV_ROW_ONCE;
  bool known[PV_STAGES_MAX] = {false};
  r->source.plan = asked;
  for (size_t s = 0; s < asked->count; s++) {
    const int own = pv_plan_stage(r->plan, asked->rows[s].name);
    const bool same = own >= 0 && ((asked->rows[s].flags ^ r->plan->rows[own].flags) & shape) == 0;
    r->own[s] = same ? own : -1;
    if (same) known[own] = true;
  }
  for (size_t i = 0; i < r->count; i++) r->source.others += !known[r->list[i].stage];
}

static pv_code read_all(pv_recorded *r, pv_recorded_model *of, pv_error *err) {
  const pv_model *model = of->model;
  pv_code code = read_about(r, err);
  if (code == PV_OK) code = check_model(r, of, err);
  if (code == PV_OK) code = read_parts(r, of, err);
  if (code == PV_OK) code = join_parts(r, err);
  if (code == PV_OK) code = read_ids(r, err);
  if (code != PV_OK) return code;
  map_stages(r, model == NULL && of->plan != NULL ? of->plan : r->plan);
  if (model != NULL) r->source.layers = model->shape.layers;
  if (of->map != NULL)
    snprintf(r->map_sha256, sizeof r->map_sha256, "%s", pv_trace_map_sha256(of->map));
  return PV_OK;
}

pv_code pv_recorded_of(const char *path, pv_listing *listing, pv_recorded_model *of,
                       pv_recorded **out, pv_error *err) {
  pv_recorded *r = calloc(1, sizeof *r);
  if (r == NULL || (r->folder = strdup(path)) == NULL) {
    free(r);
    pv_listing_free(listing);
    return pv_error_nomem(err, "the trace");
  }
  r->listing = *listing;
  *listing = (pv_listing){0};
  r->source = (pv_source){.kept = r,
                          .shape = of->model != NULL ? &of->model->shape : NULL,
                          .real_bytes = sizeof(float),
                          .computed = "",
                          .identity = "",
                          .model_sha256 = "",
                          .place = r->listing.place,
                          .width = recorded_width,
                          .span = recorded_span,
                          .read = pv_recorded_read};
  const pv_code code = read_all(r, of, err);
  if (code == PV_OK)
    *out = r;
  else
    pv_recorded_close(r);
  return code;
}

pv_code pv_recorded_open(const char *path, pv_recorded_model *of, pv_recorded **out,
                         pv_error *err) {
  pv_listing listing;
  pv_recorded *r = NULL;
  pv_code code = pv_listing_open(path, &listing, err);
  if (code == PV_OK) code = pv_recorded_of(path, &listing, of, &r, err);
  if (code == PV_OK) code = pv_recorded_check_files(r, of->model != NULL, err);
  if (code == PV_OK)
    *out = r;
  else
    pv_recorded_close(r);
  return code;
}

void pv_recorded_close(pv_recorded *r) {
  if (r == NULL) return;
  pv_listing_free(&r->listing);
  free(r->tensors);
  free(r->list);
  free(r->parts);
  free(r->ids);
  free(r->about);
  free(r->folder);
  free(r);
}

bool pv_recorded_has(const pv_recorded *r, pv_stage_id stage, uint32_t layer) {
  const pv_trace_tensor *t = pv_recorded_tensor(r, stage, layer);
  return t != NULL && !t->hashed && t->rows.from == 0 && t->rows.until == r->source.positions;
}

bool pv_recorded_hashed(const pv_recorded *r) {
  for (size_t i = 0; i < r->count; i++)
    if (r->list[i].hashed) return true;
  return false;
}
