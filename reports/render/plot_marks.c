#include "reports/render/plot_marks.h"

#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/put.h"

/* Bytes of one label, and what it may take of the picture's width. */
enum { LABEL = 72, ROOM = 520 };

/* A reader's font is not known: as wide as a wide one makes it. */
static double guess_width(const char *text, size_t limit) {
  double width = 0.0;
  for (size_t i = 0; text[i] != '\0' && i < limit; i++)
    if (((unsigned char)text[i] & 0xc0) != 0x80) width += strchr("MWmw@%", text[i]) ? 11.8 : 7.2;
  return width;
}

void pv_plot_open(pv_text *out, const char *css, double x, double y) {
  pv_put_xml(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", css, x, y);
}

void pv_plot_label(pv_text *out, const char *css, double x, double y, const char *text) {
  if (text == NULL || text[0] == '\0') return;
  if (guess_width(text, LABEL) > ROOM)
    pv_put_xml(out,
               "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" textLength=\"%d\" "
               "lengthAdjust=\"spacingAndGlyphs\">",
               css, x, y, (int)ROOM);
  else
    pv_plot_open(out, css, x, y);
  pv_esc_xml(out, text, LABEL);
  pv_text_puts(out, "</text>\n");
}

/* Corners in units of the marker's size, as path data around (0, 0). */
typedef struct corners {
  int count;
  double at[4][2];
} corners;
static const corners shapes[] = {
    {0, {{0, 0}}},                                             /* circle */
    {4, {{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}}}, /* square */
    {3, {{0, -1.2}, {1.1, 0.9}, {-1.1, 0.9}}},                 /* triangle */
    {4, {{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}}},           /* diamond */
    {3, {{0, 1.2}, {1.1, -0.9}, {-1.1, -0.9}}},                /* triangle, point down */
    {4, {{-1.4, -0.5}, {1.4, -0.5}, {1.4, 0.5}, {-1.4, 0.5}}}, /* lying bar */
    {4, {{-0.5, -1.4}, {0.5, -1.4}, {0.5, 1.4}, {-0.5, 1.4}}}, /* standing bar */
    {4, {{-1.2, -1.2}, {1.2, 1.2}, {-1.2, 1.2}, {1.2, -1.2}}}, /* hourglass */
};

static void put_cross(pv_text *out, double x, double y, size_t slot, double size) {
  const double r = size * 1.25;
  pv_put_xml(out, "<path class=\"pc bad s%zu\" d=\"M%.1f,%.1fL%.1f,%.1fM%.1f,%.1fL%.1f,%.1f\"/>\n",
             slot, x - r, y - r, x + r, y + r, x - r, y + r, x + r, y - r);
}

void pv_plot_mark(pv_text *out, double x, double y, size_t slot, pv_mark mark, double size) {
  const corners *shape = &shapes[slot % (sizeof shapes / sizeof shapes[0])];
  const char *bad = mark == PV_MARK_AGREES ? " bad" : "";
  if (mark == PV_MARK_CROSS) {
    put_cross(out, x, y, slot, size);
    return;
  }
  if (shape->count == 0) {
    pv_text_printf(out, "<circle class=\"pm s%zu%s\"", slot, bad);
    pv_put_xml(out, " cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", x, y, size);
    return;
  }
  pv_text_printf(out, "<path class=\"pm s%zu%s\" d=\"", slot, bad);
  for (int i = 0; i < shape->count; i++)
    pv_put_xml(out, i == 0 ? "M%.1f,%.1f" : "L%.1f,%.1f", x + shape->at[i][0] * size,
               y + shape->at[i][1] * size);
  pv_text_puts(out, "Z\"/>\n");
}

void pv_plot_key(pv_text *out, double x, double y, size_t slot, const pv_plot_line *line) {
  const bool stroke = line->kind == PV_PLOT_LINE || line->kind == PV_PLOT_RULE;
  const char *bad = line->failed ? " bad" : "";
  if (line->kind == PV_PLOT_BARS) {
    pv_text_printf(out, "<rect class=\"pf s%zu%s\" width=\"12\" height=\"12\"", slot, bad);
    pv_put_xml(out, " x=\"%.1f\" y=\"%.1f\"/>\n", x + 6.0, y - 6.0);
    return;
  }
  if (stroke) {
    pv_text_printf(out, "<path class=\"pl s%zu%s%s\"", slot, bad,
                   line->kind == PV_PLOT_RULE ? " dash" : "");
    pv_put_xml(out, " d=\"M%.1f,%.1fh22\"/>\n", x, y);
  }
  if (line->kind != PV_PLOT_RULE)
    pv_plot_mark(out, x + 11.0, y, slot, line->failed ? PV_MARK_CROSS : PV_MARK_PLAIN, 3.4);
}

/* Okabe and Ito's colours, which stay apart for the common kinds of colour blindness; lighter
 * ones on a dark screen, never on paper. Vermilion is kept for what fails. Plain rules, no CSS
 * variables: small SVG readers know none. */
typedef struct palette {
  const char *page, *text, *grid, *axis, *bad, *slots[PV_PLOT_LINES];
} palette;
static const palette light = {
    "#ffffff",
    "#3d4652",
    "#e3e7ec",
    "#8a94a1",
    "#c4400a",
    {"#0072b2", "#b97a00", "#008f68", "#b0578c", "#3f8fc4", "#6b5fb5", "#7a6a00", "#5a6470"}};
static const palette dark = {
    "#14181d",
    "#c3ccd6",
    "#2a313a",
    "#6c7784",
    "#ff8352",
    {"#5ab4f0", "#f0b03c", "#35c79b", "#e693c0", "#9ad2f7", "#b3a8f5", "#d6c64a", "#a9b4c0"}};

static void put_palette(pv_text *out, const palette *p) {
  for (size_t i = 0; i < PV_PLOT_LINES; i++)
    pv_text_printf(out, ".pl.s%zu{stroke:%s}.pm.s%zu,.pf.s%zu{fill:%s}", i, p->slots[i], i, i,
                   p->slots[i]);
  pv_text_printf(out,
                 ".pb{fill:%s}.pt{fill:%s}.pg{stroke:%s}.px,.pg.lane{stroke:%s}"
                 ".pl.bad,.pc.bad,.pf.bad{stroke:%s}.pf.bad{fill:none}.pm.bad{fill:%s}",
                 p->page, p->text, p->grid, p->axis, p->bad, p->bad);
}

void pv_plot_style(pv_text *out) {
  pv_text_puts(
      out,
      ".plot{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
      "sans-serif}.pt{font-size:12px}.pt.e{text-anchor:end}.pt.m{text-anchor:middle}"
      ".pt.ttl{font-size:15px;font-weight:600}.pt.bold{font-weight:700}.pw{font-size:9px}"
      ".pl,.pg,.px,.pc{fill:none}.pg.lane{stroke-dasharray:2 4}"
      ".pl{stroke-width:1.8;stroke-linejoin:round}.pl.dash{stroke-dasharray:7 4;stroke-width:1.5}"
      ".pl.bad{stroke-width:2.6}.pf.bad{stroke-width:1.5}"
      ".pc{stroke-width:2.2;stroke-linecap:round}\n");
  put_palette(out, &light);
  pv_text_puts(out, "\n@media screen and (prefers-color-scheme:dark){");
  put_palette(out, &dark);
  pv_text_puts(out, "}\n");
}
