#include "runtime/bisect/bisect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/bisect/parts.h"
#include "runtime/limits/structure.h"

enum { LEFT, RIGHT, FREE, RUNNERS };
enum { DEFINITION, ARBITER, WITNESSES };

typedef struct run {
  const pv_bisect_spec *spec;
  pv_bisect_result *out;
  pv_fault_side opened[RUNNERS];
  pv_source runner[RUNNERS];           /* the sides, then the free-running arbiter */
  pv_witness witness[WITNESSES][2];    /* of each side */
  const pv_rows (*rows)[PV_STEP_ROWS]; /* what the last operation left */
  size_t at;                           /* first position of the batch */
  uint32_t layer;
  size_t done, total;      /* operations, for who waits */
  pv_progress now, before; /* operations so far; those that the state holds */
} run;

static void close_all(run *r) {
  for (int i = 0; i < RUNNERS; i++) pv_fault_close(&r->opened[i]);
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < WITNESSES; k++) pv_witness_close(&r->witness[k][i]);
}

/* What computes or recorded the side, and who makes its stages again. */
static pv_code open_side(run *r, int i, const pv_backend_config *config, pv_error *err) {
  const pv_bisect_spec *s = r->spec;
  const pv_walker *side = &s->side[i];
  const pv_fault *planted = side->who.planted.fault;
  pv_backend_config own = *config;
  pv_code code = pv_walker_open(side, s->model, config, &r->opened[i], &r->runner[i], err);
  if (code != PV_OK) return code;
  snprintf(r->out->computed[i], sizeof r->out->computed[i], "%s", r->runner[i].computed);
  const bool stand_in = planted != NULL && planted->host == PV_FAULT_IN_OPERATION;
  r->out->fallback[i] = side->recorded == NULL && !stand_in &&
                        strcmp(r->out->computed[i], side->who.kind->backend) != 0;
  if (pv_walker_defined(side, &own.numerics))
    code = pv_witness_open(s->model, &own, NULL, &r->witness[DEFINITION][i], err);
  own.numerics = PV_NUMERICS_F64;
  return code == PV_OK ? pv_witness_open(s->model, &own, NULL, &r->witness[ARBITER][i], err) : code;
}

static pv_code open_all(run *r, pv_error *err) {
  const pv_bisect_spec *s = r->spec;
  const pv_backend_config exact = {PV_NUMERICS_F64, s->count, s->batch, s->threads, NULL};
  pv_code code = PV_OK;
  for (int i = 0; i < 2 && code == PV_OK; i++) code = open_side(r, i, &exact, err);
  if (code == PV_OK) code = pv_forward_open(s->model, "cpu", &exact, &r->opened[FREE].forward, err);
  if (code != PV_OK) return code;
  r->out->memory = 0; /* it may be that of before an interruption */
  r->runner[FREE] = pv_source_of(r->opened[FREE].forward);
  for (int i = 0; i < RUNNERS; i++)
    if (r->runner[i].forward != NULL) r->out->memory += pv_forward_memory(r->runner[i].forward);
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < WITNESSES; k++) r->out->memory += pv_witness_memory(&r->witness[k][i]);
  return PV_OK;
}

static const pv_plan *plan_of(const run *r) {
  return r->spec->model->plan;
}

/* Of a role that the plan has. */
static pv_stage_id row_of(const run *r, pv_role role) {
  return (pv_stage_id)pv_plan_role(plan_of(r), role);
}

/* A trace may have some positions of a stage alone. */
static bool has_row(const pv_source *s, pv_stage_id stage, uint32_t layer, size_t position) {
  if (!pv_source_has(s, stage, layer)) return false;
  if (s->span == NULL) return true;
  const pv_span rows = s->span(s, stage, layer);
  return position >= rows.from && position < rows.until;
}

/* Rank and expert of an element of the experts' stages, by the routing of side `i`. */
static pv_code name_expert(run *r, int i, pv_bisect_place *place, pv_error *err) {
  const pv_shape *s = &r->spec->model->shape;
  int32_t indices[PV_MODEL_EXPERTS_MAX];
  place->rank = place->expert = -1;
  if (!pv_plan_is(plan_of(r), place->stage, PV_ROW_BY_EXPERT)) return PV_OK;
  const pv_stage_id chosen = row_of(r, PV_ROLE_ROUTER_INDICES);
  place->rank = (int64_t)(place->index / pv_plan_part(plan_of(r), place->stage, s));
  const pv_source *side = &r->runner[i];
  if (!has_row(side, chosen, place->layer, place->position)) return PV_OK;
  const pv_code code = side->read(side, chosen, place->layer, place->position, 1, indices, err);
  if (code == PV_OK) place->expert = indices[place->rank];
  return code;
}

static pv_code note_place(run *r, int side, pv_stage_id stage, size_t row, size_t index, int k,
                          double exact, pv_bisect_place *out, pv_error *err) {
  *out = (pv_bisect_place){.present = true,
                           .stage = stage,
                           .layer = r->layer,
                           .position = r->at + row,
                           .index = index,
                           .left = pv_rows_at(&r->rows[LEFT][k], row, index),
                           .right = pv_rows_at(&r->rows[RIGHT][k], row, index),
                           .exact = exact};
  return name_expert(r, side, out, err);
}

static pv_code compare_sides(run *r, int k, pv_bisect_stage *sum, pv_error *err) {
  const pv_rows *a = &r->rows[LEFT][k], *b = &r->rows[RIGHT][k], *exact = &r->rows[FREE][k];
  pv_code code = PV_OK;
  if (a->absent || b->absent) return PV_OK;
  for (size_t p = 0; p < a->rows && code == PV_OK; p++) {
    const pv_vector x = pv_rows_vector(a, p), y = pv_rows_vector(b, p);
    for (size_t i = 0; i < a->width && code == PV_OK; i++) {
      sum->elements++;
      if (pv_vector_same(&x, &y, i)) continue;
      sum->different++;
      if (!r->out->first.present)
        code =
            note_place(r, RIGHT, a->stage, p, i, k, pv_rows_at(exact, p, i), &r->out->first, err);
    }
  }
  return code;
}

/* By the definition, which says nothing of the bits of a NaN; without one, by what is wrong in any
 * identity. */
static pv_bisect_why judge_element(const run *r, int side, size_t k, size_t p, size_t i) {
  const pv_rows *rows = &r->rows[side][k];
  const pv_vector own = pv_rows_vector(rows, p),
                  made = pv_rows_vector(&r->witness[DEFINITION][side].made, p);
  if (r->out->defined[side])
    return pv_vector_same(&own, &made, i) ||
                   (isnan(pv_vector_at(&own, i)) && isnan(pv_vector_at(&made, i)))
               ? PV_BISECT_SOUND
               : PV_BISECT_OTHER_BITS;
  if (!isfinite(pv_rows_at(rows, p, i)))
    return isfinite(pv_rows_at(&r->witness[ARBITER][side].made, p, i)) ? PV_BISECT_NO_NUMBER
                                                                       : PV_BISECT_SOUND;
  /* Twice what a rounding of logits and of a softmax to 8 bits of mantissa (bf16) makes. */
  static const pv_structure_room room = {0.02, 0.02, 0.03, 1e-4, 0.0};
  const pv_structure_why why =
      pv_structure_judge(r->rows[side], k, p, i, r->spec->model, &room).why;
  return why == PV_STRUCTURE_SOUND ? PV_BISECT_SOUND : (pv_bisect_why)(PV_BISECT_STRUCTURE + why);
}

static uint64_t order_of(const run *r, pv_stage_id stage, uint32_t layer) {
  if (!pv_plan_is_layered(plan_of(r), stage)) return stage == 0 ? 0 : UINT64_MAX;
  return 1 + (uint64_t)layer * PV_STAGES_MAX + stage;
}

/* Does this stage come before what is noted there? A side that runs is looked at as it computes,
 * batch by batch. In which batches a recorded one was computed is not known: there a layer comes
 * before the next one over all positions. */
static bool comes_first(const run *r, int side, pv_stage_id stage, const pv_bisect_place *noted) {
  if (!noted->present) return true;
  return r->spec->side[side].recorded != NULL &&
         order_of(r, stage, r->layer) < order_of(r, noted->stage, noted->layer);
}

/* The first that is no number: everything before it is one. */
static pv_code note_not_finite(run *r, int side, size_t k, size_t p, size_t i, pv_error *err) {
  pv_bisect_place *out = &r->out->not_finite[side];
  const pv_code code = note_place(r, side, r->rows[side][k].stage, p, i, (int)k,
                                  pv_rows_at(&r->witness[ARBITER][side].made, p, i), out, err);
  const pv_stage_element element = {out->stage, out->layer, r->spec->ids[out->position], out->index,
                                    out->expert};
  if (code == PV_OK) r->out->weight[side] = pv_stage_bad_weight(r->spec->model, &element);
  return code;
}

static pv_code measure_row(run *r, int side, size_t k, size_t p, pv_bisect_stage *sum,
                           pv_error *err) {
  const pv_rows *rows = &r->rows[side][k];
  pv_bisect_place *large = &r->out->large[side];
  const pv_distance own = pv_rows_distance(&r->witness[ARBITER][side].made, rows, p);
  const pv_distance all = pv_rows_distance(&r->rows[FREE][k], rows, p);
  const double introduced = pv_distance_error(&own), total = pv_distance_error(&all);
  const size_t at = (size_t)own.worst;
  if (pv_distance_exceeds(introduced, sum->side[side].introduced))
    sum->side[side].introduced = introduced;
  if (pv_distance_exceeds(total, sum->side[side].total)) sum->side[side].total = total;
  if (r->out->defined[side] || !(introduced > PV_BISECT_LARGE) ||
      !comes_first(r, side, rows->stage, large))
    return PV_OK;
  r->out->large_error[side] = introduced;
  return note_place(r, side, rows->stage, p, at, (int)k,
                    pv_rows_at(&r->witness[ARBITER][side].made, p, at), large, err);
}

/* Takes the side's own rows instead of what was made, if it has any. */
static pv_code give(pv_witness *w, const pv_rows *side, uint32_t layer, pv_error *err) {
  pv_error local = PV_ERROR_INIT;
  const pv_code code = side->absent ? PV_OK : pv_witness_give(w, side, layer, &local);
  /* An expert that does not exist has been counted as wrong; the witness keeps its own. */
  if (code == PV_OK || code == PV_ERR_INPUT) return PV_OK;
  if (err != NULL) *err = local;
  return code;
}

/* One side against its witnesses. */
static pv_code judge_side(run *r, int side, int k, pv_bisect_stage *sum, pv_error *err) {
  const pv_rows *rows = &r->rows[side][k];
  pv_witness *arbiter = &r->witness[ARBITER][side];
  const bool index = rows->index;
  pv_code code = PV_OK;
  for (int w = r->out->defined[side] ? DEFINITION : ARBITER; w < WITNESSES && code == PV_OK; w++) {
    pv_witness *witness = &r->witness[w][side];
    code = pv_witness_make(witness, rows->stage, r->layer, rows->rows, err);
    if (code == PV_OK) code = give(witness, rows, r->layer, err);
  }
  if (rows->absent) return code;
  sum->side[side].judged += rows->rows * rows->width;
  for (size_t p = 0; p < rows->rows && code == PV_OK; p++) {
    for (size_t i = 0; i < rows->width && code == PV_OK; i++) {
      if (!isfinite(pv_rows_at(rows, p, i)) &&
          comes_first(r, side, rows->stage, &r->out->not_finite[side]))
        code = note_not_finite(r, side, (size_t)k, p, i, err);
      const pv_bisect_why why = judge_element(r, side, (size_t)k, p, i);
      if (why == PV_BISECT_SOUND || code != PV_OK) continue;
      sum->side[side].undefined++;
      if (!comes_first(r, side, rows->stage, &r->out->culprit[side])) continue;
      r->out->why[side] = why;
      code = note_place(r, side, rows->stage, p, i, k, pv_rows_at(&arbiter->made, p, i),
                        &r->out->culprit[side], err);
    }
    /* A number of an expert is no quantity. */
    if (!index && code == PV_OK) code = measure_row(r, side, (size_t)k, p, sum, err);
  }
  return code;
}

static void compare_routing(run *r) {
  const pv_rows *left = r->rows[LEFT], *right = r->rows[RIGHT], *exact = r->rows[FREE];
  pv_bisect_routing *out = &r->out->routing;
  pv_bisect_router *sum = &r->out->router[r->layer];
  const bool both = !left[2].absent && !right[2].absent;
  for (size_t p = 0; p < exact[2].rows; p++) {
    for (int i = 0; i < 2; i++)
      if (!r->rows[i][2].absent)
        out->from_arbiter[i] += !pv_rows_same_set(&r->rows[i][2], &exact[2], p);
    if (!both) continue;
    out->sets++;
    const pv_distance apart = pv_rows_distance(&left[0], &right[0], p);
    const double margin =
        left[0].absent ? NAN
                       : pv_set_margin(pv_rows_vector(&left[0], p), pv_rows_vector(&left[2], p));
    const double noise = left[0].absent || right[0].absent ? NAN : pv_distance_largest(&apart);
    if (!sum->present || margin < sum->margin) sum->margin = margin;
    if (!sum->present || noise > sum->noise) sum->noise = noise;
    sum->present = true;
    if (pv_rows_same_set(&left[2], &right[2], p)) continue;
    out->different++;
    sum->different++;
    if (out->present) continue;
    out->present = true;
    out->layer = r->layer;
    out->position = r->at + p;
    out->margin = margin;
    out->noise = noise;
  }
}

static void compare_outputs(run *r) {
  const pv_rows *left = r->rows[LEFT], *right = r->rows[RIGHT], *exact = r->rows[FREE];
  pv_bisect_result *out = r->out;
  for (size_t p = 0; p < exact[0].rows; p++) {
    const pv_distance apart = pv_rows_distance(&left[0], &right[0], p);
    pv_keep_smallest(&out->routing.cosine, pv_distance_cosine(&apart));
    for (int i = 0; i < 2; i++) {
      const pv_rows *top = &r->rows[i][1];
      const pv_distance error = pv_rows_distance(&exact[0], &r->rows[i][0], p);
      pv_keep_smallest(&out->worst_cosine[i], pv_distance_cosine(&error));
      if (!top->absent)
        out->tops_from_arbiter[i] += pv_rows_at(top, p, 0) != pv_rows_at(&exact[1], p, 0);
    }
    if (left[1].absent || right[1].absent) continue;
    if (pv_rows_at(&left[1], p, 0) == pv_rows_at(&right[1], p, 0)) continue;
    if (out->tops_different++ == 0) {
      out->top_present = true;
      out->top_position = r->at + p;
    }
  }
}

static bool has(const run *r, const pv_step *s, pv_role role) {
  return pv_step_find(plan_of(r), s, role) >= 0;
}

/* Compares and judges what the step left. */
static pv_code judge_step(run *r, const pv_step *s, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < s->count && code == PV_OK; k++) {
    pv_bisect_stage *sum = &r->out->stages[s->layer][s->first + k];
    code = compare_sides(r, (int)k, sum, err);
    for (int i = 0; i < 2 && code == PV_OK; i++) code = judge_side(r, i, (int)k, sum, err);
  }
  if (code == PV_OK && has(r, s, PV_ROLE_ROUTER_INDICES)) compare_routing(r);
  if (code == PV_OK && has(r, s, PV_ROLE_TOP)) compare_outputs(r);
  return code;
}

/* What was judged before the interruption: the witnesses get what the sides have. Indices are made
 * all the same: they may stay the witness's own, see give. */
static pv_code take_step(run *r, size_t stage_count, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < stage_count; k++)
    for (int i = 0; i < 2; i++) {
      const pv_rows *rows = &r->rows[i][k];
      for (int w = r->out->defined[i] ? DEFINITION : ARBITER; w < WITNESSES && code == PV_OK; w++) {
        pv_witness *witness = &r->witness[w][i];
        if (rows->absent || rows->index)
          code = pv_witness_make(witness, rows->stage, r->layer, rows->rows, err);
        if (code == PV_OK) code = give(witness, rows, r->layer, err);
      }
    }
  return code;
}

/* The digest of what the sides computed: a state goes on only from the same bits. */
static pv_code note_bits(run *r, size_t stage_count, pv_error *err) {
  pv_code code = PV_OK;
  for (size_t k = 0; k < stage_count; k++)
    for (int i = 0; i < 2 && code == PV_OK; i++)
      code = pv_bisect_bits(r->now.bits, &r->rows[i][k], err);
  r->now.done++;
  if (code != PV_OK || r->now.done != r->before.done ||
      memcmp(r->now.bits, r->before.bits, sizeof r->now.bits) == 0)
    return code;
  pv_error_set(err, PV_ERR_INPUT, "the sides do not compute what they did before the interruption");
  pv_error_at(err, r->spec->state, 0, 0, -1);
  pv_error_hint(err, "begin again with a new file");
  return PV_ERR_INPUT;
}

static pv_code visit(void *context, const pv_walk_at *at, pv_error *err) {
  run *r = context;
  const pv_bisect_spec *spec = r->spec;
  const pv_step *s = &at->step;
  const bool judged = r->now.done < r->before.done;
  r->at = at->position;
  r->layer = s->layer;
  r->rows = at->of;
  pv_code code = judged ? take_step(r, s->count, err) : judge_step(r, s, err);
  if (code == PV_OK && spec->state != NULL) code = note_bits(r, s->count, err);
  if (code == PV_OK && spec->state != NULL && !judged &&
      (has(r, s, PV_ROLE_LAYER_OUT) || has(r, s, PV_ROLE_TOP)))
    code = pv_bisect_save(spec->state, spec->key, &r->now, r->out, err);
  return code;
}

pv_walk_spec pv_bisect_walk(const pv_bisect_spec *spec, const pv_source *sources, size_t count) {
  return (pv_walk_spec){.plan = spec->model->plan,
                        .layers = spec->model->shape.layers,
                        .sources = sources,
                        .source_count = count,
                        .ids = spec->ids,
                        .count = spec->count,
                        .batch = spec->batch};
}

static pv_bisect_verdict judge(const pv_bisect_result *out) {
  const bool left = out->culprit[LEFT].present || out->fallback[LEFT];
  const bool right = out->culprit[RIGHT].present || out->fallback[RIGHT];
  if (left && right) return PV_BISECT_BOTH;
  if (left) return PV_BISECT_LEFT;
  if (right) return PV_BISECT_RIGHT;
  if (out->not_finite[LEFT].present || out->not_finite[RIGHT].present) return PV_BISECT_NOT_FINITE;
  if (out->compared == 0) return PV_BISECT_VACUOUS;
  if (!out->same_identity && out->defined[LEFT] && out->defined[RIGHT]) return PV_BISECT_FUNCTIONS;
  /* Equal to a side that is as defined is enough. */
  const bool defined = out->defined[LEFT] || out->defined[RIGHT];
  return out->different > 0 || !defined ? PV_BISECT_UNDECIDED : PV_BISECT_EQUAL;
}

int pv_bisect_less_exact(const pv_bisect_result *result) {
  const double left = result->worst_cosine[LEFT], right = result->worst_cosine[RIGHT];
  const pv_bisect_stage *logits = &result->stages[0][pv_plan_role(result->plan, PV_ROLE_LOGITS)];
  const bool known[] = {logits->side[LEFT].judged > 0, logits->side[RIGHT].judged > 0};
  if (!known[LEFT] || !known[RIGHT] || left == right || (isnan(left) && isnan(right))) return -1;
  return isnan(left) || right > left ? LEFT : RIGHT;
}

static pv_code allocate(const pv_bisect_spec *spec, pv_bisect_result *out, pv_error *err) {
  *out = (pv_bisect_result){
      .plan = spec->model->plan, .layers = spec->model->shape.layers, .worst_cosine = {1.0, 1.0}};
  out->routing.cosine = 1.0;
  pv_numerics unused;
  for (int i = 0; i < 2; i++) out->defined[i] = pv_walker_defined(&spec->side[i], &unused);
  out->same_identity =
      strcmp(pv_walker_identity(&spec->side[0]), pv_walker_identity(&spec->side[1])) == 0;
  out->stages = calloc(out->layers, sizeof *out->stages);
  out->router = calloc(out->layers, sizeof *out->router);
  if (out->stages != NULL && out->router != NULL) return PV_OK;
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for sums");
}

static pv_code conclude(run *r, pv_error *err) {
  pv_bisect_result *out = r->out;
  pv_code code = PV_OK;
  for (uint32_t l = 0; l < out->layers; l++)
    for (size_t s = 0; s < out->plan->count; s++) {
      out->compared += out->stages[l][s].elements;
      out->different += out->stages[l][s].different;
    }
  out->routing.tops = out->tops_different;
  if (out->routing.different > 0 && pv_bisect_can_route_again(r->spec, out))
    code = pv_bisect_route_again(r->spec, &r->runner[LEFT], &out->routing, err);
  if (code != PV_OK) return code;
  out->verdict = judge(out);
  r->now.finished = true;
  return r->spec->state == NULL ? PV_OK
                                : pv_bisect_save(r->spec->state, r->spec->key, &r->now, out, err);
}

/* Only one that is not there may be begun: the first layer replaces what lies there. */
static pv_code find_state(const char *path, bool *there, pv_error *err) {
  *there = access(path, F_OK) == 0;
  if (*there || errno == ENOENT) return PV_OK;
  const pv_code code = pv_error_errno(err, errno, "cannot examine '%s'", path);
  pv_error_at(err, path, 0, 0, -1);
  return code;
}

pv_code pv_bisect(const pv_bisect_spec *spec, pv_bisect_result *out, pv_error *err) {
  run r = {.spec = spec, .out = out};
  pv_code code = allocate(spec, out, err);
  bool there = false;
  if (code == PV_OK && spec->state != NULL) code = find_state(spec->state, &there, err);
  if (code == PV_OK && there) code = pv_bisect_load(spec->state, spec->key, &r.before, out, err);
  if (code != PV_OK || r.before.finished) goto cleanup;
  code = open_all(&r, err);
  pv_walk_progress progress = {.show = spec->progress, .context = spec->context};
  pv_walk_spec walk = pv_bisect_walk(spec, r.runner, RUNNERS);
  const pv_visitor visitor = {
      .context = &r, .visit = visit, .witnesses = &r.witness[0][0], .witness_count = 2 * WITNESSES};
  walk.progress = &progress;
  progress.total = pv_walk_operations(&walk);
  if (code == PV_OK) code = pv_walk(&walk, &visitor, err);
  if (code == PV_OK) code = conclude(&r, err);
cleanup:
  close_all(&r);
  if (code != PV_OK) pv_bisect_free(out);
  return code;
}

void pv_bisect_free(pv_bisect_result *result) {
  free(result->stages);
  free(result->router);
  *result = (pv_bisect_result){0};
}
