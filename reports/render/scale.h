/* One axis: from values to places between two ends, with round ticks. */
#ifndef PV_RENDER_SCALE_H
#define PV_RENDER_SCALE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef struct pv_scale {
  bool log;
  double low, high; /* values; powers of ten on a logarithmic axis */
  double from, to;  /* places of low and high */
} pv_scale;

enum { PV_SCALE_TICKS = 16 };

/* A linear scale that holds [low, high]; widened to round numbers when `round`. */
pv_scale pv_scale_linear(double low, double high, bool round, double from, double to);
/* A logarithmic scale of whole decades that holds [low, high], both above 0. */
pv_scale pv_scale_log(double low, double high, double from, double to);
double pv_scale_place(const pv_scale *scale, double value);
/* Places for ticks, at most PV_SCALE_TICKS; returns their number. */
size_t pv_scale_ticks(const pv_scale *scale, size_t wanted, bool whole, double out[PV_SCALE_TICKS]);
/* A tick's label in SVG: powers of ten with a raised exponent. */
void pv_scale_label(pv_text *out, const pv_scale *scale, double tick);

#endif
