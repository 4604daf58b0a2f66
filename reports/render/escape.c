#include "reports/render/escape.h"

#include <string.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The largest length <= limit that does not cut a UTF-8 character. */
static size_t cut(const char *value, size_t length, size_t limit) {
  if (limit == 0 || length <= limit) return length;
  size_t at = limit;
  while (at > 0 && limit - at < 4 && ((unsigned char)value[at] & 0xc0) == 0x80) at--;
  return at;
}

void pv_esc_line(pv_text *out, const char *value, size_t limit) {
  if (value == NULL) return;
  const size_t length = strlen(value), end = cut(value, length, limit);
  size_t i = 0;
  while (i < end && is_blank(value[i])) i++;
  while (i < end) {
    size_t stop = i;
    while (stop < end && !is_blank(value[stop])) stop++;
    pv_text_escape(out, value + i, stop - i);
    i = stop;
    while (i < end && is_blank(value[i])) i++;
    if (i < end) pv_text_puts(out, " ");
  }
  if (end < length) pv_text_puts(out, "…");
}

/* XML 1.0 knows no U+FFFE and U+FFFF, not even as references. */
static bool noncharacter(const char *s) {
  const unsigned char *u = (const unsigned char *)s;
  return u[0] == 0xef && u[1] == 0xbf && (u[2] == 0xbe || u[2] == 0xbf);
}

/* What stands for a character of markup, or NULL; of the first `most` of them. */
static const char *entity(char c, size_t most) {
  static const char marks[] = "&<>\"'";
  static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  const char *at = memchr(marks, c, most);
  return at != NULL ? entities[at - marks] : NULL;
}

static void put_xml(pv_text *out, const char *line) {
  for (const char *s = line; *s != '\0'; s++) {
    const char *mark = entity(*s, 5);
    if (mark != NULL) {
      pv_text_puts(out, mark);
    } else if (noncharacter(s)) {
      pv_text_printf(out, "\\xef\\xbf\\x%02x", (unsigned char)s[2]);
      s += 2;
    } else {
      pv_text_add(out, s, 1);
    }
  }
}

void pv_esc_xml(pv_text *out, const char *value, size_t limit) {
  pv_text line = PV_TEXT_INIT;
  pv_esc_line(&line, value, limit);
  if (line.data != NULL) put_xml(out, line.data);
  out->failed = out->failed || line.failed;
  pv_text_free(&line);
}

void pv_esc_xml_lines(pv_text *out, const char *value, size_t limit) {
  if (value == NULL) return;
  const size_t length = strlen(value), end = cut(value, length, limit);
  pv_text clean = PV_TEXT_INIT;
  for (size_t i = 0; i < end;) {
    size_t stop = i;
    while (stop < end && value[stop] != '\n' && value[stop] != '\t') stop++;
    pv_text_escape(&clean, value + i, stop - i);
    if (stop < end) pv_text_add(&clean, value + stop, 1);
    i = stop + 1;
  }
  if (end < length) pv_text_puts(&clean, "…");
  if (clean.data != NULL) put_xml(out, clean.data);
  out->failed = out->failed || clean.failed;
  pv_text_free(&clean);
}

static bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `_` between two letters or digits never starts emphasis and stays readable unescaped. */
static bool special(const char *line, const char *s) {
  if (*s == '_') return s == line || !alphanumeric(s[-1]) || !alphanumeric(s[1]);
  return strchr("\\`*[]|~$#", *s) != NULL;
}

void pv_esc_markdown(pv_text *out, const char *value) {
  pv_text line = PV_TEXT_INIT;
  pv_esc_line(&line, value, PV_ESC_CLIP);
  for (const char *s = line.data; s != NULL && *s != '\0'; s++) {
    const char *mark = entity(*s, 3);
    if (mark == NULL && special(line.data, s)) pv_text_puts(out, "\\");
    pv_text_add(out, mark != NULL ? mark : s, mark != NULL ? strlen(mark) : 1);
  }
  out->failed = out->failed || line.failed;
  pv_text_free(&line);
}

void pv_esc_markdown_code(pv_text *out, const char *value) {
  pv_text line = PV_TEXT_INIT;
  pv_esc_line(&line, value, PV_ESC_CLIP);
  if (line.data == NULL || line.data[0] == '\0' || strpbrk(line.data, "`|<>&\\") != NULL) {
    pv_esc_markdown(out, value);
  } else {
    pv_text_puts(out, "`");
    pv_text_puts(out, line.data);
    pv_text_puts(out, "`");
  }
  out->failed = out->failed || line.failed;
  pv_text_free(&line);
}
