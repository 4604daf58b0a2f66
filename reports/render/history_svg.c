/* A history as small multiples: one strip below the other over the same runs. */
#include <math.h>
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/history.h"
#include "reports/render/plot_marks.h"
#include "reports/render/put.h"
#include "reports/render/scale.h"
#include "reports/render/view.h"

enum {
  WIDTH = 760,
  LEFT = 330, /* of the strips; what they are about stands before that */
  RIGHT = 742,
  TOP = 72,
  STRIP = 76, /* with numbers, */
  ROW = 30,   /* without */
  FOOT = 52,
  LABEL = 42, /* characters of a text before a strip */
  TICKS = 12
};

typedef struct canvas {
  pv_text *out;
  const pv_history *h;
  double y; /* of what is drawn next */
} canvas;

static double place_of(const canvas *c, size_t run) {
  const size_t n = c->h->run_count;
  return n < 2 ? (LEFT + RIGHT) / 2.0
               : LEFT + 14.0 + (RIGHT - LEFT - 28.0) * (double)run / (double)(n - 1);
}

/* One line before a strip, cut where it would reach into it. Releases the text. */
static void label(canvas *c, const char *css, double y, pv_text *text) {
  pv_text cut = PV_TEXT_INIT;
  pv_esc_line(&cut, pv_view_text(text->data), LABEL);
  pv_plot_label(c->out, css, 20.0, y, pv_view_text(cut.data));
  c->out->failed |= text->failed || cut.failed;
  pv_text_free(&cut);
  pv_text_free(text);
}

static void level(canvas *c, const char *css, double y) {
  pv_put_xml(c->out, "<path class=\"%s\" d=\"M%d,%.1fH%d\"/>\n", css, LEFT, y, RIGHT);
}

/* What is drawn of a value: of a cosine its distance from 1, since nines are not told apart. */
static double drawn(const pv_track *t, double value) {
  return t->nines ? 1.0 - value : value;
}

typedef struct extent {
  double low, high;
  bool any, zero; /* zero: or below, which no decade holds */
} extent;

static void widen(extent *e, double value) {
  if (!isfinite(value)) return;
  if (!(value > 0.0)) e->zero = true;
  if (!e->any || value < e->low) e->low = value;
  if (!e->any || value > e->high) e->high = value;
  e->any = true;
}

/* Over decades where values are far apart, and then a 0 lies on the lowest. */
static pv_scale scale_of(const canvas *c, const pv_track *t, double top, double bottom) {
  enum { FAR = 30 };
  extent all = {0}, positive = {0};
  for (size_t i = 0; i < c->h->run_count; i++) {
    const pv_past_point *p = &t->points[i];
    const double values[] = {drawn(t, p->value), drawn(t, p->gate)};
    for (int k = 0; k < 2; k++) {
      if (!(k == 0 ? p->measured : p->gated)) continue;
      widen(&all, values[k]);
      if (values[k] > 0.0) widen(&positive, values[k]);
    }
  }
  if (!all.any) return pv_scale_linear(0.0, 1.0, true, bottom, top);
  if (positive.any && !(all.low < 0.0) &&
      (positive.high > FAR * positive.low || (t->nines && positive.low < 1e-3)))
    return pv_scale_log(positive.low, positive.high, bottom, top);
  return pv_scale_linear(all.low > 0.0 ? 0.0 : all.low, all.high, true, bottom, top);
}

static void put_axis(canvas *c, const pv_scale *s) {
  const double ends[] = {s->low, s->high}, at[] = {s->from, s->to};
  for (int i = 0; i < 2; i++) {
    level(c, "pg", at[i]);
    pv_plot_open(c->out, "pt e", LEFT - 6.0, at[i] + 4.0);
    pv_scale_label(c->out, s, ends[i]);
    pv_text_puts(c->out, "</text>\n");
  }
}

/* A value below the scale lies on its foot. */
static double height_of(const pv_scale *s, double value) {
  return s->log && !(value > s->low) ? s->from : pv_scale_place(s, value);
}

/* Level over each run that knows its gate, so that a gate that moved is seen to move. */
static void put_gate(canvas *c, const pv_track *t, const pv_scale *s) {
  const size_t n = c->h->run_count;
  const double half = n < 2 ? 40.0 : (place_of(c, 1) - place_of(c, 0)) / 2.0;
  for (size_t i = 0; i < n; i++) {
    const pv_past_point *p = &t->points[i];
    size_t last = i;
    if (!p->gated) continue;
    while (last + 1 < n && t->points[last + 1].gated && t->points[last + 1].gate == p->gate) last++;
    const double y = height_of(s, drawn(t, p->gate));
    pv_put_xml(c->out, "<path class=\"pl dash s1\" d=\"M%.1f,%.1fH%.1f\"/>\n",
               place_of(c, i) - half, y, place_of(c, last) + half);
    i = last;
  }
}

static pv_mark mark_of(const pv_past_verdict *v) {
  return v->known && pv_verdict_falsifies(v->verdict) ? PV_MARK_CROSS : PV_MARK_PLAIN;
}

static void put_values(canvas *c, const pv_past_criterion *k, const pv_track *t,
                       const pv_scale *s) {
  bool open = false;
  pv_text_puts(c->out, "<path class=\"pl s0\" d=\"");
  for (size_t i = 0; i < c->h->run_count; i++) {
    const pv_past_point *p = &t->points[i];
    const bool there = p->measured && isfinite(p->value);
    if (there)
      pv_put_xml(c->out, open ? "L%.1f,%.1f" : "M%.1f,%.1f", place_of(c, i),
                 height_of(s, drawn(t, p->value)));
    open = there;
  }
  pv_text_puts(c->out, "\"/>\n");
  for (size_t i = 0; i < c->h->run_count; i++) {
    const pv_past_point *p = &t->points[i];
    if (!p->measured) continue;
    const bool finite = isfinite(p->value); /* what is no number is a cross on the upper edge */
    pv_plot_mark(c->out, place_of(c, i), finite ? height_of(s, drawn(t, p->value)) : s->to, 0,
                 finite ? mark_of(&k->verdicts[i]) : PV_MARK_CROSS, 3.2);
  }
}

/* "gate <= 1e-6, last 1.2e-7 (8.4x)" of the last run that has each. */
static void say_last(pv_text *out, const canvas *c, const pv_track *t) {
  const pv_past_point *last = NULL, *gated = NULL;
  for (size_t i = 0; i < c->h->run_count; i++) {
    if (t->points[i].measured) last = &t->points[i];
    if (t->points[i].gated) gated = &t->points[i];
  }
  pv_text_puts(out, "gate ");
  if (gated == NULL) {
    pv_text_puts(out, "not known");
  } else {
    pv_text_puts(out, t->minimum && !t->nines ? "≥ " : "≤ ");
    pv_fmt_number(out, drawn(t, gated->gate));
  }
  if (last == NULL || !last->factored) return;
  pv_text_puts(out, ", margin now ");
  if (isinf(last->margin))
    pv_text_puts(out, "∞");
  else
    pv_fmt_number(out, last->margin);
  pv_text_puts(out, "×");
}

static void put_track(canvas *c, const pv_past_criterion *k, const pv_track *t) {
  pv_text name = PV_TEXT_INIT, unit = PV_TEXT_INIT, last = PV_TEXT_INIT, id = PV_TEXT_INIT;
  const pv_scale s = scale_of(c, t, c->y + 10.0, c->y + STRIP - 14.0);
  pv_text_puts(&id, k->id);
  pv_text_puts(&name, t->falsifier);
  pv_text_printf(&unit, "%s%s%s",
                 t->nines      ? "1 − cosine"
                 : t->bound[0] ? t->bound
                               : t->check,
                 t->unit[0] != '\0' ? ", " : "", t->unit);
  say_last(&last, c, t);
  label(c, "pt bold", c->y + 15.0, &id);
  label(c, "pt", c->y + 30.0, &name);
  label(c, "pt", c->y + 45.0, &unit);
  label(c, "pt", c->y + 60.0, &last);
  put_axis(c, &s);
  put_gate(c, t, &s);
  put_values(c, k, t, &s);
  c->y += STRIP;
}

/* A criterion that is judged without a bound: its verdicts alone. */
static void put_verdicts(canvas *c, const pv_past_criterion *k) {
  pv_text id = PV_TEXT_INIT;
  const double y = c->y + ROW / 2.0;
  pv_text_puts(&id, k->id);
  label(c, "pt bold", y + 4.0, &id);
  level(c, "pg", y);
  for (size_t i = 0; i < c->h->run_count; i++) {
    const pv_past_verdict *v = &k->verdicts[i];
    if (!v->known) continue;
    if (v->verdict == PV_PASS || pv_verdict_falsifies(v->verdict))
      pv_plot_mark(c->out, place_of(c, i), y, 0, mark_of(v), 3.2);
    else
      pv_plot_label(c->out, "pt m", place_of(c, i), y - 3.0, pv_view_look(v->verdict)->ascii);
  }
  c->y += ROW;
}

/* Numbers of the runs, with the days of the first and the last; one that can not be read is '?'. */
static void put_foot(canvas *c) {
  const size_t n = c->h->run_count, stride = n / TICKS + 1;
  level(c, "px", c->y + 4.0);
  for (size_t i = 0; i < n; i++) {
    pv_text number = PV_TEXT_INIT, date = PV_TEXT_INIT;
    const bool unreadable = c->h->runs[i].unreadable != NULL, end = i == 0 || i + 1 == n;
    pv_text_printf(&number, unreadable ? "?" : "%zu", i + 1);
    pv_history_date(&date, &c->h->runs[i]);
    if (date.length > 10) date.data[10] = '\0';
    if (unreadable || i % stride == 0 || end)
      pv_plot_label(c->out, "pt m", place_of(c, i), c->y + 20.0, number.data);
    if (end)
      pv_plot_label(c->out, i == 0 ? "pt" : "pt e", i == 0 ? LEFT : RIGHT, c->y + 36.0, date.data);
    c->out->failed |= number.failed || date.failed;
    pv_text_free(&number);
    pv_text_free(&date);
  }
  c->y += FOOT;
}

static double height(const pv_history *h) {
  size_t strips = 0, rows = 0;
  for (size_t i = 0; i < h->criterion_count; i++) {
    strips += h->criteria[i].track_count;
    rows += h->criteria[i].track_count == 0;
  }
  return TOP + FOOT + (double)(strips * STRIP + rows * ROW);
}

static void put_head(canvas *c) {
  const pv_history *h = c->h;
  size_t unreadable = 0;
  pv_text about = PV_TEXT_INIT;
  for (size_t i = 0; i < h->run_count; i++) unreadable += h->runs[i].unreadable != NULL;
  pv_text_printf(&about, "%zu run%s; the dashed line is the gate, a cross is false", h->run_count,
                 h->run_count == 1 ? "" : "s");
  if (unreadable > 0) pv_text_printf(&about, "; %zu can not be read (?)", unreadable);
  if (h->incomplete != NULL) pv_text_puts(&about, "; older ones may be missing");
  const double high = height(h);
  pv_put_xml(c->out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %d %.0f\" "
             "width=\"%d\" height=\"%.0f\" role=\"img\" aria-labelledby=\"history-t history-d\">\n"
             "<title id=\"history-t\">History of %s</title>\n<desc id=\"history-d\">%s</desc>\n"
             "<style>",
             WIDTH, high, WIDTH, high, h->contract, pv_view_text(about.data));
  pv_plot_style(c->out);
  pv_put_xml(c->out, "</style>\n<rect class=\"pb\" width=\"%d\" height=\"%.0f\" rx=\"8\"/>\n",
             WIDTH, high);
  pv_plot_label(c->out, "pt ttl", 20.0, 26.0, h->contract);
  pv_plot_label(c->out, "pt", 20.0, 46.0, pv_view_text(about.data));
  c->out->failed |= about.failed;
  pv_text_free(&about);
}

pv_code pv_render_history_svg(const pv_history *h, pv_text *out, pv_error *err) {
  canvas c = {out, h, TOP};
  const size_t begun = out->length;
  put_head(&c);
  for (size_t i = 0; i < h->criterion_count; i++) {
    const pv_past_criterion *k = &h->criteria[i];
    for (size_t t = 0; t < k->track_count; t++) put_track(&c, k, &k->tracks[t]);
    if (k->track_count == 0) put_verdicts(&c, k);
  }
  put_foot(&c);
  pv_text_puts(out, "</svg>\n");
  return pv_view_end(out, begun, PV_OK, err);
}
