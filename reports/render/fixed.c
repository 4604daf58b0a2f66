/* Since when the contract has the thresholds that were judged by. */
#include <string.h>

#include "reports/render/html_parts.h"

enum { BYTES = 24 << 10, DIGITS = 12 };
static const char title[] = "When the thresholds were fixed";
static const char about[] =
    "A bound that came into the contract after the run that it judges has shown nothing.";

static bool any(const pv_result *r) {
  for (size_t i = 0; i < r->falsifier_count; i++)
    if (r->falsifiers[i].fixed.name != NULL) return true;
  return false;
}

static const char *bound(pv_page *p, const pv_fixed *f) {
  pv_text text = PV_TEXT_INIT;
  pv_text_printf(&text, "%s %s", f->name, pv_view_text(f->value));
  return pv_page_keep(p, &text);
}

/* "2026-11-20T10:00:00Z, 8a1b2c3d4e5f", or why nobody knows. */
static const char *origin(pv_page *p, const pv_fixed *f) {
  pv_text text = PV_TEXT_INIT;
  if (f->commit != NULL) pv_text_printf(&text, "%s, %.*s", f->date, DIGITS, f->commit);
  if (f->why != NULL)
    pv_text_printf(&text, "%s%s", f->commit != NULL ? "; " : "not known: ", f->why);
  return pv_page_keep(p, &text);
}

static const char *order(const pv_fixed *f) {
  return f->before ? "yes" : f->commit != NULL ? "no" : "not known";
}

void pv_fixed_markdown(pv_page *p) {
  const pv_result *r = p->r;
  if (!any(r)) return;
  pv_page_put(p,
              "\n## %s\n\n%s\n\n| Falsifier | Bound | In the contract since | Before the run |\n"
              "|---|---|---|---|\n",
              title, about);
  pv_tally tally = pv_tally_begin(p, BYTES);
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_fixed *f = &r->falsifiers[i].fixed;
    if (f->name == NULL || !pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "| %-s | %s | %s | %s |\n", r->falsifiers[i].falsifier->id, bound(p, f),
                origin(p, f), order(f));
  }
  if (tally.omitted > 0)
    pv_page_put(p, "\n*%zu more were left out; `evidence.json` has all.*\n", tally.omitted);
}

void pv_fixed_html(pv_page *p) {
  const pv_result *r = p->r;
  if (!any(r)) return;
  pv_page_put(p, "<h2>%s</h2>\n<p class=\"dim\">%s</p>\n", title, about);
  pv_html_table(p, "stack", title, "Falsifier|Bound|In the contract since|Before the run");
  pv_tally tally = pv_tally_begin(p, BYTES);
  for (size_t i = 0; i < r->falsifier_count; i++) {
    const pv_fixed *f = &r->falsifiers[i].fixed;
    if (f->name == NULL || !pv_tally_row(&tally, p)) continue;
    pv_page_put(p,
                "<tr><th scope=\"row\">%-s</th><td data-h=\"Bound:\">%s</td>"
                "<td data-h=\"Since:\">%s</td><td data-h=\"Before the run:\">%s</td></tr>\n",
                r->falsifiers[i].falsifier->id, bound(p, f), origin(p, f), order(f));
  }
  pv_html_table_end(p, tally.omitted, "bounds were", 4);
}
