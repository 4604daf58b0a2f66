#include "reports/render/put.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"

/* What follows a % sign, at `at`; returns what follows that. */
static const char *put_one(pv_text *out, const pv_put *how, const char *at, va_list *args) {
  switch (*at++) {
    case 's':
      how->text(out, va_arg(*args, const char *));
      return at;
    case '-':
      how->code(out, va_arg(*args, const char *));
      return at + 1;
    case 'g':
      pv_fmt_number(out, va_arg(*args, double));
      return at;
    case 'f':
      pv_fmt_seconds(out, va_arg(*args, double));
      return at;
    case '.':
      pv_fmt_fixed(out, va_arg(*args, double), *at - '0');
      return at + 2;
    case 'j':
      pv_fmt_count(out, va_arg(*args, uintmax_t));
      return at + 1;
    case 'z':
      pv_text_printf(out, "%zu", va_arg(*args, size_t));
      return at + 1;
    case 'u':
      pv_text_printf(out, "%u", va_arg(*args, unsigned));
      return at;
    case 'd':
      pv_text_printf(out, "%d", va_arg(*args, int));
      return at;
    default:
      pv_text_puts(out, "%");
      return at;
  }
}

void pv_put_list(pv_text *out, const pv_put *how, const char *fmt, va_list args) {
  va_list left;
  va_copy(left, args);
  for (;;) {
    const size_t plain = strcspn(fmt, "%");
    pv_text_add(out, fmt, plain);
    fmt += plain;
    if (*fmt == '\0') break;
    fmt = put_one(out, how, fmt + 1, &left);
  }
  va_end(left);
}

static void put_plain(pv_text *out, const char *value) {
  if (value != NULL) pv_text_escape(out, value, strlen(value));
}
static const pv_put plain = {put_plain, put_plain};

void pv_put_plain(pv_text *out, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  pv_put_list(out, &plain, fmt, args);
  va_end(args);
}

void pv_put_shell(pv_text *out, const char *word) {
  pv_text quoted = PV_TEXT_INIT;
  pv_text_shell(&quoted, word);
  if (quoted.failed)
    out->failed = true;
  else
    pv_text_escape(out, quoted.data, quoted.length);
  pv_text_free(&quoted);
}

bool pv_put_print(const char *fmt, ...) {
  pv_text text = PV_TEXT_INIT;
  va_list args;
  va_start(args, fmt);
  pv_put_list(&text, &plain, fmt, args);
  va_end(args);
  const bool whole = !text.failed;
  if (whole) fputs(text.data, stdout);
  pv_text_free(&text);
  return whole;
}

static void put_text(pv_text *out, const char *value) {
  pv_esc_xml(out, value, PV_ESC_CLIP);
}

void pv_put_xml(pv_text *out, const char *fmt, ...) {
  static const pv_put how = {put_text, put_text};
  va_list args;
  va_start(args, fmt);
  pv_put_list(out, &how, fmt, args);
  va_end(args);
}
