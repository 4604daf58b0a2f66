/* A small plotter: lines, dots and bars over one pair of axes, as SVG. Knows nothing of contracts.
 *
 * On a logarithmic axis a value of exactly 0 has a lane of its own below the lowest decade, and
 * values that are not finite have one above the highest: neither is ever dropped in silence. */
#ifndef PV_RENDER_PLOT_H
#define PV_RENDER_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef enum pv_plot_kind {
  PV_PLOT_LINE, /* points joined in order */
  PV_PLOT_DOTS, /* points alone */
  PV_PLOT_BARS, /* from 0 up; a bar of exactly 0 leaves a ring at its foot */
  PV_PLOT_RULE  /* a dashed level: y[0] over the whole width */
} pv_plot_kind;

typedef struct pv_plot_line {
  const char *name;
  const double *x, *y;
  size_t count; /* at most PV_PLOT_POINTS are drawn: extremes of equal stretches */
  pv_plot_kind kind;
  bool failed; /* drawn with crosses and a thick line, and marked in the legend */
} pv_plot_line;

#define PV_PLOT_POINTS 600u
#define PV_PLOT_LINES  8u

typedef struct pv_plot {
  const char *id; /* unique on a page; [a-z0-9-] */
  const char *title, *alt, *x_label, *y_label;
  bool log_y;
  bool embedded; /* inside a page that brings its own style (pv_plot_style) and background */
  const pv_plot_line *lines;
  size_t line_count;
} pv_plot;

void pv_plot_draw(pv_text *out, const pv_plot *plot);

/* The CSS rules that the drawing relies on, for light and dark. */
void pv_plot_style(pv_text *out);

#endif
