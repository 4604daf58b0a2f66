/* `pv history --json`: docs/schema/history.json. */
#include "reports/render/history.h"
#include "reports/render/json_parts.h"
#include "validator/model/told.h"

/* Runs are counted from 1. */
static json_int_t number_of(size_t run) {
  return (json_int_t)run + 1;
}

static json_t *run_object(const pv_past_run *r, size_t run) {
  const bool read = r->unreadable == NULL;
  json_t *out = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "number", number_of(run), "origin",
                          pv_run_origin_name(r->origin), "place", pv_json_text(r->place),
                          "published_in", pv_json_exact(r->commit), "unreadable",
                          r->unreadable == NULL ? json_null() : pv_json_text(r->unreadable), "id",
                          r->id == NULL ? json_null() : pv_json_text(r->id));
  if (!read) return out;
  pv_json_set(&out, "started", pv_json_text(r->started));
  pv_json_set(&out, "version", pv_json_text(r->version));
  pv_json_set(&out, "commit", pv_json_text(r->source));
  pv_json_set(&out, "device", pv_json_text(r->device));
  pv_json_set(&out, "model_sha256", r->model == NULL ? json_null() : pv_json_text(r->model));
  pv_json_set(&out, "summary", pv_told_summary(&r->summary));
  pv_json_set(&out, "exit_code", json_integer(r->exit_code));
  return out;
}

/* Only where something was measured: one of `points` for a run. */
static json_t *points(const pv_track *t, size_t runs) {
  json_t *out = json_array();
  for (size_t i = 0; i < runs; i++) {
    const pv_past_point *p = &t->points[i];
    if (!p->measured) continue;
    pv_json_append(&out, json_pack("{s:I, s:o, s:o, s:o}", "run", number_of(i), "measured",
                                   pv_json_number(p->value), "gate",
                                   p->gated ? pv_json_number(p->gate) : json_null(), "margin",
                                   p->factored ? pv_json_number(p->margin) : json_null()));
  }
  return out;
}

static json_t *criterion_object(const pv_past_criterion *c, size_t runs) {
  json_t *verdicts = json_array(), *tracks = json_array();
  for (size_t i = 0; i < runs; i++)
    if (c->verdicts[i].known)
      pv_json_append(&verdicts, json_pack("{s:I, s:s}", "run", number_of(i), "verdict",
                                          pv_verdict_name(c->verdicts[i].verdict)));
  for (size_t i = 0; i < c->track_count; i++) {
    const pv_track *t = &c->tracks[i];
    pv_json_append(
        &tracks,
        json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "falsifier", pv_json_text(t->falsifier),
                  "check", pv_json_text(t->check), "bound",
                  t->bound[0] == '\0' ? json_null() : pv_json_text(t->bound), "unit",
                  pv_json_text(t->unit), "minimum", t->minimum ? 1 : 0, "points", points(t, runs)));
  }
  return json_pack("{s:o, s:o, s:o}", "id", pv_json_text(c->id), "verdicts", verdicts, "tracks",
                   tracks);
}

static json_t *speeds(const pv_history *h) {
  json_t *out = json_array();
  for (size_t c = 0; c < h->criterion_count; c++)
    for (size_t k = 0; k < h->criteria[c].track_count; k++) {
      const pv_track *t = &h->criteria[c].tracks[k];
      json_t *values = json_array();
      if (!pv_history_is_speed(t)) {
        json_decref(values);
        continue;
      }
      for (size_t i = 0; i < h->run_count; i++)
        if (t->points[i].measured)
          pv_json_append(&values, json_pack("{s:I, s:o}", "run", number_of(i), "value",
                                            pv_json_number(t->points[i].value)));
      pv_json_append(&out, json_pack("{s:o, s:o, s:o}", "falsifier", pv_json_text(t->falsifier),
                                     "unit", pv_json_text(t->unit), "points", values));
    }
  return out;
}

pv_code pv_render_history_json(const pv_history *h, pv_text *out, pv_error *err) {
  json_t *runs = json_array(), *criteria = json_array();
  for (size_t i = 0; i < h->run_count; i++) pv_json_append(&runs, run_object(&h->runs[i], i));
  for (size_t i = 0; i < h->criterion_count; i++)
    pv_json_append(&criteria, criterion_object(&h->criteria[i], h->run_count));
  return pv_json_put(out,
                     json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "schema", PV_HISTORY_SCHEMA,
                               "contract", pv_json_text(h->contract), "incomplete",
                               h->incomplete == NULL ? json_null() : pv_json_text(h->incomplete),
                               "left_out", (json_int_t)h->left_out, "runs", runs, "criteria",
                               criteria, "throughput", speeds(h)),
                     err);
}
