#include "reports/render/fmt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whatever the locale puts between the digits becomes one point; "e-07" becomes "e-7". */
static void put_plain(pv_text *out, const char *number) {
  bool separator = false;
  for (const char *s = number; *s != '\0'; s++) {
    const bool digit = *s >= '0' && *s <= '9';
    if (digit || *s == '-' || *s == '+') {
      pv_text_add(out, s, 1);
      separator = false;
    } else if (*s == 'e') {
      pv_text_puts(out, s[1] == '-' ? "e-" : "e");
      s += 2;
      while (*s == '0' && s[1] != '\0') s++;
      pv_text_puts(out, s);
      return;
    } else if (!separator) {
      pv_text_puts(out, ".");
      separator = true;
    }
  }
}

static bool put_words(pv_text *out, double value) {
  const char *word = pv_real_word(value);
  if (word != NULL) pv_text_puts(out, word);
  return word != NULL;
}

/* Just below 1 the distance to 1 is what matters: two digits of it are shown. */
static int digits_of(double value) {
  int digits = 4;
  if (value <= 0.9 || value >= 1.0) return digits;
  for (double gap = 1.0 - value; gap < 0.001 && digits < 17; gap *= 10.0) digits++;
  return digits;
}

static void put_number(pv_text *out, double value, int digits) {
  char buffer[64];
  if (put_words(out, value)) return;
  if (value == 0.0) {
    pv_text_puts(out, "0");
    return;
  }
  if (value == floor(value) && fabs(value) < 1e15) {
    if (value < 0) pv_text_puts(out, "-");
    pv_fmt_count(out, (uint64_t)fabs(value));
    return;
  }
  snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  put_plain(out, buffer);
}

void pv_fmt_number(pv_text *out, double value) {
  put_number(out, value, digits_of(value));
}

void pv_fmt_float(pv_text *out, double value) {
  put_number(out, value, 9);
}

void pv_fmt_count(pv_text *out, uint64_t value) {
  char digits[24];
  const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
  for (int i = 0; i < length; i++) {
    if (i > 0 && length > 4 && (length - i) % 3 == 0) pv_text_puts(out, ",");
    pv_text_add(out, digits + i, 1);
  }
}

void pv_fmt_fixed(pv_text *out, double value, int decimals) {
  char buffer[400]; /* DBL_MAX has 309 digits before the point */
  if (!isfinite(value)) value = 0.0;
  snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  const char *s = buffer;
  if (*s == '-' && strspn(s + 1, "0.,") == strlen(s + 1)) s++; /* no "-0.0" */
  put_plain(out, s);
}

void pv_fmt_seconds(pv_text *out, double seconds) {
  if (put_words(out, seconds)) return;
  if (seconds < 0.0) seconds = 0.0;
  if (seconds < 0.9995) {
    pv_fmt_fixed(out, seconds * 1e3, seconds < 0.00995 ? 1 : 0);
    pv_text_puts(out, " ms");
  } else if (seconds < 99.95) {
    pv_fmt_fixed(out, seconds, seconds < 9.995 ? 2 : 1);
    pv_text_puts(out, " s");
  } else {
    const double minutes = floor(seconds / 60.0);
    pv_fmt_fixed(out, minutes, 0);
    pv_text_puts(out, " min ");
    const double rest = floor(seconds - minutes * 60.0);
    if (rest < 10.0) pv_text_puts(out, "0");
    pv_fmt_fixed(out, rest, 0);
    pv_text_puts(out, " s");
  }
}
