/* report.html: one file, no scripts, nothing fetched. The first screen (html_top.c) says what was
 * claimed, what holds and what nobody looked at; from there each criterion leads to its falsifiers,
 * these to what was measured, to evidence.json and to their line of the contract. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/html_parts.h"
#include "reports/render/pictures.h"
#include "reports/render/plot.h"

static void put_text(pv_text *out, const char *value) {
  pv_esc_xml(out, value, PV_ESC_CLIP);
}

/* Only when there is something to show. */
static void put_code(pv_text *out, const char *value) {
  if (pv_view_text(value)[0] != '\0') pv_put_xml(out, "<code>%s</code>", value);
}

void pv_html_icon(pv_page *p, pv_verdict verdict) {
  const char *css = pv_view_look(verdict)->css;
  pv_page_put(p, "<svg class=\"ic i %s\" aria-hidden=\"true\"><use href=\"#i-%s\"/></svg>", css,
              css);
}

void pv_html_word(pv_page *p, const char *word) {
  for (const char *at = word, *next; *at != '\0'; at = next) {
    next = strchr(at, '_');
    next = next == NULL ? at + strlen(at) : next + 1;
    if (at != word) pv_page_put(p, "<wbr/>");
    pv_text_add(p->out, at, (size_t)(next - at));
  }
}

static void put_badge(pv_page *p, pv_verdict verdict) {
  const pv_look *look = pv_view_look(verdict);
  pv_page_put(p,
              "<span class=\"v %s\" title=\"%s\"><svg class=\"ic\" aria-hidden=\"true\"><use "
              "href=\"#i-%s\"/></svg><span>",
              look->css, look->means, look->css);
  pv_html_word(p, pv_verdict_name(verdict));
  pv_page_put(p, "</span></span>");
}

/* Ids are a stranger's and may be anything: anchors count. */
static void put_anchor(pv_page *p, char kind, size_t index) {
  const char name[] = {kind, '\0'};
  pv_page_put(p, "%s%zu", name, index + 1);
}

void pv_html_link(pv_page *p, char kind, size_t index, const char *text) {
  pv_page_put(p, "<a href=\"#");
  put_anchor(p, kind, index);
  pv_page_put(p, "\">%-s</a>", text);
}

void pv_html_row(pv_page *p, char kind, size_t index, pv_verdict verdict) {
  const pv_concern concern = pv_view_concern(verdict);
  pv_page_put(p, "<tr id=\"");
  put_anchor(p, kind, index);
  pv_page_put(p, "\" class=\"%s\"><td>",
              concern == PV_CONCERN_FALSE  ? "false"
              : concern == PV_CONCERN_NONE ? "good"
                                           : "open");
  put_badge(p, verdict);
  pv_page_put(p, "</td><th scope=\"row\">");
}

void pv_html_table(pv_page *p, const char *css, const char *label, const char *columns) {
  pv_page_put(p, "<section class=\"card scroll\"><table class=\"%s\" aria-label=\"%s\"><thead><tr>",
              css, label);
  for (const char *at = columns; *at != '\0';) {
    const size_t n = strcspn(at, "|");
    const bool number = *at == '#';
    pv_page_put(p, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
    pv_text_add(p->out, at + number, n - number);
    pv_page_put(p, "</th>");
    at += n + (at[n] == '|');
  }
  pv_page_put(p, "</tr></thead><tbody>\n");
}

void pv_html_anchors(pv_page *p, char kind, size_t omitted, size_t count) {
  for (size_t i = count - omitted; i < count; i++) {
    pv_page_put(p, i == count - omitted ? "<tr><td id=\"" : "<span id=\"");
    put_anchor(p, kind, i);
    pv_page_put(p, i == count - omitted ? "\">" : "\"></span>");
  }
  if (omitted > 0) pv_page_put(p, "</td></tr>\n");
}

void pv_html_file(pv_page *p, const char *name) {
  if (p->links == NULL || p->links->folder == NULL) return;
  pv_page_put(p, "<a href=\"%s\">%-s</a>", name, name);
}

void pv_html_table_end(pv_page *p, size_t omitted, const char *what, unsigned columns) {
  if (omitted > 0)
    pv_page_put(p,
                "<tr><td colspan=\"%u\">%zu more %s left out of this report; "
                "<code>evidence.json</code> has all.</td></tr>\n",
                columns, omitted, what);
  pv_page_put(p, "</tbody></table></section>\n");
}

static void put_falsifier_links(pv_page *p, const pv_criterion_result *c) {
  enum { SHOWN = 8 };
  for (size_t i = 0; i < c->falsifier_count && i < SHOWN; i++) {
    if (i > 0) pv_page_put(p, "<br/>");
    pv_html_link(p, 'f', c->falsifiers[i], p->r->falsifiers[c->falsifiers[i]].falsifier->id);
  }
  if (c->falsifier_count > SHOWN) pv_page_put(p, "<br/>and %zu more", c->falsifier_count - SHOWN);
  if (c->falsifier_count == 0) pv_page_put(p, "none");
}

static void put_criterion(pv_page *p, size_t i) {
  const pv_criterion_result *c = &p->r->criteria[i];
  pv_html_row(p, 'c', i, c->verdict);
  pv_page_put(p,
              "<span class=\"claim\">%s</span><span class=\"sub\">%-s · <span title=\"the status "
              "that needs this criterion\">%s</span>",
              c->criterion->property, c->criterion->id,
              pv_contract_status_name(c->criterion->needed_for));
  if (c->criterion->place.line > 0) pv_page_put(p, " · ");
  pv_html_source_link(p, &c->criterion->place);
  pv_page_put(p, "</span></th><td data-h=\"Evidence:\">%s</td><td data-h=\"Falsifiers:\">",
              pv_page_say_of(p, pv_view_criterion_source, i));
  put_falsifier_links(p, c);
  pv_page_put(p, "</td></tr>\n");
}

static void put_criteria(pv_page *p) {
  const pv_result *r = p->r;
  pv_html_table(p, "stack crit", "Criteria", "Verdict|Claim|Evidence|Falsifiers");
  pv_tally tally = pv_tally_begin(p, PV_HTML_PART);
  for (size_t i = 0; i < r->criterion_count; i++)
    if (pv_tally_row(&tally, p)) put_criterion(p, i);
  if (r->criterion_count == 0)
    pv_page_put(p, "<tr><td colspan=\"4\">The contract has no criteria.</td></tr>\n");
  pv_html_anchors(p, 'c', tally.omitted, r->criterion_count);
  pv_html_table_end(p, tally.omitted, "criteria were", 4);
}

static void put_divergence(pv_page *p) {
  pv_divergence d;
  if (pv_view_divergence(p->r, &d))
    pv_page_put(p, "<p class=\"div\"><b>First divergence:</b> %s %g (%s: %g, %-s)</p>\n", d.axis,
                d.x, d.series->name, d.y, d.falsifier->falsifier->id);
}

/* To be copied as they are. */
static void put_next(pv_page *p) {
  if (p->links == NULL || p->links->next == NULL || p->links->next->count == 0) return;
  pv_page_put(p, "<p class=\"next\">Where it begins, and who is wrong:</p>\n");
  for (size_t i = 0; i < p->links->next->count; i++) {
    pv_page_put(p, "<pre class=\"copy\">");
    pv_esc_xml(p->out, p->links->next->items[i], 4096);
    pv_page_put(p, "</pre>\n");
  }
}

static void put_concern(pv_page *p, const pv_heading *h) {
  const pv_result *r = p->r;
  if (pv_view_count(r, h->concern) == 0) return;
  pv_page_put(p, "<section class=\"%s\"><h3>%s</h3><p class=\"dim\">%s</p><ul>\n",
              h->concern == PV_CONCERN_FALSE ? "card isfalse" : "card", h->title, h->about);
  pv_tally tally = pv_tally_begin(p, PV_HTML_PART / 4);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (pv_view_concern(c->verdict) != h->concern || !pv_tally_row(&tally, p)) continue;
    pv_page_put(p, "<li>");
    put_badge(p, c->verdict);
    pv_page_put(p, " ");
    pv_html_link(p, 'c', i, c->criterion->id);
    pv_page_put(p, "<span class=\"why\">%s</span></li>\n",
                pv_page_say_of(p, pv_view_criterion_reason, i));
  }
  if (tally.omitted > 0)
    pv_page_put(p, "<li>and %zu more criteria in evidence.json</li>\n", tally.omitted);
  pv_page_put(p, "</ul>\n");
  if (h->concern == PV_CONCERN_FALSE) {
    put_divergence(p);
    put_next(p);
  }
  pv_page_put(p, "</section>\n");
}

static void put_claims(pv_page *p) {
  const bool clean = pv_view_count(p->r, PV_CONCERN_NONE) == p->r->criterion_count;
  pv_page_put(p, "<h2 id=\"criteria\">What was claimed, and what holds</h2>\n");
  pv_html_claim(p);
  pv_page_put(p, "<div class=\"%s\">\n", clean ? "two one" : "two");
  put_criteria(p);
  if (!clean) {
    pv_page_put(p, "<div class=\"side\">\n");
    for (size_t i = 0; i < PV_VIEW_HEADINGS; i++) put_concern(p, &pv_view_headings[i]);
    pv_page_put(p, "</div>\n");
  }
  pv_page_put(p, "</div>\n");
}

static pv_code put_pictures(pv_page *p, pv_error *err) {
  pv_pictures pictures;
  const pv_code code = pv_pictures_make(p->r, true, true, &pictures, err);
  if (code == PV_OK && pictures.count > 0) {
    pv_page_put(p, "<h2 id=\"pictures\">Pictures</h2>\n<div class=\"figs\">\n");
    for (size_t i = 0; i < pictures.count; i++) {
      pv_page_put(p, "<figure class=\"card\" tabindex=\"0\"><h3>%s</h3>\n",
                  pictures.items[i].title);
      pv_text_add(p->out, pictures.items[i].svg, pictures.items[i].svg_length);
      pv_page_put(p, "<figcaption>%s</figcaption></figure>\n", pictures.items[i].alt);
    }
    pv_page_put(p, "</div>\n");
  }
  pv_pictures_free(&pictures);
  return code;
}

pv_code pv_render_html(const pv_result *result, const pv_render_links *links, pv_text *out,
                       pv_error *err) {
  pv_page p = {.out = out, .r = result, .links = links, .how = {put_text, put_code}};
  pv_code code = pv_page_begin(&p, err);
  if (code != PV_OK) return code;
  pv_page_put(&p,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src 'unsafe-inline'\"/>\n<title>%s: %s</title>\n<style>\n",
              pv_view_outcome(result), result->contract->name);
  pv_html_style(out);
  pv_plot_style(out);
  pv_page_put(&p, "</style>\n</head>\n<body>\n");
  pv_html_symbols(out);
  pv_page_put(&p, "<main>\n");
  pv_html_top(&p);
  put_claims(&p);
  if (pv_view_count(result, PV_CONCERN_FALSE) == 0) put_divergence(&p);
  pv_stages_html(&p);
  pv_html_margins(&p);
  code = put_pictures(&p, err);
  pv_html_falsifiers(&p);
  pv_history_html(&p);
  pv_fixed_html(&p);
  pv_html_foot(&p);
  pv_html_source(&p);
  pv_page_put(&p, "</main>\n</body>\n</html>\n");
  return pv_page_end(&p, code, err);
}
