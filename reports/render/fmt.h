/* Numbers as text, the same bytes whatever the locale. */
#ifndef PV_RENDER_FMT_H
#define PV_RENDER_FMT_H

#include <stdint.h>

#include "base/text.h"

/* Four significant digits, more just below 1 so that a cosine never reads "1" unless it is 1;
 * integers whole; "nan", "inf" and "-inf". */
void pv_fmt_number(pv_text *out, double value);
/* Nine significant digits: a float is told apart from its neighbours. */
void pv_fmt_float(pv_text *out, double value);
/* 1234567 as "1,234,567". */
void pv_fmt_count(pv_text *out, uint64_t value);
/* "0.4 ms", "12.3 s", "2 min 05 s". */
void pv_fmt_seconds(pv_text *out, double seconds);
/* `decimals` digits after the point; 0 for a value that is not finite. For coordinates and for
 * formats that allow nothing but a number. */
void pv_fmt_fixed(pv_text *out, double value, int decimals);

#endif
