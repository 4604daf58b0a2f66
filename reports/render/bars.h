/* Bars that lie one below the other, each with its name at its left and a word at its right, in the
 * style of plot.h. Part of a bar may be marked, from 0 on: what it is measured against. */
#ifndef PV_RENDER_BARS_H
#define PV_RENDER_BARS_H

#include "base/text.h"

typedef struct pv_bar {
  const char *name, *detail; /* detail: below the name, smaller; "" for none */
  const char *word;          /* behind the bar */
  double value;              /* 0 and up; else it has no bar, and its word alone says why */
  double mark;               /* 0 and up; one that is longer than the bar is drawn whole; 0: none */
} pv_bar;

typedef struct pv_bars {
  const char *id; /* unique on a page; [a-z0-9-] */
  const char *title, *alt;
  const char *value_name, *mark_name; /* in the legend, and below the axis */
  const pv_bar *bars;
  size_t count;
} pv_bars;

/* A whole picture, with its style and its background. */
void pv_bars_draw(pv_text *out, const pv_bars *bars);

#endif
