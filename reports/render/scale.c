#include "reports/render/scale.h"

#include <math.h>

#include "reports/render/fmt.h"

/* Decades by multiplication and comparison, so that no libm decides where a tick lies. */
static double power_of_ten(int exponent) {
  double p = 1.0;
  for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++) p *= 10.0;
  return exponent < 0 ? 1.0 / p : p;
}

/* The largest e with 10^e <= value; between -300 and 306. */
static int decade(double value) {
  if (!(value >= 1e-300)) return -300;
  if (value > 1e306) return 306;
  int e = (int)floor(log10(value));
  while (e > -307 && power_of_ten(e) > value) e--;
  while (e < 307 && power_of_ten(e + 1) <= value * (1.0 + 1e-12)) e++;
  return e;
}

/* 1, 2 or 5 times a power of ten, so that about `wanted` steps cover `span`. */
static double nice_step(double span, size_t wanted, bool whole) {
  const double raw = span / (double)wanted, base = power_of_ten(decade(raw));
  const double ratio = raw / base;
  const double step = (ratio < 1.5 ? 1.0 : ratio < 3.5 ? 2.0 : ratio < 7.5 ? 5.0 : 10.0) * base;
  return whole && step < 1.0 ? 1.0 : step;
}

/* Far enough from the ends of double that spans and steps stay finite. */
static double clamp(double value) {
  return value > 1e300 ? 1e300 : value < -1e300 ? -1e300 : value;
}

pv_scale pv_scale_linear(double low, double high, bool round, double from, double to) {
  low = clamp(low);
  high = clamp(high);
  const double size = fabs(low) > fabs(high) ? fabs(low) : fabs(high);
  if (!(high - low > size * 1e-12) || high - low < 1e-290) { /* one value: put it in the middle */
    const double pad = size < 1e-290 ? 1.0 : size * 0.5;
    high = low + pad;
    if (size >= 1e-290) low -= pad;
  }
  if (round) {
    const double step = nice_step(high - low, 5, false);
    low = floor(low / step + 1e-9) * step;
    high = ceil(high / step - 1e-9) * step;
  }
  return (pv_scale){false, low, high, from, to};
}

pv_scale pv_scale_log(double low, double high, double from, double to) {
  if (low < 1e-300) low = 1e-300;
  if (high < low) high = low;
  if (high > 1e300) high = 1e300;
  const int a = decade(low);
  int b = decade(high);
  if (power_of_ten(b) < high * (1.0 - 1e-12) || b == a) b++;
  return (pv_scale){true, power_of_ten(a), power_of_ten(b), from, to};
}

double pv_scale_place(const pv_scale *s, double value) {
  double t;
  if (value < s->low) value = s->low;
  if (value > s->high) value = s->high;
  if (s->log) {
    t = (log10(value) - log10(s->low)) / (log10(s->high) - log10(s->low));
  } else {
    t = (value - s->low) / (s->high - s->low);
  }
  return s->from + t * (s->to - s->from);
}

static size_t log_ticks(const pv_scale *s, double out[PV_SCALE_TICKS]) {
  const int a = decade(s->low), b = decade(s->high);
  const int stride = (b - a) / 8 + 1; /* at most nine labels */
  size_t n = 0;
  for (int e = a; e <= b; e++) {
    if ((b - e) % stride != 0) continue;
    out[n++] = power_of_ten(e);
    if (b - a > 2 || e == b) continue;
    out[n++] = 2.0 * power_of_ten(e);
    out[n++] = 5.0 * power_of_ten(e);
  }
  return n;
}

size_t pv_scale_ticks(const pv_scale *s, size_t wanted, bool whole, double out[PV_SCALE_TICKS]) {
  if (s->log) return log_ticks(s, out);
  const double step = nice_step(s->high - s->low, wanted, whole);
  double first = ceil(s->low / step - 1e-9);
  size_t n = 0;
  for (; n < PV_SCALE_TICKS && first * step <= s->high + step * 1e-6; first += 1.0)
    out[n++] = first * step;
  return n;
}

void pv_scale_label(pv_text *out, const pv_scale *s, double tick) {
  if (!s->log) {
    /* 0.30000000000000004 is 0.3 on an axis */
    const double span = s->high - s->low;
    pv_fmt_number(out, fabs(tick) < span * 1e-9 ? 0.0 : tick);
    return;
  }
  const int e = decade(tick);
  const double lead = tick / power_of_ten(e);
  const bool plain = s->low > 0.0009 && s->high < 99999.0; /* one way of writing for all ticks */
  if (plain || ((e == 0 || e == 1) && lead < 1.5)) {
    pv_fmt_number(out, tick);
    return;
  }
  if (lead > 1.5) pv_text_puts(out, lead > 3.0 ? "5·" : "2·");
  pv_text_printf(out, "10<tspan class=\"pw\" dy=\"-5\">%s%d</tspan>", e < 0 ? "−" : "",
                 e < 0 ? -e : e);
}
