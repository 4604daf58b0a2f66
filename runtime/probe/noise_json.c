/* Everything that was measured, as one JSON object. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "runtime/probe/noise_report.h"

static json_t *count(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *spread(const pv_noise_spread *s) {
  return json_pack("{s:o, s:o}", "error", pv_json_number(s->error), "one_minus_cosine",
                   pv_json_number(s->angle));
}

static json_t *stages(const pv_noise_result *r, const pv_noise_of *of, bool rounded) {
  json_t *out = json_array();
  for (uint32_t l = 0; l < r->layers; l++)
    for (pv_stage_id i = 0; i < r->plan->count; i++) {
      const pv_noise_stage *s = &of->stages[l][i];
      const bool layered = pv_plan_is_layered(r->plan, i);
      if (s->elements == 0) continue;
      json_array_append_new(
          out, json_pack("{s:s, s:o, s:o, s:o, s:o}", "stage", r->plan->rows[i].name, "layer",
                         layered ? count(l) : json_null(), "elements", count(s->elements), "total",
                         spread(&s->total), "block", rounded ? spread(&s->block) : json_null()));
    }
  return out;
}

static json_t *routing(const pv_noise_of *of, uint32_t layers) {
  json_t *out = json_array();
  for (uint32_t l = 0; l < layers; l++) {
    const pv_noise_routing *r = &of->routing[l];
    json_array_append_new(
        out, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "layer", count(l), "expert_sets",
                       count(r->sets), "expert_sets_changed", count(r->changed),
                       "smallest_unchanged_margin",
                       r->changed < r->sets ? pv_json_number(r->margin) : json_null(),
                       "largest_logit_error", pv_json_number(r->shift),
                       "smallest_margin_over_twice_error", pv_json_number(r->ratio)));
  }
  return out;
}

static json_t *source(const pv_noise_spec *spec, const pv_noise_result *r, size_t i) {
  const pv_noise_source *s = &spec->sources[i];
  const pv_noise_of *of = &r->of[i];
  const bool rounded = s->kind == PV_NOISE_ROUNDED;
  return json_pack(
      "{s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name", pv_noise_name(s), "kind",
      rounded ? "rounding" : "last bit", "numerics",
      rounded ? json_string(pv_numerics_identity(s->side.numerics)) : json_null(), "computed_by",
      rounded ? json_string(of->computed) : json_null(), "finite", of->finite ? 1 : 0, "top_tokens",
      count(of->tops), "top_tokens_changed", count(of->tops_changed), "routing",
      routing(of, pv_plan_has_experts(r->plan) ? r->layers : 0), "stages", stages(r, of, rounded));
}

pv_code pv_noise_json(const pv_noise_spec *spec, const pv_noise_result *r, pv_error *err) {
  json_t *sources = json_array();
  for (size_t i = 0; i < r->source_count; i++) json_array_append_new(sources, source(spec, r, i));
  json_t *root =
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "pv/noise/v1", "prompts",
                count(spec->prompt_count), "positions", count(r->positions), "repeats",
                count(spec->repeats), "seed", count(spec->seed), "largest_relative_change",
                pv_json_number(spec->amount), "memory_bytes", count(r->memory), "sources", sources);
  char *text = root != NULL ? json_dumps(root, JSON_INDENT(1)) : NULL;
  json_decref(root);
  if (text == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the report");
  puts(text);
  free(text);
  return PV_OK;
}
