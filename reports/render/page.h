/* A report in the making: one result, the way a format writes texts, and what the views say. */
#ifndef PV_RENDER_PAGE_H
#define PV_RENDER_PAGE_H

#include "reports/render/put.h"
#include "reports/render/view.h"

typedef struct pv_page {
  pv_text *out;
  const pv_result *r;
  const pv_render_links *links; /* may be NULL */
  pv_put how;
  size_t begin;  /* length of `out` before */
  pv_arena said; /* what the views said, until the page is done */
} pv_page;

/* Checks the result. A page that was begun well is ended; `code` is what became of it. */
pv_code pv_page_begin(pv_page *page, pv_error *err);
pv_code pv_page_end(pv_page *page, pv_code code, pv_error *err);

/* As of pv_put_list. */
void pv_page_put(pv_page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What a view says, for %s; "" when it says nothing, or memory is out, which the page remembers. */
const char *pv_page_say(pv_page *page, void (*view)(pv_text *out, const pv_result *result));
const char *pv_page_say_of(pv_page *page,
                           void (*view)(pv_text *out, const pv_result *result, size_t index),
                           size_t index);
/* Keeps a text like these two, and frees it. */
const char *pv_page_keep(pv_page *page, pv_text *text);

/* The first `most` names of a list, as code or text, with `between` them, and how many more. */
void pv_page_names(pv_page *page, const pv_strings *names, size_t most, bool code,
                   const char *between);
/* The falsifiers of a criterion, for pv_page_names; none when memory is out. */
pv_strings pv_page_falsifiers(pv_page *page, const pv_criterion_result *criterion);

/* Tables stay within a number of bytes and say how many rows they left out. */
typedef struct pv_tally {
  size_t begin, budget, omitted;
} pv_tally;
pv_tally pv_tally_begin(const pv_page *page, size_t budget);
/* True when one more row fits; a row never spans more than a few KB, since values are clipped. */
bool pv_tally_row(pv_tally *tally, const pv_page *page);

/* The parts that stand in files of their own. */
void pv_stages_markdown(pv_page *page);
void pv_stages_html(pv_page *page);
void pv_history_markdown(pv_page *page);
void pv_history_html(pv_page *page);
void pv_fixed_markdown(pv_page *page);
void pv_fixed_html(pv_page *page);

#endif
