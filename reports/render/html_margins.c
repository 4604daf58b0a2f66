/* How far each measurement is from its gate, in one picture: a row for each falsifier that has
 * both, the gate as one line through all of them. */
#include <math.h>

#include "reports/render/escape.h"
#include "reports/render/gate.h"
#include "reports/render/html_parts.h"
#include "reports/render/plot_marks.h"
#include "reports/render/scale.h"

enum { WIDTH = 640, ROW = 26, TOP = 30, FOOT = 50, LEFT = 240, RIGHT = 476, LANE = 34, ROWS = 40 };
enum { NAME = 22, VALUES = 20 };

typedef struct margin {
  size_t falsifier;
  double factor;
} margin;

/* Those of falsifiers that measured something, in the contract's order; the rest is counted. */
static size_t collect(const pv_result *r, margin out[ROWS], size_t *omitted) {
  size_t count = 0;
  *omitted = 0;
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_falsifier_result *f = &r->falsifiers[i];
    pv_gate gate;
    margin m = {.falsifier = i};
    if (f->source == PV_FROM_NOWHERE || !f->has_needed_tolerance ||
        !pv_gate_find(f->falsifier, &gate) ||
        !pv_gate_margin(&gate, f->needed_tolerance, &m.factor))
      continue;
    if (count < ROWS)
      out[count++] = m;
    else
      ++*omitted;
  }
  return count;
}

/* At least a decade on the good side; the gate itself is always there. */
static pv_scale make_scale(const margin *rows, size_t count) {
  double low = 1.0, high = 10.0;
  for (size_t i = 0; i < count; i++) {
    if (isinf(rows[i].factor)) continue;
    if (rows[i].factor < low) low = rows[i].factor;
    if (rows[i].factor > high) high = rows[i].factor;
  }
  return pv_scale_log(low, high, LEFT + 6.0, RIGHT - 6.0);
}

static void draw_axis(pv_page *p, const pv_scale *x, double bottom) {
  double ticks[PV_SCALE_TICKS];
  const size_t count = pv_scale_ticks(x, 6, false, ticks);
  for (size_t i = 0; i < count; i++) {
    const double at = pv_scale_place(x, ticks[i]);
    /* Between decades there is no room for a label. */
    double decade = ticks[i];
    while (decade > 9.5) decade /= 10.0;
    while (decade > 0.0 && decade < 0.95) decade *= 10.0;
    if (decade > 1.5) continue;
    pv_page_put(p, "<path class=\"pg\" d=\"M%.1f,%.1fV%.1f\"/>", at, (double)TOP, bottom);
    pv_plot_open(p->out, "pt m", at, bottom + 17.0);
    pv_scale_label(p->out, x, ticks[i]);
    pv_text_puts(p->out, "</text>\n");
  }
  pv_page_put(p, "<path class=\"px\" d=\"M%.1f,%.1fH%.1f\"/>\n", (double)LEFT, bottom,
              (double)RIGHT);
  pv_plot_label(p->out, "pt m", (LEFT + RIGHT) / 2.0, bottom + 38.0,
                "times better than the gate (1: just within it)");
}

static void draw_row(pv_page *p, const pv_scale *x, const margin *m, size_t slot, double y) {
  const pv_falsifier_result *f = &p->r->falsifiers[m->falsifier];
  const bool failed = m->factor < 1.0 || f->verdict == PV_FAIL;
  const double at = isinf(m->factor) ? RIGHT + LANE / 2.0 : pv_scale_place(x, m->factor);
  const double gate = pv_scale_place(x, 1.0);
  pv_gate of;
  pv_text text = PV_TEXT_INIT;
  pv_plot_open(p->out, "pt e", LEFT - 10.0, y + 4.0);
  pv_esc_xml(p->out, f->falsifier->id, NAME);
  pv_text_puts(p->out, "</text>\n");
  pv_page_put(p, "<path class=\"pl s%zu%s\" d=\"M%.1f,%.1fH%.1f\"/>", slot, failed ? " bad" : "",
              gate, y, at);
  pv_plot_mark(p->out, at, y, slot, failed ? PV_MARK_CROSS : PV_MARK_PLAIN, 4.0);
  if (pv_gate_find(f->falsifier, &of)) pv_text_printf(&text, "%s ", of.minimum ? "≥" : "≤");
  pv_text_puts(&text, of.text);
  if (of.unit[0] != '\0') pv_text_printf(&text, " %s", of.unit);
  pv_plot_open(p->out, failed ? "pt bold" : "pt", RIGHT + LANE + 4.0, y + 4.0);
  pv_esc_xml(p->out, text.data, VALUES);
  pv_text_puts(p->out, "</text>\n");
  p->out->failed |= text.failed;
  pv_text_free(&text);
}

static void put_caption(pv_page *p, const margin *rows, size_t count, size_t omitted) {
  const margin *worst = &rows[0];
  for (size_t i = 1; i < count; i++)
    if (rows[i].factor < worst->factor) worst = &rows[i];
  pv_page_put(p, "<figcaption>Nearest to its gate: ");
  pv_html_link(p, 'f', worst->falsifier, p->r->falsifiers[worst->falsifier].falsifier->id);
  pv_page_put(p, ", gate %s, measured %s, %g times.",
              pv_page_say_of(p, pv_view_gate, worst->falsifier),
              pv_page_say_of(p, pv_view_measured, worst->falsifier), worst->factor);
  if (omitted > 0) pv_page_put(p, " %zu more are not drawn.", omitted);
  pv_page_put(p, "</figcaption></figure>\n");
}

void pv_html_margins(pv_page *p) {
  margin rows[ROWS];
  size_t omitted;
  const size_t count = collect(p->r, rows, &omitted);
  const double bottom = TOP + ROW * (double)count;
  if (count == 0) return;
  const pv_scale x = make_scale(rows, count);
  const double gate = pv_scale_place(&x, 1.0);
  bool exact = false;
  pv_page_put(
      p,
      "<h2 id=\"margins\">Margins</h2>\n<figure class=\"card\" tabindex=\"0\"><h3>From what "
      "was measured to its gate</h3>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "class=\"plot\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"margins-t\">\n"
      "<title id=\"margins-t\">Margins of %zu falsifiers to their gates</title>\n",
      (int)WIDTH, bottom + FOOT, count);
  draw_axis(p, &x, bottom);
  for (size_t i = 0; i < count; i++) exact = exact || isinf(rows[i].factor);
  if (exact) pv_plot_label(p->out, "pt m", RIGHT + LANE / 2.0, TOP - 10.0, "exact");
  pv_page_put(p, "<path class=\"pl dash gate\" d=\"M%.1f,%.1fV%.1f\"/>\n", gate, TOP - 6.0, bottom);
  pv_plot_label(p->out, "pt m bold", gate, TOP - 12.0, "gate");
  for (size_t i = 0; i < count; i++) draw_row(p, &x, &rows[i], 0, TOP + ROW * ((double)i + 0.5));
  pv_page_put(p, "</svg>\n");
  put_caption(p, rows, count, omitted);
}
