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
/* A word of pv's own, which may be broken after each '_'. */
void pv_html_word(pv_page *page, const char *word);
/* What is linked to: row `index` of the criteria ('c') or of the falsifiers ('f'). */
void pv_html_link(pv_page *page, char kind, size_t index, const char *text);
/* The cell of a verdict that begins such a row: the icon with its name, filled for what is false.
 */
void pv_html_row(pv_page *page, char kind, size_t index, pv_verdict verdict);
/* A table's head, its columns with '|' between them, '#' before one of numbers; and its end. */
void pv_html_table(pv_page *page, const char *css, const char *label, const char *columns);
void pv_html_table_end(pv_page *page, size_t omitted, const char *what, unsigned columns);
/* Between the two, of a table whose last rows of `count` were left out: links to them end here. */
void pv_html_anchors(pv_page *page, char kind, size_t omitted, size_t count);
/* The contract's file and line, linked to its text in the page; nothing where no line is known. */
void pv_html_source_link(pv_page *page, const pv_place *place);
/* A file of the run's folder; nothing where the page lies in none. */
void pv_html_file(pv_page *page, const char *name);

/* The parts of the page that have files of their own, in its order. */
void pv_html_top(pv_page *page);
void pv_html_claim(pv_page *page); /* whole where the first screen cut it, and the ladder */
void pv_html_margins(pv_page *page);
void pv_html_falsifiers(pv_page *page);
void pv_html_foot(pv_page *page);
void pv_html_source(pv_page *page);

#endif
