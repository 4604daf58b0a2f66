/* Pieces of report.html that carry no content of their own. */
#ifndef PV_RENDER_HTML_PARTS_H
#define PV_RENDER_HTML_PARTS_H

#include "reports/render/page.h"

/* Bytes of table rows in each part of the page; a browser should open it at once. */
#define PV_HTML_PART (256u << 10)

void pv_html_style(pv_text *out);
/* <symbol> for every verdict; used through pv_html_icon. Shapes, not colours, tell them apart. */
void pv_html_symbols(pv_text *out);
void pv_html_icon(pv_page *page, pv_verdict verdict);
/* The cell of a verdict that begins a row: the icon with its name, filled for what is false. */
void pv_html_row(pv_page *page, pv_verdict verdict);
/* A table's head, its columns with '|' between them, '#' before one of numbers; and its end. */
void pv_html_table(pv_page *page, const char *css, const char *label, const char *columns);
void pv_html_table_end(pv_page *page, size_t omitted, const char *what, unsigned columns);

/* The parts of the page, in its order: html.c, html_detail.c. */
void pv_html_falsifiers(pv_page *page);
void pv_html_foot(pv_page *page);

#endif
