/* The shapes of a plot. A slot has its own colour and its own shape, so that neither is needed. */
#ifndef PV_RENDER_PLOT_MARKS_H
#define PV_RENDER_PLOT_MARKS_H

#include "reports/render/plot.h"

void pv_plot_open(pv_text *out, const char *css, double x, double y);
void pv_plot_label(pv_text *out, const char *css, double x, double y, const char *text);
/* How a point stands: plain; agreeing on a line that fails elsewhere; failing or not a number. */
typedef enum pv_mark { PV_MARK_PLAIN = 0, PV_MARK_AGREES, PV_MARK_CROSS } pv_mark;
/* One marker of about `size` around (x, y). */
void pv_plot_mark(pv_text *out, double x, double y, size_t slot, pv_mark mark, double size);
/* The sample in a legend: 22 wide, centred on y. */
void pv_plot_key(pv_text *out, double x, double y, size_t slot, const pv_plot_line *line);

#endif
