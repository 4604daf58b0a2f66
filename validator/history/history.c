#include "validator/history/history.h"

#include <string.h>

#include "validator/history/kept.h"
#include "validator/history/then.h"

typedef struct making {
  pv_arena *arena;
  const pv_history_ask *ask;
  pv_kept_list kept;
  pv_then then;
  pv_history out;
  size_t criterion_room;
} making;

static const char *fact(const pv_result *r, const char *name) {
  return pv_fact_value(r->environment, r->environment_count, name);
}

static void tell_run(pv_past_run *run, const pv_evidence *e) {
  const pv_result *r = e->result;
  const char *device = fact(r, "device"), *source = fact(r, "git");
  run->id = r->run_id;
  run->started = r->started;
  run->version = r->contract->version;
  run->source = source == NULL ? "none" : source;
  run->device = device == NULL || strcmp(device, "none") == 0 ? "cpu" : device;
  run->model = pv_fact_value(r->model, r->model_count, "sha256");
  run->summary = r->summary;
  run->exit_code = r->exit_code;
}

static const pv_evidence *evidence_of(const making *m, size_t run) {
  if (run == m->kept.count) return m->ask->present;
  return m->kept.items[run].run.unreadable == NULL ? &m->kept.items[run].evidence : NULL;
}

static pv_past_criterion *criterion_of(making *m, const char *id) {
  pv_history *h = &m->out;
  for (size_t i = 0; i < h->criterion_count; i++)
    if (strcmp(h->criteria[i].id, id) == 0) return &h->criteria[i];
  if (!pv_arena_room(m->arena, &h->criteria, h->criterion_count, &m->criterion_room,
                     sizeof *h->criteria))
    return NULL;
  pv_past_criterion *c = &h->criteria[h->criterion_count++];
  *c = (pv_past_criterion){.id = id,
                           .verdicts = PV_ARENA_NEW(m->arena, h->run_count + 1, pv_past_verdict)};
  return c->verdicts == NULL ? NULL : c;
}

enum { TRACKS_MAX = 64 }; /* of one criterion */

/* NULL: memory is out, or there is no room for another. */
static pv_track *track_of(making *m, pv_past_criterion *c, const pv_falsifier *f) {
  for (size_t i = 0; i < c->track_count; i++)
    if (strcmp(c->tracks[i].falsifier, f->id) == 0 && strcmp(c->tracks[i].check, f->check) == 0)
      return &c->tracks[i];
  if (c->tracks == NULL) c->tracks = PV_ARENA_NEW(m->arena, TRACKS_MAX, pv_track);
  if (c->tracks == NULL || c->track_count == TRACKS_MAX) return NULL;
  pv_track *t = &c->tracks[c->track_count];
  *t = (pv_track){.falsifier = f->id,
                  .check = f->check,
                  .bound = "",
                  .unit = "",
                  .points = PV_ARENA_NEW(m->arena, m->out.run_count + 1, pv_past_point)};
  if (t->points == NULL) return NULL;
  c->track_count++;
  return t;
}

/* Only what the run measured itself: a receipt's number is that of another run. */
static pv_code tell_point(making *m, pv_past_criterion *c, size_t run, size_t index,
                          pv_error *err) {
  const pv_evidence *e = evidence_of(m, run);
  const pv_falsifier_result *f = &e->result->falsifiers[index];
  pv_gate gate;
  if (f->source != PV_FROM_RUN || !f->has_needed_tolerance) return PV_OK;
  pv_track *t = track_of(m, c, f->falsifier);
  if (t == NULL && c->track_count == TRACKS_MAX) return PV_OK;
  if (t == NULL) return pv_error_nomem(err, "a history");
  pv_past_point *p = &t->points[run];
  *p = (pv_past_point){.measured = true, .value = f->needed_tolerance};
  if (!pv_then_gate(&m->then, e, index, &gate)) return PV_OK;
  t->bound = gate.name;
  t->unit = gate.unit;
  t->minimum = gate.minimum;
  t->nines = gate.nines;
  p->gated = true;
  p->gate = gate.value;
  p->factored = pv_gate_margin(&gate, p->value, &p->margin);
  return PV_OK;
}

static pv_code tell_criteria(making *m, size_t run, pv_error *err) {
  const pv_evidence *e = evidence_of(m, run);
  pv_code code = PV_OK;
  for (size_t i = 0; e != NULL && i < e->result->criterion_count && code == PV_OK; i++) {
    const pv_criterion_result *r = &e->result->criteria[i];
    pv_past_criterion *c = criterion_of(m, r->criterion->id);
    if (c == NULL) return pv_error_nomem(err, "a history");
    c->verdicts[run] = (pv_past_verdict){true, r->verdict};
    for (size_t k = 0; k < r->falsifier_count && code == PV_OK; k++)
      code = tell_point(m, c, run, r->falsifiers[k], err);
  }
  return code;
}

static pv_code tell(making *m, pv_error *err) {
  pv_history *h = &m->out;
  const pv_contract *c = m->ask->contract;
  const size_t past = m->kept.count, count = past + (m->ask->present != NULL);
  const pv_evidence **read = PV_ARENA_NEW(m->arena, count + 1, const pv_evidence *);
  size_t readable = 0;
  h->contract = c->name;
  h->run_count = count;
  h->runs = PV_ARENA_NEW(m->arena, count + 1, pv_past_run);
  if (read == NULL || h->runs == NULL) return pv_error_nomem(err, "a history");
  for (size_t i = 0; i < count; i++) {
    const pv_evidence *e = evidence_of(m, i);
    h->runs[i] = i < past ? m->kept.items[i].run
                          : (pv_past_run){.origin = PV_RUN_PRESENT, .place = "this run"};
    if (e != NULL) tell_run(&h->runs[i], read[readable++] = e);
  }
  pv_code code = pv_then_read(m->arena, c, m->ask->repository == NULL ? NULL : m->ask->folder, read,
                              readable, &m->then, err);
  for (size_t i = 0; i < c->criterion_count && code == PV_OK; i++)
    if (criterion_of(m, c->criteria[i].id) == NULL) code = pv_error_nomem(err, "a history");
  for (size_t i = 0; i < count && code == PV_OK; i++) code = tell_criteria(m, i, err);
  return code;
}

pv_code pv_history_read(pv_arena *arena, const pv_history_ask *ask, pv_history *out,
                        pv_error *err) {
  making m = {.arena = arena, .ask = ask, .kept.arena = arena};
  const pv_kept_where where = {ask->home, ask->repository != NULL, ask->local, ask->contract->name,
                               ask->most};
  pv_code code = pv_kept_gather(&m.kept, &where, &m.out.incomplete, &m.out.left_out, err);
  if (code == PV_OK) code = tell(&m, err);
  if (code == PV_OK) *out = m.out;
  return code;
}
