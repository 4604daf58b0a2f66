/* pv bisect --faults: every fault planted once, and whether it is found. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "runtime/probe/bisect_report.h"

typedef struct outcome {
  char name[96]; /* with its layer */
  const pv_plan *plan;
  pv_numerics numerics;
  bool shows, stage_right, side_right;
  pv_stage_id stage; /* where it must appear */
  uint32_t layer;
  const pv_bisect_place *found; /* into `result`, or NULL */
  double introduced[2];
} outcome;

/* A layer in the middle, so that naming it is no accident; for weights one that has the type. */
static void choose_layer(const pv_model *model, pv_planted *planted) {
  const uint32_t layers = model->shape.layers;
  pv_stage_id stage;
  uint32_t layer;
  planted->layer = -1;
  if (planted->fault->once) return;
  for (uint32_t i = 0; i < layers; i++) {
    planted->layer = (int64_t)((layers / 2 + i) % layers);
    if (pv_fault_shows(planted, model, &stage, &layer)) return;
  }
  planted->layer = -1;
}

static pv_numerics choose_numerics(const pv_fault *fault) {
  return (fault->numerics >> PV_NUMERICS_I16 & 1) != 0 ? PV_NUMERICS_I16 : PV_NUMERICS_F32_F64ACC;
}

static pv_code try_fault(const pv_bisect_spec *base, pv_planted planted, pv_bisect_result *result,
                         outcome *out, pv_error *err) {
  const pv_fault *fault = planted.fault;
  pv_bisect_spec spec = *base;
  pv_model *tied = NULL;
  pv_code code = PV_OK;
  *out = (outcome){.plan = base->model->plan, .numerics = choose_numerics(fault)};
  out->shows = pv_fault_shows(&planted, base->model, &out->stage, &out->layer);
  snprintf(out->name, sizeof out->name, planted.layer < 0 ? "%s" : "%s:layer=%d", fault->name,
           (int)planted.layer);
  /* A fallback needs somebody who was asked. */
  pv_side left = base->side[0].who, right = base->side[1].who;
  if (fault->host == PV_FAULT_IN_CHOICE) right = (pv_side){.kind = pv_side_kind_find("cuda")};
  left.numerics = right.numerics = out->numerics;
  left.planted = (pv_planted){NULL, -1};
  right.planted = planted;
  spec.side[0] = (pv_walker){"left", left, NULL};
  spec.side[1] = (pv_walker){"right", right, NULL};
  if (fault->needs_tie) code = pv_fault_tied_model(base->model, &tied, err);
  if (fault->needs_tie) spec.model = tied;
  if (code == PV_OK) code = pv_bisect(&spec, result, err);
  pv_fault_model_free(tied);
  if (code != PV_OK) return code;
  out->found = result->culprit[1].present ? &result->culprit[1] : NULL;
  out->side_right = result->verdict == PV_BISECT_RIGHT;
  out->stage_right = out->shows ? out->found != NULL && out->found->stage == out->stage &&
                                      out->found->layer == out->layer
                                : out->found == NULL && result->fallback[1];
  for (int i = 0; i < 2 && out->found != NULL; i++)
    out->introduced[i] = result->stages[out->found->layer][out->found->stage].side[i].introduced;
  return PV_OK;
}

static void place_name(const pv_plan *plan, bool present, pv_stage_id stage, uint32_t layer,
                       char out[48]) {
  if (!present)
    snprintf(out, 48, "no stage");
  else if (pv_plan_is_layered(plan, stage))
    snprintf(out, 48, "%s, %u", plan->rows[stage].name, layer);
  else
    snprintf(out, 48, "%s", plan->rows[stage].name);
}

/* An error of rounding is not told by its size: it may even be the smaller one. */
static void size_name(const outcome *o, char out[32]) {
  const bool real = o->found != NULL && !pv_plan_is(o->plan, o->found->stage, PV_ROW_INDEX);
  if (!real)
    snprintf(out, 32, "-");
  else if (o->introduced[1] < 10.0 * o->introduced[0])
    snprintf(out, 32, "rounding");
  else
    snprintf(out, 32, "%s", PV_REAL('e', 0, o->introduced[1]));
}

static void print_line(const outcome *o) {
  char want[48], got[48], size[32];
  place_name(o->plan, o->shows, o->stage, o->layer, want);
  place_name(o->plan, o->found != NULL, o->found != NULL ? o->found->stage : 0,
             o->found != NULL ? o->found->layer : 0, got);
  size_name(o, size);
  printf("| `%s` | %s | %s | %s | %s | %s | %s |\n", o->name, pv_numerics_name(o->numerics), want,
         got, size, o->stage_right ? "yes" : "**no**", o->side_right ? "yes" : "**no**");
}

static json_t *line_json(const outcome *o) {
  char want[48], got[48];
  place_name(o->plan, o->shows, o->stage, o->layer, want);
  place_name(o->plan, o->found != NULL, o->found != NULL ? o->found->stage : 0,
             o->found != NULL ? o->found->layer : 0, got);
  return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "fault", o->name, "numerics",
                   pv_numerics_name(o->numerics), "planted_in", want, "found_in", got,
                   "stage_right", o->stage_right ? 1 : 0, "side_right", o->side_right ? 1 : 0);
}

pv_code pv_bisect_all_faults(const pv_bisect_spec *base, bool json, bool *all_found,
                             pv_error *err) {
  size_t count = 0, planted = 0, absent = 0, stages = 0, sides = 0;
  const pv_fault *list = pv_faults(&count);
  json_t *lines = json_array();
  pv_code code = PV_OK;
  if (!json)
    puts(
        "| fault | identity | planted in | found in | error | stage | side |\n"
        "|---|---|---|---|---|---|---|");
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    if (list[i].host == PV_FAULT_IN_READER) continue; /* nothing is computed */
    pv_planted fault = {&list[i], -1};
    pv_bisect_result result = {0};
    outcome o;
    choose_layer(base->model, &fault);
    if (!pv_fault_applies(&fault, base->model)) {
      absent++;
      continue;
    }
    code = try_fault(base, fault, &result, &o, err);
    if (code != PV_OK) break;
    planted++;
    stages += o.stage_right;
    sides += o.side_right;
    if (json)
      pv_json_append(&lines, line_json(&o));
    else
      print_line(&o);
    code = pv_output_flush(err);
    pv_bisect_free(&result);
  }
  *all_found = planted > 0 && stages == planted && sides == planted;
  json_t *root =
      json_pack("{s:s, s:O, s:I, s:I, s:I, s:I}", "schema", "pv/bisect-faults/v1", "faults", lines,
                "planted", (json_int_t)planted, "act_on_nothing", (json_int_t)absent, "stage_right",
                (json_int_t)stages, "side_right", (json_int_t)sides);
  json_decref(lines);
  if (code == PV_OK && json)
    code = pv_json_print(json_incref(root), JSON_INDENT(1), err);
  else if (code == PV_OK)
    printf("\n%zu faults planted: the stage is right for %zu, the side for %zu.\n", planted, stages,
           sides);
  if (code == PV_OK && !json && absent > 0)
    printf("%zu more act on nothing in this model.\n", absent);
  json_decref(root);
  return code;
}
