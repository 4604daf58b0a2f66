#include "runtime/checks/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A side in a pass over one prompt. */
typedef struct led {
  pv_source source;
  const pv_capture *capture; /* all stages, or those that are kept */
  pv_capture *made;          /* the latter, until it is given away; NULL: there were all */
  char *side;                /* its word */
} led;

/* What is found in a row; rows are looked at by several threads. */
typedef struct row_found {
  double largest[2]; /* infinite when one is no number */
  bool same;
} row_found;

typedef struct eyes {
  pv_pass *pass;
  const pv_reference_prompt *prompt;
  led *led;
  pv_passed *passed;
  double *cosine;
  row_found *found; /* of each row of the batch */
  pv_stage_id layer_out;
  const pv_rows *rows[2]; /* under way */
} eyes;

bool pv_pass_same_function(pv_check *check, const char *const word[2], const char *const is[2]) {
  if (strcmp(is[0], is[1]) == 0) return true;
  pv_check_verdict(check, "INCOMPARABLE",
                   "%.100s computes %.80s and %.100s computes %.80s: two different functions; "
                   "compare each with the arbiter instead",
                   word[0], is[0][0] != '\0' ? is[0] : "what it does not say", word[1],
                   is[1][0] != '\0' ? is[1] : "what it does not say");
  return false;
}

void pv_pass_close(pv_pass *pass) {
  for (size_t i = 0; i < 2; i++) pv_fault_close(&pass->opened[i]);
  pv_pool_close(pass->pool);
  pass->pool = NULL;
}

/* Magnitudes order like their bits. */
static double largest_of(const pv_rows *rows, size_t row) {
  const pv_vector v = pv_rows_vector(rows, row);
  const float *x = v.data;
  double largest = 0.0;
  int32_t most = 0;
  if (v.type != PV_ELEMENT_F32) {
    for (size_t i = 0; i < v.count; i++) pv_keep_largest(&largest, fabs(pv_vector_at(&v, i)));
    return largest;
  }
  for (size_t i = 0; i < v.count; i++) {
    const int32_t magnitude = (int32_t)(pv_bits_f32(x[i]) & 0x7fffffffu);
    most = magnitude > most ? magnitude : most;
  }
  return most >= 0x7f800000 ? INFINITY : (double)pv_f32_bits((uint32_t)most);
}

static void look_task(void *context, size_t row, unsigned thread) {
  const eyes *e = context;
  const pv_rows *left = e->rows[0], *right = e->rows[1];
  row_found *f = &e->found[row];
  (void)thread;
  *f = (row_found){.same = true};
  if (right != NULL) {
    const void *a = pv_rows_vector(left, row).data, *b = pv_rows_vector(right, row).data;
    f->same = memcmp(a, b, left->width * left->size) == 0;
  }
  if (left->index) return;
  f->largest[0] = f->largest[1] = largest_of(left, row);
  if (!f->same) f->largest[1] = largest_of(right, row);
}

static int64_t expert_of(const eyes *e, size_t side, const pv_walk_at *at, size_t row, size_t index,
                         pv_stage_id stage) {
  const pv_model *m = e->pass->check->model;
  if (!pv_plan_is(m->plan, stage, PV_ROW_BY_EXPERT)) return -1;
  return (int64_t)pv_capture_at(e->led[side].capture, pv_model_stage(m, PV_ROLE_ROUTER_INDICES),
                                at->step.layer, at->position + row,
                                index / pv_plan_part(m->plan, stage, &m->shape));
}

/* The first element of a row that is no finite number: there is one. */
static void note_bad(const eyes *e, size_t side, const pv_walk_at *at, size_t row) {
  const pv_rows *rows = e->rows[side];
  const size_t position = at->position + row;
  pv_seen *seen = &e->passed->seen[side];
  for (size_t i = 0; i < rows->width && !seen->bad; i++) {
    const double value = pv_rows_at(rows, row, i);
    if (isfinite(value)) continue;
    seen->bad = true;
    seen->position = position;
    seen->value = value;
    seen->first = (pv_stage_element){rows->stage, at->step.layer, e->prompt->ids[position], i,
                                     expert_of(e, side, at, row, i, rows->stage)};
  }
}

/* The figure that others ask for, beside the bits. What is equal and finite has a cosine of 1. */
static void note_cosine(const eyes *e, uint32_t layer, size_t row) {
  const row_found *f = &e->found[row];
  if (f->same && isfinite(f->largest[0])) return;
  const pv_distance d = pv_rows_distance(e->rows[0], e->rows[1], row);
  pv_keep_smallest(&e->cosine[layer], pv_distance_cosine(&d));
}

static void add_row(const eyes *e, const pv_walk_at *at, size_t row) {
  const pv_rows *left = e->rows[0];
  const row_found *f = &e->found[row];
  pv_difference *d = &e->passed->difference;
  for (size_t i = 0; i < e->pass->count && !left->index; i++) {
    pv_seen *seen = &e->passed->seen[i];
    seen->elements += left->width;
    pv_keep_largest(&seen->largest, f->largest[i]);
    if (isinf(f->largest[i])) note_bad(e, i, at, row);
  }
  if (e->pass->count < 2) return;
  d->compared += left->width;
  if (!f->same) pv_difference_add(d, left, e->rows[1], row, at->step.layer, at->position + row);
  if (e->cosine != NULL && left->stage == e->layer_out) note_cosine(e, at->step.layer, row);
}

static pv_code look(void *context, const pv_walk_at *at, pv_error *err) {
  eyes *e = context;
  char place[PV_PLACE_LENGTH];
  const size_t sides = e->pass->count;
  pv_code code = PV_OK;
  for (size_t i = 0; i < sides && code == PV_OK; i++)
    if (e->led[i].made != NULL) code = pv_capture_keep(e->led[i].made, at, i, err);
  for (size_t k = 0; k < at->step.count && code == PV_OK; k++) {
    const pv_rows *left = &at->of[0][k], *right = &at->of[sides - 1][k];
    if (left->absent || right->absent || left->width != right->width || left->size != right->size)
      return pv_error_set(
          err, PV_ERR_INTERNAL, "%s is not on both sides, or of two shapes",
          pv_plan_place(e->pass->check->model->plan, left->stage, at->step.layer, place));
    e->rows[0] = left;
    e->rows[1] = sides > 1 ? right : NULL;
    pv_pool_run(e->pass->pool, look_task, e, at->rows);
    for (size_t row = 0; row < at->rows; row++) add_row(e, at, row);
  }
  return code;
}

/* Who computes, for all prompts; what is recorded, or can be kept whole, is captured instead. */
static pv_code lead_computed(pv_pass *pass, size_t i, const pv_reference_prompt *prompt, led *out,
                             pv_error *err) {
  pv_check *check = pass->check;
  pv_error local = PV_ERROR_INIT;
  const pv_backend_config config = {.numerics = pass->numerics[i],
                                    .context = pass->longest,
                                    .batch = pass->longest,
                                    .threads = check->threads};
  pv_code code = PV_OK;
  if (pass->opened[i].forward == NULL)
    code = pv_check_open(check, pass->word[i], &config, &pass->opened[i], &local);
  if (code == PV_ERR_UNSUPPORTED) return pv_check_verdict(check, "NOT_RUN", "%s", local.message);
  if (code != PV_OK) {
    if (err != NULL) *err = local;
    return code;
  }
  out->source = pv_source_of(pass->opened[i].forward);
  out->side = strdup(pass->word[i]);
  if (out->side == NULL) return pv_error_nomem(err, "a side");
  code = pv_capture_begin(&out->source, check->model, prompt->count, pv_check_roles(check),
                          &out->made, err);
  if (code == PV_OK) code = pv_check_name(check, out->side, pass->numerics[i], out->made, err);
  if (code == PV_OK) out->capture = out->made;
  return code;
}

/* `out->capture` stays NULL where the verdict says why there is none. */
static pv_code lead(pv_pass *pass, size_t i, const pv_reference_prompt *prompt, led *out,
                    pv_error *err) {
  pv_check *check = pass->check;
  const char *word = pass->word[i];
  *out = (led){0};
  if (!pv_check_records(word) && !pv_check_fits(check, prompt->count) &&
      pv_check_kept(check, word, pass->numerics[i], prompt, 0) == NULL)
    return lead_computed(pass, i, prompt, out, err);
  const pv_code code = pv_check_capture(check, word, pass->numerics[i], prompt, &out->capture, err);
  if (code == PV_OK && out->capture != NULL) out->source = out->capture->source;
  return code;
}

/* What was seen belongs to what is kept of the run. */
static pv_code keep(const pv_pass *pass, size_t i, const pv_reference_prompt *prompt, led *l,
                    const pv_seen *seen, pv_error *err) {
  pv_check *check = pass->check;
  if (l->made != NULL) {
    const pv_code code = pv_check_keep(check, l->side, pass->numerics[i], prompt, l->made, err);
    if (code != PV_OK) return code;
    l->made = NULL;
    l->side = NULL;
  }
  pv_cached *kept =
      pv_check_kept(check, pass->word[i], pass->numerics[i], prompt, l->capture->roles);
  if (kept != NULL && kept->capture == l->capture) kept->seen = *seen;
  return PV_OK;
}

static pv_code walk(pv_pass *pass, const pv_reference_prompt *prompt, led *l, double *cosine,
                    pv_passed *out, pv_error *err) {
  const pv_model *m = pass->check->model;
  const pv_source sources[] = {l[0].source, l[1].source};
  const pv_walk_spec spec = {.plan = m->plan,
                             .layers = m->shape.layers,
                             .sources = sources,
                             .source_count = pass->count,
                             .ids = prompt->ids,
                             .count = prompt->count,
                             .batch = prompt->count};
  eyes e = {.pass = pass,
            .prompt = prompt,
            .led = l,
            .passed = out,
            .cosine = cosine,
            .found = calloc(prompt->count, sizeof *e.found),
            .layer_out = pv_model_stage(m, PV_ROLE_LAYER_OUT)};
  const pv_visitor visitor = {.context = &e, .visit = look};
  if (e.found == NULL) return pv_error_nomem(err, "a pass");
  pv_code code = PV_OK;
  if (pass->pool == NULL) code = pv_pool_open(pass->check->threads, &pass->pool, err);
  if (code == PV_OK) code = pv_walk(&spec, &visitor, err);
  free(e.found);
  return code;
}

pv_code pv_pass_run(pv_pass *pass, const pv_reference_prompt *prompt, double *cosine,
                    pv_passed *out, pv_error *err) {
  led l[2];
  memset(l, 0, sizeof l);
  pv_passed passed = {0};
  pv_code code = PV_OK;
  bool there = true;
  for (size_t i = 0; i < pass->count && code == PV_OK && there; i++) {
    code = lead(pass, i, prompt, &l[i], err);
    there = l[i].capture != NULL;
  }
  if (code == PV_OK && there && pass->count == 2)
    there = pv_pass_same_function(pass->check, pass->word,
                                  (const char *[]){l[0].source.identity, l[1].source.identity});
  if (code == PV_OK && there) {
    code = walk(pass, prompt, l, cosine, &passed, err);
    for (size_t i = 0; i < pass->count && code == PV_OK; i++) {
      code = keep(pass, i, prompt, &l[i], &passed.seen[i], err);
      passed.backend[i] = l[i].capture->backend;
    }
  }
  for (size_t i = 0; i < 2; i++) {
    pv_capture_free(l[i].made);
    free(l[i].side);
  }
  passed.ran = there;
  if (code == PV_OK) *out = passed;
  return code;
}

pv_code pv_pass_see(pv_pass *pass, const pv_reference_prompt *prompt, pv_passed *out,
                    pv_error *err) {
  const pv_cached *kept = pv_check_kept(pass->check, pass->word[0], pass->numerics[0], prompt,
                                        pv_check_roles(pass->check));
  if (kept == NULL || kept->seen.elements == 0) return pv_pass_run(pass, prompt, NULL, out, err);
  pv_check_note_who(pass->check, kept->capture);
  *out = (pv_passed){.ran = true, .seen = {kept->seen}, .backend = {kept->capture->backend}};
  return PV_OK;
}
