/* Everything that was measured, as one JSON object. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "runtime/probe/bisect_report.h"

static json_t *count(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *layer_of(const pv_bisect_result *r, pv_stage_id stage, uint32_t layer) {
  return pv_plan_is_layered(r->plan, stage) ? count(layer) : json_null();
}

static json_t *tensor(const pv_model *model, pv_stage_id stage, uint32_t layer) {
  const pv_gguf_tensor *t = pv_model_weight(model, stage, layer);
  if (t == NULL) return json_null();
  json_t *shape = json_array();
  for (unsigned i = 0; i < t->dim_count; i++) pv_json_append(&shape, count(t->dims[i]));
  return json_pack("{s:o, s:s, s:o}", "name", pv_json_stringn(t->name.data, t->name.length), "type",
                   pv_type_get(t->type)->name, "shape", shape);
}

static json_t *place(const pv_model *model, const pv_bisect_result *r, const pv_bisect_place *p) {
  if (p == NULL || !p->present) return json_null();
  const pv_bisect_stage *s = &r->stages[p->layer][p->stage];
  json_t *left = s->side[0].judged > 0 ? pv_json_number(p->left) : json_null();
  json_t *right = s->side[1].judged > 0 ? pv_json_number(p->right) : json_null();
  return json_pack(
      "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "stage", r->plan->rows[p->stage].name,
      "layer", layer_of(r, p->stage, p->layer), "position", count(p->position), "element",
      count(p->index), "rank", p->rank < 0 ? json_null() : json_integer(p->rank), "expert",
      p->expert < 0 ? json_null() : json_integer(p->expert), "left", left, "right", right, "exact",
      pv_json_number(p->exact), "tensor", tensor(model, p->stage, p->layer));
}

/* The first element that is no number, and the weight that made it so. */
static json_t *not_finite(const pv_bisect_spec *spec, const pv_bisect_result *r, int i) {
  json_t *out = place(spec->model, r, &r->not_finite[i]);
  const pv_bad_weight *bad = &r->weight[i];
  if (!r->not_finite[i].present) return out;
  pv_json_set(&out, "weight",
              bad->present ? json_pack("{s:o, s:o}", "element", count(bad->element), "value",
                                       pv_json_number(bad->value))
                           : json_null());
  return out;
}

/* The first error of a side without a definition that no rounding makes. */
static json_t *large(const pv_bisect_spec *spec, const pv_bisect_result *r, int i) {
  json_t *out = place(spec->model, r, &r->large[i]);
  if (r->large[i].present) pv_json_set(&out, "introduced", pv_json_number(r->large_error[i]));
  return out;
}

/* By the manifest; null where there is none or it does not say. */
static json_t *model_digest(const pv_recorded *recorded) {
  const char *digest = recorded != NULL ? recorded->source.model_sha256 : "";
  return digest[0] != '\0' ? json_string(digest) : json_null();
}

static json_t *routing(const pv_bisect_result *result) {
  const pv_bisect_routing *r = &result->routing;
  json_t *layers = json_array();
  for (uint32_t l = 0; l < result->layers; l++) {
    const pv_bisect_router *x = &result->router[l];
    if (!x->present) continue;
    pv_json_append(&layers,
                   json_pack("{s:o, s:o, s:o, s:o}", "layer", count(l), "different",
                             count(x->different), "smallest_margin", pv_json_number(x->margin),
                             "largest_noise", pv_json_number(x->noise)));
  }
  json_t *first = r->present
                      ? json_pack("{s:o, s:o, s:o, s:o}", "layer", count(r->layer), "position",
                                  count(r->position), "margin", pv_json_number(r->margin), "noise",
                                  pv_json_number(r->noise))
                      : json_null();
  json_t *again =
      r->replayed ? json_pack("{s:o, s:o}", "smallest_cosine", pv_json_number(r->replayed_cosine),
                              "top_tokens_different", count(r->replayed_tops))
                  : json_null();
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "sets", count(r->sets), "different",
                   count(r->different), "first", first, "with_the_left_routing", again, "layers",
                   layers);
}

static json_t *stages(const pv_bisect_result *r) {
  json_t *out = json_array();
  for (uint32_t l = 0; l < r->layers; l++)
    for (pv_stage_id i = 0; i < r->plan->count; i++) {
      const pv_bisect_stage *s = &r->stages[l][i];
      json_t *sides[2];
      if (s->side[0].judged + s->side[1].judged == 0) continue;
      for (int k = 0; k < 2; k++)
        sides[k] = s->side[k].judged == 0
                       ? json_null()
                       : json_pack("{s:o, s:o, s:o}", "undefined", count(s->side[k].undefined),
                                   "introduced", pv_json_number(s->side[k].introduced), "total",
                                   pv_json_number(s->side[k].total));
      pv_json_append(
          &out, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "stage", r->plan->rows[i].name, "layer",
                          layer_of(r, i, l), "elements", count(s->elements), "different",
                          count(s->different), "left", sides[0], "right", sides[1]));
    }
  return out;
}

/* Stages that a recorded side lacks. */
static json_t *missing(const pv_bisect_spec *spec, const pv_bisect_result *r, int i) {
  const pv_recorded *recorded = spec->side[i].recorded;
  json_t *out = json_array();
  for (uint32_t l = 0; recorded != NULL && l < r->layers; l++)
    for (pv_stage_id s = 0; s < r->plan->count; s++)
      if (!pv_recorded_has(recorded, s, l) && (l == 0 || pv_plan_is_layered(r->plan, s)))
        pv_json_append(&out, json_pack("{s:s, s:o}", "stage", r->plan->rows[s].name, "layer",
                                       layer_of(r, s, l)));
  return out;
}

static json_t *side(const pv_bisect_spec *spec, const pv_bisect_result *r, int i) {
  return json_pack(
      "{s:o, s:b, s:s, s:s, s:b, s:o, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name",
      pv_json_string(spec->side[i].name), "recorded", spec->side[i].recorded != NULL, "computed_by",
      r->computed[i], "numerics", pv_walker_identity(&spec->side[i]), "defined",
      r->defined[i] ? 1 : 0, "model_sha256", model_digest(spec->side[i].recorded), "not_recorded",
      missing(spec, r, i), "fallback", r->fallback[i] ? 1 : 0, "first_undefined",
      place(spec->model, r, &r->culprit[i]), "why", pv_bisect_why_text(r->why[i]), "not_finite",
      not_finite(spec, r, i), "large", large(spec, r, i), "smallest_cosine",
      pv_json_number(r->worst_cosine[i]), "top_tokens_not_the_arbiters",
      count(r->tops_from_arbiter[i]), "expert_sets_not_the_arbiters",
      pv_plan_has_experts(r->plan) ? count(r->routing.from_arbiter[i]) : json_null());
}

pv_code pv_bisect_json(const pv_bisect_spec *spec, const pv_bisect_result *r, json_t *judged,
                       const char *again, pv_error *err) {
  const int less = pv_bisect_less_exact(r);
  json_t *root =
      json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                "pv/bisect/v1", "verdict", pv_bisect_verdict_name(r->verdict), "same_numerics",
                r->same_identity ? 1 : 0, "culprit", place(spec->model, r, pv_bisect_culprit(r)),
                "less_exact", less < 0 ? json_null() : json_string(less == 0 ? "left" : "right"),
                "first_difference", place(spec->model, r, &r->first), "compared",
                count(r->compared), "different", count(r->different), "top_tokens_different",
                count(r->tops_different), "routing", routing(r), "memory_bytes", count(r->memory),
                "sides", json_pack("[o, o]", side(spec, r, 0), side(spec, r, 1)), "stages",
                stages(r), "again", pv_json_string(again));
  pv_json_set(&root, "judged", judged);
  return pv_json_print(root, JSON_INDENT(1), err);
}
