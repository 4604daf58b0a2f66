#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"

static bool reserve(pv_text *text, size_t more) {
  uint64_t need = 0;
  if (text->failed) return false;
  if (!pv_ck_add(text->length, more, &need) || !pv_ck_add(need, 1, &need)) {
    text->failed = true;
    return false;
  }
  if (need <= text->capacity) return true;
  uint64_t capacity = text->capacity < 128 ? 128 : text->capacity;
  while (capacity < need)
    if (!pv_ck_mul(capacity, 2, &capacity)) capacity = need;
  char *grown = realloc(text->data, capacity);
  if (grown == NULL) {
    text->failed = true;
    return false;
  }
  text->data = grown;
  text->capacity = capacity;
  return true;
}

void pv_text_add(pv_text *text, const char *bytes, size_t length) {
  if (!reserve(text, length)) return;
  if (length > 0) memcpy(text->data + text->length, bytes, length);
  text->length += length;
  text->data[text->length] = '\0';
}

void pv_text_puts(pv_text *text, const char *string) {
  pv_text_add(text, string, strlen(string));
}

void pv_text_printf(pv_text *text, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  if (length < 0) {
    text->failed = true;
  } else if (reserve(text, (size_t)length)) {
    vsnprintf(text->data + text->length, (size_t)length + 1, fmt, again);
    text->length += (size_t)length;
  }
  va_end(again);
}

void pv_text_little(pv_text *text, uint64_t value, unsigned bytes) {
  char buffer[8];
  for (unsigned i = 0; i < bytes; i++) buffer[i] = (char)(unsigned char)(value >> (8 * i));
  pv_text_add(text, buffer, bytes);
}

void pv_text_free(pv_text *text) {
  free(text->data);
  *text = PV_TEXT_INIT;
}

bool pv_parse_u64(const char *text, size_t length, uint64_t *out) {
  uint64_t value = 0;
  if (length == 0 || (length > 1 && text[0] == '0')) return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    if (!pv_ck_mul(value, 10, &value) || !pv_ck_add(value, (uint64_t)(text[i] - '0'), &value))
      return false;
  }
  *out = value;
  return true;
}

bool pv_parse_i64(const char *text, size_t length, int64_t *out) {
  const bool negative = length > 0 && text[0] == '-';
  uint64_t magnitude = 0;
  if (!pv_parse_u64(text + negative, length - negative, &magnitude)) return false;
  if (magnitude > (uint64_t)INT64_MAX + negative) return false;
  *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
  return true;
}

/* digits [. digits] [e [+-] digits], with an optional leading '-' and no superfluous zeros. */
static bool real_grammar(const char *text, size_t length) {
  size_t i = 0, start;
#define DIGITS()                                                        \
  for (start = i; i < length && text[i] >= '0' && text[i] <= '9';) i++; \
  if (i == start) return false
  if (i < length && text[i] == '-') i++;
  DIGITS();
  if (text[start] == '0' && i - start > 1) return false;
  if (i < length && text[i] == '.') {
    i++;
    DIGITS();
  }
  if (i < length && (text[i] == 'e' || text[i] == 'E')) {
    i++;
    if (i < length && (text[i] == '-' || text[i] == '+')) i++;
    DIGITS();
  }
#undef DIGITS
  return i == length;
}

bool pv_parse_f64(const char *text, size_t length, double *out) {
  char copy[64];
  if (length == 0 || length >= sizeof copy || !real_grammar(text, length)) return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  /* The decimal point of this number is '.', whatever the caller's locale says. */
  const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (plain == (locale_t)0) return false;
  char *end = NULL;
  const double value = strtod_l(copy, &end, plain);
  freelocale(plain);
  if (end != copy + length || !isfinite(value)) return false;
  if (value == 0 && strcspn(copy, "123456789") < strcspn(copy, "eE")) return false; /* underflow */
  *out = value;
  return true;
}

/* Bytes of the well-formed character at `s` (no overlong form, no surrogate), or 0. */
static size_t character(const unsigned char *s, size_t n, uint32_t *out) {
  if (n == 0) return 0;
  const unsigned char a = s[0];
  const size_t length = a < 0x80   ? 1
                        : a < 0xc2 ? 0
                        : a < 0xe0 ? 2
                        : a < 0xf0 ? 3
                        : a < 0xf5 ? 4
                                   : 0;
  if (length == 0 || length > n) return 0;
  uint32_t c = length == 1 ? a : a & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (s[i] & 0x3fu);
  }
  if (length == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) return 0;
  if (length == 4 && (c < 0x10000 || c > 0x10ffff)) return 0;
  *out = c;
  return length;
}

bool pv_utf8_valid(const char *bytes, size_t length) {
  for (size_t i = 0; i < length;) {
    uint32_t c;
    const size_t n = character((const unsigned char *)bytes + i, length - i, &c);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

static bool harmful(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void pv_text_escape(pv_text *text, const char *bytes, size_t length) {
  const unsigned char *s = (const unsigned char *)bytes;
  for (size_t i = 0; i < length;) {
    uint32_t c = 0;
    size_t n = character(s + i, length - i, &c);
    if (n > 0 && !harmful(c)) {
      pv_text_add(text, bytes + i, n);
    } else {
      if (n == 0) n = 1;
      for (size_t k = 0; k < n; k++) pv_text_printf(text, "\\x%02x", s[i + k]);
    }
    i += n;
  }
}

void pv_text_shell(pv_text *text, const char *word) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
    pv_text_puts(text, word);
    return;
  }
  pv_text_puts(text, "'");
  for (const char *c = word; *c != '\0'; c++)
    pv_text_add(text, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
  pv_text_puts(text, "'");
}

void pv_text_command(pv_text *text, const char *program, int argc, char *const *argv) {
  pv_text_puts(text, program);
  for (int i = 0; i < argc; i++) {
    pv_text_puts(text, " ");
    pv_text_shell(text, argv[i]);
  }
}

const char *pv_real_word(double value) {
  return isfinite(value) ? NULL : isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

bool pv_real_from_word(const char *word, double *out) {
  static const double values[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    if (strcmp(word, pv_real_word(values[i])) == 0) {
      *out = values[i];
      return true;
    }
  return false;
}

const char *pv_real_text(char out[PV_REAL_ROOM], char style, int digits, double value) {
  const char *word = pv_real_word(value);
  if (word != NULL)
    snprintf(out, PV_REAL_ROOM, "%s", word);
  else if (style == 'e')
    snprintf(out, PV_REAL_ROOM, "%.*e", digits, value);
  else if (style == 'f' && fabs(value) < 1e15)
    snprintf(out, PV_REAL_ROOM, "%.*f", digits, value);
  else
    snprintf(out, PV_REAL_ROOM, "%.*g", digits, value);
  return out;
}

size_t pv_text_distance(const char *a, const char *b) {
  enum { LONGEST = 64 };
  size_t row[LONGEST + 1];
  const size_t n = strlen(a), m = strlen(b);
  if (n > LONGEST || m > LONGEST) return LONGEST;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      const size_t one = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = replace < one ? replace : one;
    }
  }
  return row[m];
}

const char *pv_text_nearest(const char *word, const void *table, size_t count, size_t size,
                            size_t limit) {
  const char *best = NULL;
  for (size_t i = 0; i < count; i++) {
    const char *name;
    memcpy(&name, (const char *)table + i * size, sizeof name);
    const size_t d = pv_text_distance(word, name);
    if (d >= limit) continue;
    limit = d;
    best = name;
  }
  return best;
}

const void *pv_text_find(const char *word, const void *table, size_t count, size_t size) {
  for (size_t i = 0; i < count; i++) {
    const char *entry = (const char *)table + i * size, *name;
    memcpy(&name, entry, sizeof name);
    if (name != NULL && strcmp(word, name) == 0) return entry;
  }
  return NULL;
}
