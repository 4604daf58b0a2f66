#include "reports/render/plot.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/plot_marks.h"
#include "reports/render/put.h"
#include "reports/render/scale.h"

enum { WIDTH = 640, LEFT = 66, RIGHT = 18, BODY = 236, FOOT = 46, LANE = 24, ROW = 19 };

typedef struct frame {
  const pv_plot *plot;
  pv_scale x, y;
  double left, right, top, bottom, height; /* of the axes; height: of the whole picture */
  double zero, bad;                        /* centre lines of the lanes; 0: no such lane */
  bool bars, whole_x;
  size_t negative; /* values that a logarithmic axis cannot show */
} frame;

typedef struct extent {
  double x0, x1, y0, y1;
  bool any_x, any_y, zero, bad, bars, whole_x;
  size_t negative;
} extent;

static void widen(double *low, double *high, bool *any, double value) {
  if (!*any || value < *low) *low = value;
  if (!*any || value > *high) *high = value;
  *any = true;
}

static void measure_point(extent *e, const pv_plot *plot, const pv_plot_line *line, size_t i) {
  const double x = line->x[i], y = line->y[i];
  if (line->kind != PV_PLOT_RULE) {
    if (!isfinite(x)) return;
    widen(&e->x0, &e->x1, &e->any_x, x);
    e->whole_x = e->whole_x && x == floor(x);
  }
  if (!isfinite(y)) {
    e->bad = true;
  } else if (plot->log_y && y == 0.0) {
    e->zero = true;
  } else if (plot->log_y && y < 0.0) {
    e->negative++;
  } else {
    widen(&e->y0, &e->y1, &e->any_y, y);
  }
}

static extent measure(const pv_plot *plot) {
  extent e = {.whole_x = true};
  for (size_t l = 0; l < plot->line_count; l++) {
    const pv_plot_line *line = &plot->lines[l];
    e.bars = e.bars || line->kind == PV_PLOT_BARS;
    const size_t count = line->kind == PV_PLOT_RULE && line->count > 1 ? 1 : line->count;
    for (size_t i = 0; i < count; i++) measure_point(&e, plot, line, i);
  }
  if (!e.any_x) e.x1 = 1.0;
  if (!e.any_y) {
    e.y0 = plot->log_y ? 1e-9 : 0.0;
    e.y1 = 1.0;
  }
  if (e.bars) {
    if (e.y0 > 0.0) e.y0 = 0.0;
    if (e.y1 < 0.0) e.y1 = 0.0;
    e.x0 -= 0.5;
    e.x1 += 0.5;
  }
  return e;
}

static frame make_frame(const pv_plot *plot, double top) {
  const extent e = measure(plot);
  frame f = {.plot = plot, .left = LEFT, .right = WIDTH - RIGHT, .top = top, .bars = e.bars};
  f.bottom = top + BODY;
  f.height = f.bottom + FOOT + (e.negative > 0 ? ROW : 0);
  f.negative = e.negative;
  f.whole_x = e.whole_x;
  double low = f.bottom, high = f.top;
  if (e.zero) {
    f.zero = f.bottom - LANE / 2.0;
    low -= LANE;
  }
  if (e.bad) {
    f.bad = f.top + LANE / 2.0;
    high += LANE;
  }
  const double pad = e.bars ? 0.0 : 8.0;
  f.x = pv_scale_linear(e.x0, e.x1, false, f.left + pad, f.right - pad);
  f.y = plot->log_y ? pv_scale_log(e.y0, e.y1, low, high)
                    : pv_scale_linear(e.y0, e.y1, true, low, high);
  return f;
}

/* Where a point is drawn; false when it cannot be. */
static bool place(const frame *f, double x, double y, double *px, double *py) {
  if (!isfinite(x)) return false;
  *px = pv_scale_place(&f->x, x);
  if (!isfinite(y)) {
    *py = f->bad;
  } else if (f->y.log && y == 0.0) {
    *py = f->zero;
  } else if (f->y.log && y < 0.0) {
    return false;
  } else {
    *py = pv_scale_place(&f->y, y);
  }
  return true;
}

/* Indices that are drawn: all, or the lowest, highest and not finite ones of equal stretches. */
static size_t select_points(const pv_plot_line *line, size_t out[PV_PLOT_POINTS]) {
  const size_t n = line->count, buckets = PV_PLOT_POINTS / 2;
  size_t kept = 0;
  for (size_t i = 0; i < n && n <= PV_PLOT_POINTS; i++) out[kept++] = i;
  for (size_t b = 0; b < buckets && n > PV_PLOT_POINTS; b++) {
    const size_t from = (size_t)((double)b * (double)n / buckets);
    const size_t to = b + 1 == buckets ? n : (size_t)((double)(b + 1) * (double)n / buckets);
    size_t low = from, high = from;
    for (size_t i = from; i < to; i++) {
      if (!isfinite(line->y[i])) {
        low = i;
        break;
      }
      if (line->y[i] < line->y[low]) low = i;
      if (line->y[i] > line->y[high]) high = i;
    }
    out[kept++] = low < high ? low : high;
    if (low != high) out[kept++] = low < high ? high : low;
  }
  return kept;
}

static void draw_path(pv_text *out, const frame *f, const pv_plot_line *line, size_t slot,
                      const size_t *points, size_t count) {
  bool open = false;
  pv_text_printf(out, "<path class=\"pl s%zu%s\" d=\"", slot, line->failed ? " bad" : "");
  for (size_t i = 0; i < count; i++) {
    const double y = line->y[points[i]];
    double px, py;
    /* A curve is not drawn through a lane: 0 and NaN are not neighbours of any decade. */
    if (!isfinite(y) || (f->y.log && y <= 0.0) || !place(f, line->x[points[i]], y, &px, &py)) {
      open = false;
      continue;
    }
    pv_put_xml(out, open ? "L%.1f,%.1f" : "M%.1f,%.1f", px, py);
    open = true;
  }
  pv_text_puts(out, "\"/>\n");
}

static void draw_points(pv_text *out, const frame *f, const pv_plot_line *line, size_t slot) {
  size_t points[PV_PLOT_POINTS];
  const size_t count = select_points(line, points);
  if (line->kind == PV_PLOT_LINE) draw_path(out, f, line, slot, points, count);
  const bool dense = count > 64;
  const size_t stride = line->failed && dense ? count / 32 : 1;
  for (size_t i = 0; i < count; i++) {
    const double y = line->y[points[i]];
    const bool lane = !isfinite(y) || (f->y.log && y == 0.0);
    double px, py;
    if (line->kind == PV_PLOT_LINE && dense && !lane && (!line->failed || i % stride != 0))
      continue;
    if (!place(f, line->x[points[i]], y, &px, &py)) continue;
    const pv_mark mark = !isfinite(y)    ? PV_MARK_CROSS
                         : !line->failed ? PV_MARK_PLAIN
                         : lane          ? PV_MARK_AGREES
                                         : PV_MARK_CROSS;
    pv_plot_mark(out, px, py, slot, mark, line->kind == PV_PLOT_DOTS || dense ? 2.2 : 3.4);
  }
}

static void draw_bars(pv_text *out, const frame *f, const pv_plot_line *line, size_t slot,
                      size_t nth, size_t groups) {
  const double room = (f->right - f->left) / (f->x.high - f->x.low);
  double width = room * 0.78 / (double)groups;
  if (width > 48.0) width = 48.0;
  if (width < 0.8) width = 0.8;
  const double foot = pv_scale_place(&f->y, f->y.log ? f->y.low : 0.0);
  size_t points[PV_PLOT_POINTS];
  const size_t count = select_points(line, points);
  for (size_t i = 0; i < count; i++) {
    const double x = line->x[points[i]], y = line->y[points[i]];
    double px, py;
    if (!place(f, x, y, &px, &py)) continue;
    px += ((double)nth - ((double)groups - 1.0) / 2.0) * width;
    if (!isfinite(y) || y == 0.0) {
      pv_plot_mark(out, px, y == 0.0 ? foot - 4.0 : py, slot,
                   y == 0.0 ? PV_MARK_PLAIN : PV_MARK_CROSS, 2.4);
      continue;
    }
    pv_text_printf(out, "<rect class=\"pf s%zu%s\"", slot, line->failed ? " bad" : "");
    pv_put_xml(out, " x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n", px - width / 2.0,
               py < foot ? py : foot, width, fabs(foot - py));
  }
}

static void draw_rule(pv_text *out, const frame *f, const pv_plot_line *line, size_t slot) {
  double px, py;
  if (line->count > 0 && place(f, f->x.low, line->y[0], &px, &py))
    pv_put_xml(out, "<path class=\"pl dash s%zu\" d=\"M%.1f,%.1fL%.1f,%.1f\"/>\n", slot, f->left,
               py, f->right, py);
}

static void draw_lines(pv_text *out, const frame *f) {
  const pv_plot *plot = f->plot;
  size_t groups = 0, nth = 0;
  for (size_t l = 0; l < plot->line_count; l++) groups += plot->lines[l].kind == PV_PLOT_BARS;
  for (size_t l = 0; l < plot->line_count; l++) {
    const pv_plot_line *line = &plot->lines[l];
    const size_t slot = l % PV_PLOT_LINES;
    if (line->kind == PV_PLOT_BARS) draw_bars(out, f, line, slot, nth++, groups);
    if (line->kind == PV_PLOT_RULE) draw_rule(out, f, line, slot);
    if (line->kind == PV_PLOT_LINE || line->kind == PV_PLOT_DOTS) draw_points(out, f, line, slot);
  }
}

/* A level line over the whole width. */
static void draw_level(pv_text *out, const frame *f, const char *css, double y) {
  pv_put_xml(out, "<path class=\"%s\" d=\"M%.1f,%.1fH%.1f\"/>", css, f->left, y, f->right);
}

static void draw_lane(pv_text *out, const frame *f, double at, double edge, const char *label) {
  draw_level(out, f, "pg lane", edge);
  pv_plot_label(out, "pt e", f->left - 8.0, at + 4.0, label);
}

static void draw_axes(pv_text *out, const frame *f) {
  double ticks[PV_SCALE_TICKS];
  size_t n = pv_scale_ticks(&f->y, 5, false, ticks);
  for (size_t i = 0; i < n; i++) {
    const double y = pv_scale_place(&f->y, ticks[i]);
    draw_level(out, f, "pg", y);
    pv_plot_open(out, "pt e", f->left - 8.0, y + 4.0);
    pv_scale_label(out, &f->y, ticks[i]);
    pv_text_puts(out, "</text>\n");
  }
  if (f->zero > 0.0) draw_lane(out, f, f->zero, f->zero - LANE / 2.0, "exactly 0");
  if (f->bad > 0.0) draw_lane(out, f, f->bad, f->bad + LANE / 2.0, "not finite");
  n = pv_scale_ticks(&f->x, 8, f->whole_x, ticks);
  for (size_t i = 0; i < n; i++) {
    const double x = pv_scale_place(&f->x, ticks[i]);
    pv_put_xml(out, "<path class=\"px\" d=\"M%.1f,%.1fv4\"/>", x, f->bottom);
    pv_plot_open(out, "pt m", x, f->bottom + 17.0);
    pv_scale_label(out, &f->x, ticks[i]);
    pv_text_puts(out, "</text>\n");
  }
  draw_level(out, f, "px", f->bottom);
  pv_text_puts(out, "\n");
  pv_plot_label(out, "pt m", (f->left + f->right) / 2.0, f->bottom + 36.0, f->plot->x_label);
  if (f->negative > 0) {
    pv_plot_open(out, "pt", f->left, f->bottom + FOOT + 8.0);
    pv_text_printf(out, "%zu negative value%s cannot be shown on a logarithmic axis</text>\n",
                   f->negative, f->negative == 1 ? "" : "s");
  }
}

/* Legend entries wrap; returns the height taken. Widths are estimated: no font is at hand. */
static double draw_legend(pv_text *out, const pv_plot *plot, double top) {
  double x = LEFT, y = top;
  for (size_t l = 0; l < plot->line_count; l++) {
    const pv_plot_line *line = &plot->lines[l];
    pv_text name = PV_TEXT_INIT;
    pv_esc_line(&name, line->name, 64);
    if (line->failed) pv_text_puts(&name, " — fails");
    const double width = 30.0 + 6.5 * (double)name.length;
    if (x > LEFT && x + width > WIDTH - RIGHT) {
      x = LEFT;
      y += ROW;
    }
    pv_plot_key(out, x, y, l % PV_PLOT_LINES, line);
    pv_plot_label(out, line->failed ? "pt bold" : "pt", x + 28.0, y + 4.0,
                  name.data != NULL ? name.data : "");
    x += width + 14.0;
    out->failed = out->failed || name.failed;
    pv_text_free(&name);
  }
  return y - top + ROW;
}

void pv_plot_draw(pv_text *out, const pv_plot *plot) {
  pv_text legend = PV_TEXT_INIT;
  const double legend_top = plot->embedded ? 14.0 : 52.0;
  const double taken = draw_legend(&legend, plot, legend_top);
  const frame f = make_frame(plot, legend_top + taken + 14.0);
  pv_put_xml(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %d %.0f\" "
             "role=\"img\" aria-labelledby=\"%s-t %s-d\"",
             WIDTH, f.height, plot->id, plot->id);
  if (!plot->embedded) pv_put_xml(out, " width=\"%d\" height=\"%.0f\"", WIDTH, f.height);
  pv_put_xml(out, ">\n<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n", plot->id,
             plot->title, plot->id, plot->alt);
  if (!plot->embedded) {
    pv_text_puts(out, "<style>");
    pv_plot_style(out);
    pv_put_xml(out, "</style>\n<rect class=\"pb\" width=\"%d\" height=\"%.0f\" rx=\"8\"/>\n", WIDTH,
               f.height);
    pv_plot_label(out, "pt ttl", 20.0, 26.0, plot->title);
  }
  pv_plot_label(out, "pt", 20.0, legend_top + taken + 3.0, plot->y_label);
  if (legend.data != NULL) pv_text_puts(out, legend.data);
  draw_axes(out, &f);
  draw_lines(out, &f);
  pv_text_puts(out, "</svg>\n");
  out->failed = out->failed || legend.failed;
  pv_text_free(&legend);
}
