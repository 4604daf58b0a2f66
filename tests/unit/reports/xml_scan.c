#include "tests/unit/reports/xml_scan.h"

#include <string.h>

#include "base/text.h"

enum { DEPTH = 64, NAMES = 24 };

typedef struct name {
  const char *at;
  size_t length;
} name;

typedef struct scan {
  const char *s, *end;
  name open[DEPTH];
  size_t depth;
  bool root; /* seen */
} scan;

static bool starts(const scan *x, const char *prefix) {
  const size_t n = strlen(prefix);
  return (size_t)(x->end - x->s) >= n && memcmp(x->s, prefix, n) == 0;
}

static bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

static name read_name(scan *x) {
  name n = {x->s, 0};
  if (x->s < x->end && letter(*x->s))
    while (x->s < x->end && (letter(*x->s) || (*x->s >= '0' && *x->s <= '9') || *x->s == '-'))
      x->s++;
  n.length = (size_t)(x->s - n.at);
  return n;
}

static void blanks(scan *x) {
  while (x->s < x->end && strchr(" \t\r\n", *x->s) != NULL) x->s++;
}

static bool same(name a, name b) {
  return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static const char *reference(scan *x) {
  static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (starts(x, known[i])) {
      x->s += strlen(known[i]);
      return NULL;
    }
  return "a bare or unknown '&'";
}

static const char *attributes(scan *x, bool *empty) {
  name seen[NAMES];
  size_t count = 0;
  for (;;) {
    const char *before = x->s;
    blanks(x);
    if (starts(x, "/>") || starts(x, ">")) {
      *empty = *x->s == '/';
      x->s += *empty ? 2 : 1;
      return NULL;
    }
    if (x->s == before) return "no blank before an attribute";
    const name n = read_name(x);
    if (n.length == 0 || count == NAMES) return "an attribute has no name";
    for (size_t i = 0; i < count; i++)
      if (same(seen[i], n)) return "an attribute twice";
    seen[count++] = n;
    if (!starts(x, "=\"")) return "an attribute without a quoted value";
    for (x->s += 2; x->s < x->end && *x->s != '"';) {
      if (*x->s == '<') return "'<' in an attribute";
      if (*x->s != '&') {
        x->s++;
        continue;
      }
      const char *wrong = reference(x);
      if (wrong != NULL) return wrong;
    }
    if (x->s >= x->end) return "an attribute does not end";
    x->s++;
  }
}

static const char *tag(scan *x) {
  bool empty = false;
  if (starts(x, "</")) {
    x->s += 2;
    const name n = read_name(x);
    if (x->depth == 0 || !same(x->open[x->depth - 1], n)) return "an end tag that closes nothing";
    if (!starts(x, ">")) return "an end tag that does not end";
    x->s++;
    x->depth--;
    return NULL;
  }
  x->s++;
  const name n = read_name(x);
  if (n.length == 0) return "a bare '<'";
  if (x->depth == 0 && x->root) return "a second root";
  x->root = true;
  const char *wrong = attributes(x, &empty);
  if (wrong != NULL || empty) return wrong;
  if (x->depth == DEPTH) return "too deep";
  x->open[x->depth++] = n;
  return NULL;
}

static const char *character(scan *x) {
  const unsigned char *u = (const unsigned char *)x->s;
  if (*u == '&') return reference(x);
  if (starts(x, "]]>")) return "']]>' in text";
  if (x->depth == 0 && strchr(" \t\r\n", *x->s) == NULL) return "text outside the root";
  x->s++;
  return NULL;
}

static const char *bytes(const char *text, size_t length, size_t *at) {
  for (*at = 0; *at < length; ++*at) {
    const unsigned char *u = (const unsigned char *)text + *at;
    if (*u < 0x20 && *u != '\n' && *u != '\t') return "a control character";
    if (length - *at >= 3 && u[0] == 0xef && u[1] == 0xbf && (u[2] == 0xbe || u[2] == 0xbf))
      return "a noncharacter";
  }
  *at = 0;
  return pv_utf8_valid(text, length) ? NULL : "not UTF-8";
}

const char *xml_scan(const char *text, size_t length, size_t *at) {
  const char *wrong = bytes(text, length, at);
  scan x = {.s = text, .end = text + length};
  if (wrong != NULL) return wrong;
  if (starts(&x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")) x.s += 39;
  if (starts(&x, "<!DOCTYPE html>\n")) x.s += 16;
  while (x.s < x.end && wrong == NULL) wrong = *x.s == '<' ? tag(&x) : character(&x);
  *at = (size_t)(x.s - text);
  if (wrong == NULL && x.depth > 0) return "an element does not end";
  return wrong == NULL && !x.root ? "no root" : wrong;
}

size_t xml_count(const char *text, const char *element) {
  const size_t n = strlen(element);
  size_t count = 0;
  for (const char *s = strchr(text, '<'); s != NULL; s = strchr(s + 1, '<'))
    count +=
        strncmp(s + 1, element, n) == 0 && strchr(" />\n", s[1 + n]) != NULL && s[1 + n] != '\0';
  return count;
}
