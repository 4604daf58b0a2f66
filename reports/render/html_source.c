/* The contract itself at the end of report.html, each line with an anchor: where a criterion and a
 * falsifier stand. A report that was handed on alone still shows what was claimed, and where. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/html_parts.h"

/* Lines that are shown: all, or as many as fit. */
static size_t shown_lines(const pv_contract *c) {
  size_t lines = 0;
  for (size_t at = 0; c->bytes != NULL && at < c->length && at < PV_HTML_PART; lines++) {
    const unsigned char *end = memchr(c->bytes + at, '\n', c->length - at);
    at = end == NULL ? c->length : (size_t)(end - c->bytes) + 1;
  }
  return lines;
}

void pv_html_source_link(pv_page *p, const pv_place *place) {
  const pv_contract *c = p->r->contract;
  if (place->line < 1) return;
  const bool shown = (size_t)place->line <= shown_lines(c);
  pv_page_put(p, "<a");
  if (shown) pv_page_put(p, " href=\"#L%zu\"", (size_t)place->line);
  pv_page_put(p, " title=\"%s:%zu\">line\xc2\xa0%zu</a>", c->path, (size_t)place->line,
              (size_t)place->line);
}

void pv_html_source(pv_page *p) {
  const pv_contract *c = p->r->contract;
  const size_t lines = shown_lines(c);
  if (lines == 0) return;
  pv_page_put(p,
              "<h2 id=\"contract\">Contract</h2>\n<p class=\"dim\">%-s as it was read, sha256 "
              "<code>%s</code>.</p>\n<ol class=\"card src\" tabindex=\"0\" aria-label=\"Text of "
              "the contract\">\n",
              c->path, c->sha256);
  size_t at = 0;
  for (size_t i = 0; i < lines; i++) {
    const char *line = (const char *)c->bytes + at;
    const char *end = memchr(line, '\n', c->length - at);
    const size_t length = end == NULL ? c->length - at : (size_t)(end - line);
    const char *copy = pv_arena_strndup(&p->said, line, length);
    p->out->failed |= copy == NULL;
    pv_page_put(p, "<li id=\"L%zu\">", i + 1);
    pv_esc_xml_lines(p->out, copy, 4096);
    pv_page_put(p, "</li>\n");
    at += length + 1;
  }
  pv_page_put(p, "</ol>\n");
  if (at < c->length)
    pv_page_put(p, "<p class=\"dim\">The rest of it was left out of this report.</p>\n");
}
