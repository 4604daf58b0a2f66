/* Pieces of report.html that carry no content of their own. */
#ifndef PV_RENDER_HTML_PARTS_H
#define PV_RENDER_HTML_PARTS_H

#include "reports/render/view.h"

/* Bytes of table rows in each part of the page; a browser should open it at once. */
#define PV_HTML_PART (256u << 10)

void pv_html_style(pv_text *out);
/* <symbol> for every verdict; used through pv_html_icon. Shapes, not colours, tell them apart. */
void pv_html_symbols(pv_text *out);
void pv_html_icon(pv_text *out, pv_verdict verdict);
/* The icon with the verdict's name, filled for what is false, outlined otherwise. */
void pv_html_badge(pv_text *out, pv_verdict verdict);
void pv_html_text(pv_text *out, const char *value);
/* <code> when there is something to show. */
void pv_html_code(pv_text *out, const char *value);
void pv_html_omitted(pv_text *out, size_t omitted, const char *what, unsigned columns);

/* Runs a view function into escaped text. */
#define PV_HTML_VIEW(out, call)                     \
  do {                                              \
    pv_text plain_ = PV_TEXT_INIT;                  \
    pv_text *view = &plain_;                        \
    call;                                           \
    pv_html_text((out), plain_.data);               \
    (out)->failed = (out)->failed || plain_.failed; \
    pv_text_free(&plain_);                          \
  } while (0)

/* The parts of the page, in its order: html.c, html_detail.c. */
void pv_html_falsifiers(pv_text *out, const pv_result *result);
void pv_html_foot(pv_text *out, const pv_result *result, const pv_render_links *links);

#endif
