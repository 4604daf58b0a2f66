#include "runtime/perplexity/perplexity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/ck.h"

enum { BATCH = 128, SIDES = 2 }; /* positions at once: it changes memory, and no figure */

/* A side at work. */
typedef struct runner {
  const pv_perplexity_side *side;
  pv_fault_side opened; /* who computes */
  pv_recorded *ran;     /* of an engine: the chunk's, and the folder that goes with it */
  char *made;
  pv_source source;
  double *row; /* of the vocabulary */
  float *narrow;
} runner;

typedef struct run {
  const pv_perplexity_spec *spec;
  pv_perplexity_result *out;
  runner runners[SIDES];
  size_t vocab;
  size_t chunk, from; /* from: the first position that is scored */
  uint32_t *ids;      /* of the chunk */
  size_t done, total;
} run;

static size_t vocab_of(const pv_perplexity_side *side) {
  return side->file != NULL ? side->file->vocab : side->of->model->shape.vocab;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Nothing is predicted by the last position of a chunk that is scored. */
static size_t positions(const run *r) {
  return r->spec->context - 1;
}

/* Rows of a batch that are scored: its last ones. */
static size_t scored(const run *r, size_t at, size_t count) {
  return at + count > r->from ? smaller(count, at + count - r->from) : 0;
}

static bool computes(const runner *who) {
  return who->side->file == NULL && who->side->walker.who.kind->backend != NULL;
}

static size_t operations(const run *r, const pv_model *model) {
  size_t all = 0;
  for (size_t at = 0; at < positions(r); at += BATCH) {
    const size_t count = smaller(BATCH, positions(r) - at);
    for (pv_step step = {0}; pv_forward_next(model, scored(r, at, count), &step);) all++;
  }
  return all * r->spec->chunks;
}

static pv_code open_side(run *r, runner *who, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  const pv_backend_config config = {
      .context = s->context, .batch = smaller(BATCH, positions(r)), .threads = s->threads};
  who->row = calloc(r->vocab, sizeof *who->row);
  who->narrow = calloc(r->vocab, sizeof *who->narrow);
  if (who->row == NULL || who->narrow == NULL) return pv_error_nomem(err, "a row of logits");
  if (vocab_of(who->side) != r->vocab)
    return pv_error_set(err, PV_ERR_INPUT,
                        "the two sides are of other vocabularies: %zu and %zu tokens", r->vocab,
                        vocab_of(who->side));
  if (who->side->file != NULL || who->side->walker.who.program != NULL) return PV_OK;
  const pv_code code = pv_walker_open(&who->side->walker, who->side->of->model, &config,
                                      &who->opened, &who->source, err);
  if (code == PV_OK && computes(who)) r->total += operations(r, who->side->of->model);
  return code;
}

static void forget_chunk(runner *who) {
  pv_recorded_close(who->ran);
  pv_engine_forget(who->made);
  who->ran = NULL;
  who->made = NULL;
}

static pv_code misses(const runner *who, pv_error *err) {
  if (who->source.place != NULL) pv_error_at(err, who->source.place, 0, 0, -1);
  return PV_ERR_INPUT;
}

/* What was recorded is of this chunk, and has the logits that are scored. */
static pv_code check_recorded(const run *r, const runner *who, pv_error *err) {
  const pv_source *s = &who->source;
  const pv_stage_id stage = (pv_stage_id)pv_plan_role(s->plan, PV_ROLE_LOGITS);
  const size_t context = r->spec->context;
  pv_span there = {0, s->positions};
  if (s->positions != context || (who->ran == NULL && r->spec->chunks > 1)) {
    pv_error_set(err, PV_ERR_INPUT, "a trace of %zu positions is not one chunk of %zu",
                 s->positions, context);
    return misses(who, err);
  }
  if (s->ids != NULL && memcmp(s->ids, r->ids, context * sizeof *s->ids) != 0) {
    pv_error_set(err, PV_ERR_INPUT, "the trace is of other tokens than those of this run");
    return misses(who, err);
  }
  if (!pv_source_has(s, stage, 0))
    there = (pv_span){0, 0};
  else if (s->span != NULL)
    there = s->span(s, stage, 0);
  if (there.from <= r->from && there.until >= positions(r)) return PV_OK;
  pv_error_set(err, PV_ERR_INPUT, "the logits of positions %zu to %zu were not recorded", r->from,
               positions(r) - 1);
  return misses(who, err);
}

static pv_code begin_chunk(const run *r, runner *who, pv_error *err) {
  const pv_perplexity_side *side = who->side;
  const pv_engine_spec engine = {&side->walker.who, side->of != NULL ? side->of->path : NULL,
                                 r->ids, r->spec->context, r->spec->engine_timeout_s};
  pv_code code = PV_OK;
  if (side->file != NULL) return PV_OK;
  if (computes(who)) {
    pv_forward_rewind(who->opened.forward, 0);
    return PV_OK;
  }
  if (side->walker.who.program != NULL) {
    forget_chunk(who);
    code = pv_walker_record(side->walker.name, &engine, side->of, &who->made, &who->ran, err);
    if (code == PV_OK) who->source = who->ran->source;
  }
  return code == PV_OK ? check_recorded(r, who, err) : code;
}

static pv_code run_batch(run *r, const runner *who, size_t at, size_t count, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  const pv_model *model = pv_forward_who(who->opened.forward)->model;
  const size_t rows = scored(r, at, count);
  pv_code code = pv_forward_begin(who->opened.forward, r->ids + at, count, rows, err);
  for (pv_step step = {0}; code == PV_OK && pv_forward_next(model, rows, &step);) {
    if (pv_cancelled()) return pv_error_set(err, PV_ERR_CANCELLED, "interrupted");
    code = pv_forward_step(who->opened.forward, step, err);
    r->done++;
    if (code == PV_OK && s->progress != NULL) s->progress(s->progress_context, r->done, r->total);
  }
  if (code == PV_OK) pv_forward_end(who->opened.forward);
  return code;
}

/* Logits of a position, which is row `row` of those that the batch has. */
static pv_code read_logits(const run *r, runner *who, size_t position, size_t row, pv_error *err) {
  const pv_source *s = &who->source;
  const pv_stage_id stage = (pv_stage_id)pv_plan_role(s->plan, PV_ROLE_LOGITS);
  const bool wide = s->real_bytes == sizeof *who->row;
  void *to = wide ? (void *)who->row : (void *)who->narrow;
  const pv_code code = computes(who) ? pv_forward_read(who->opened.forward, stage, row, 1, to, err)
                                     : s->read(s, stage, 0, position, 1, to, err);
  for (size_t i = 0; i < r->vocab && code == PV_OK && !wide; i++) who->row[i] = who->narrow[i];
  return code;
}

/* The side's log-probabilities; what is no number ends the run. */
static pv_code predict(run *r, size_t side, size_t position, size_t row, pv_error *err) {
  runner *who = &r->runners[side];
  size_t odd = 0;
  if (who->side->file != NULL)
    return pv_base_logits_row(who->side->file, r->chunk, position - r->from, who->row, err);
  const pv_code code = read_logits(r, who, position, row, err);
  if (code != PV_OK || pv_log_softmax(who->row, r->vocab, &odd)) return code;
  r->out->finite = false;
  r->out->odd = (pv_perplexity_odd){side, r->chunk, position, odd, who->row[odd]};
  return PV_OK;
}

static pv_code score(run *r, size_t position, size_t row, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  const runner *base = s->side_count > 1 ? &r->runners[1] : NULL;
  pv_code code = PV_OK;
  for (size_t i = 0; i < s->side_count && code == PV_OK && r->out->finite; i++)
    code = predict(r, i, position, row, err);
  if (code != PV_OK || !r->out->finite) return code;
  pv_scores_add(&r->out->scores, r->runners[0].row, base != NULL ? base->row : NULL, r->vocab,
                s->ids[r->chunk * s->context + position + 1],
                base != NULL && base->side->file != NULL ? PV_BASE_LOGITS_LEAST : -INFINITY);
  return s->save != NULL ? pv_base_writer_add(s->save, r->runners[0].row, err) : PV_OK;
}

static pv_code run_chunk(run *r, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  pv_code code = PV_OK;
  memcpy(r->ids, s->ids + r->chunk * s->context, s->context * sizeof *r->ids);
  if (s->bos != NULL) r->ids[0] = *s->bos;
  for (size_t i = 0; i < s->side_count && code == PV_OK; i++)
    code = begin_chunk(r, &r->runners[i], err);
  for (size_t at = 0; at < positions(r) && code == PV_OK && r->out->finite; at += BATCH) {
    const size_t count = smaller(BATCH, positions(r) - at), rows = scored(r, at, count);
    for (size_t i = 0; i < s->side_count && code == PV_OK; i++)
      if (computes(&r->runners[i])) code = run_batch(r, &r->runners[i], at, count, err);
    for (size_t row = 0; row < rows && code == PV_OK && r->out->finite; row++)
      code = score(r, at + count - rows + row, row, err);
  }
  return code;
}

/* The last token of a chunk is predicted and never run: nobody else looks at it. */
static pv_code check_ids(const run *r, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  for (size_t i = 0; i < s->context * s->chunks; i++)
    if (s->ids[i] >= r->vocab)
      return pv_error_set(err, PV_ERR_INPUT, "token id %u is outside 0..%zu", s->ids[i],
                          r->vocab - 1);
  return PV_OK;
}

static pv_code make_room(run *r, pv_error *err) {
  const pv_perplexity_spec *s = r->spec;
  uint64_t tokens = 0;
  size_t room = 0;
  if (s->context < 3 || s->chunks < 1)
    return pv_error_set(err, PV_ERR_INPUT, "a chunk has at least 3 positions, and there is one");
  if (!pv_ck_mul(pv_scored_count(s->context), s->chunks, &tokens) || !pv_ck_size(tokens, &room) ||
      !pv_scores_make(room, s->side_count > 1, &r->out->scores))
    return pv_error_nomem(err, "what is measured of each token");
  r->ids = calloc(s->context, sizeof *r->ids);
  return r->ids != NULL ? PV_OK : pv_error_nomem(err, "the ids of a chunk");
}

pv_code pv_perplexity(const pv_perplexity_spec *spec, pv_perplexity_result *out, pv_error *err) {
  run r = {.spec = spec,
           .out = out,
           .vocab = vocab_of(&spec->sides[0]),
           .from = pv_scored_from(spec->context)};
  *out = (pv_perplexity_result){.finite = true};
  pv_code code = make_room(&r, err);
  if (code == PV_OK) code = check_ids(&r, err);
  for (size_t i = 0; i < spec->side_count && code == PV_OK; i++) {
    r.runners[i].side = &spec->sides[i];
    code = open_side(&r, &r.runners[i], err);
  }
  for (; r.chunk < spec->chunks && code == PV_OK && out->finite; r.chunk++)
    code = run_chunk(&r, err);
  for (size_t i = 0; i < spec->side_count; i++) {
    forget_chunk(&r.runners[i]);
    pv_fault_close(&r.runners[i].opened);
    free(r.runners[i].row);
    free(r.runners[i].narrow);
  }
  free(r.ids);
  if (code != PV_OK) pv_perplexity_free(out);
  return code;
}

void pv_perplexity_free(pv_perplexity_result *result) {
  pv_scores_free(&result->scores);
  *result = (pv_perplexity_result){0};
}
