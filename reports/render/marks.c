#include "reports/render/marks.h"

static const char *keep(pv_marks *m, pv_text *text) {
  const char *kept = text->failed ? NULL : pv_arena_strdup(&m->arena, pv_view_text(text->data));
  pv_text_free(text);
  return kept;
}

static bool needed(const pv_result *r, const pv_criterion_result *c) {
  return r->status_before != PV_STATUS_DEPRECATED && c->criterion->needed_for <= r->status_before;
}

/* False where nobody must look. A divergence that the contract declares is one to know of. */
static bool level_of(const pv_result *r, const pv_criterion_result *c, pv_mark_level *out) {
  switch (pv_view_concern(c->verdict)) {
    case PV_CONCERN_FALSE:
      *out = r->exit_code != 0 ? PV_MARK_ERROR : PV_MARK_NOTICE;
      return true;
    case PV_CONCERN_UNJUDGED:
      *out = PV_MARK_WARNING;
      return r->exit_code != 0;
    case PV_CONCERN_UNSEEN:
      *out = PV_MARK_WARNING;
      return r->exit_code != 0 && needed(r, c);
    default:
      return false;
  }
}

static bool add(pv_marks *m, pv_mark mark, pv_text *text) {
  mark.text = keep(m, text);
  m->items[m->count++] = mark;
  return mark.text != NULL;
}

static bool add_criterion(pv_marks *m, const pv_result *r, size_t i) {
  const pv_criterion_result *c = &r->criteria[i];
  pv_mark_level level = PV_MARK_NOTICE;
  pv_text text = PV_TEXT_INIT;
  if (!level_of(r, c, &level)) return true;
  pv_text_printf(&text, "%s. ", c->criterion->property);
  pv_view_criterion_reason(&text, r, i);
  return add(
      m,
      (pv_mark){level, c->criterion->id, pv_verdict_name(c->verdict), NULL, c->criterion->place, c},
      &text);
}

static bool add_falsifier(pv_marks *m, const pv_result *r, size_t i) {
  const pv_falsifier_result *f = &r->falsifiers[i];
  pv_text text = PV_TEXT_INIT;
  if (pv_view_concern(f->verdict) != PV_CONCERN_FALSE || pv_mark_named(r, i)) return true;
  pv_text_printf(&text, "%s. %s", f->falsifier->prediction, pv_view_text(f->reason));
  return add(m,
             (pv_mark){PV_MARK_ERROR, f->falsifier->id, pv_verdict_name(f->verdict), NULL,
                       f->falsifier->place, NULL},
             &text);
}

bool pv_mark_named(const pv_result *r, size_t falsifier) {
  for (size_t c = 0; c < r->criterion_count; c++)
    for (size_t k = 0; k < r->criteria[c].falsifier_count; k++)
      if (r->criteria[c].falsifiers[k] == falsifier) return true;
  return false;
}

pv_code pv_marks_make(const pv_result *r, pv_marks *out, pv_error *err) {
  *out = (pv_marks){.arena = PV_ARENA_INIT};
  pv_code code = pv_render_check(r, err);
  if (code != PV_OK) return code;
  out->items = PV_ARENA_NEW(&out->arena, r->criterion_count + r->falsifier_count + 1, pv_mark);
  bool whole = out->items != NULL;
  for (size_t i = 0; whole && i < r->criterion_count; i++) whole = add_criterion(out, r, i);
  for (size_t i = 0; whole && i < r->falsifier_count; i++) whole = add_falsifier(out, r, i);
  pv_text text = PV_TEXT_INIT;
  pv_view_sentence(&text, r);
  whole =
      whole && add(out,
                   (pv_mark){r->exit_code == 0   ? PV_MARK_NOTICE
                             : r->exit_code == 3 ? PV_MARK_WARNING
                                                 : PV_MARK_ERROR,
                             "status", pv_view_outcome(r), NULL, r->contract->status_place, NULL},
                   &text);
  pv_text_free(&text);
  return whole ? PV_OK : pv_error_nomem(err, "the report");
}

void pv_marks_free(pv_marks *marks) {
  pv_arena_free(&marks->arena);
  *marks = (pv_marks){0};
}
