/* report.html: one file, no scripts, nothing fetched. The first screen answers: what was claimed,
 * what holds, what does not, what nobody looked at, and where each answer comes from. */
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

static void put_badge(pv_page *p, pv_verdict verdict) {
  const pv_look *look = pv_view_look(verdict);
  pv_page_put(p,
              "<span class=\"v %s\" title=\"%s\"><svg class=\"ic\" aria-hidden=\"true\"><use "
              "href=\"#i-%s\"/></svg>%s</span>",
              look->css, look->means, look->css, pv_verdict_name(verdict));
}

void pv_html_row(pv_page *p, pv_verdict verdict) {
  const pv_concern concern = pv_view_concern(verdict);
  pv_page_put(p, "<tr class=\"%s\"><td>",
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

void pv_html_table_end(pv_page *p, size_t omitted, const char *what, unsigned columns) {
  if (omitted > 0)
    pv_page_put(p,
                "<tr><td colspan=\"%u\">%zu more %s left out of this report; "
                "<code>evidence.json</code> has all.</td></tr>\n",
                columns, omitted, what);
  pv_page_put(p, "</tbody></table></section>\n");
}

/* What stands below a rung: who claims it and whether the evidence supports it. */
static const char *rung_words(const pv_result *r, pv_contract_status rung) {
  const bool here = rung == r->status_before, top = rung == r->status_after;
  if (here && top) return "✓ claimed and supported";
  if (top)
    return rung < r->status_before ? "✓ the evidence supports this"
                                   : "✓ supported, not yet claimed";
  if (here) return rung > r->status_after ? "✗ the file claims this" : "✓ claimed and supported";
  if (rung < r->status_after) return "✓ supported";
  return rung < r->status_before ? "✗ not supported" : "not claimed";
}

static void put_rung(pv_page *p, pv_contract_status rung) {
  const bool held = rung <= p->r->status_after, claimed = rung <= p->r->status_before;
  pv_page_put(p, "<li class=\"%s\"><b>%s</b><span>%s</span></li>\n",
              held      ? "held"
              : claimed ? "gap"
                        : "above",
              pv_contract_status_name(rung), rung_words(p->r, rung));
}

static bool on_ladder(pv_contract_status status) {
  return status <= PV_STATUS_ACTIVE_RUNTIME;
}

static void put_status(pv_page *p) {
  const pv_result *r = p->r;
  if (on_ladder(r->status_before) && on_ladder(r->status_after)) {
    pv_page_put(p, "<ol class=\"ladder\" aria-label=\"Ladder of statuses\">\n");
    for (int s = PV_STATUS_DRAFT; s <= PV_STATUS_ACTIVE_RUNTIME; s++)
      put_rung(p, (pv_contract_status)s);
    pv_page_put(p, "</ol>\n");
  }
  pv_page_put(p, "<p class=\"dim\">Status %-s", pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_page_put(p, " → %-s", pv_contract_status_name(r->status_after));
  pv_page_put(p, ": %s.</p>\n", pv_page_say(p, pv_view_transition));
}

static void put_tally(pv_page *p) {
  static const struct {
    pv_concern concern;
    pv_verdict look;
    const char *words;
  } rows[] = {{PV_CONCERN_NONE, PV_PASS, "hold"},
              {PV_CONCERN_FALSE, PV_FAIL, "false"},
              {PV_CONCERN_UNJUDGED, PV_ERROR, "could not be judged"},
              {PV_CONCERN_UNSEEN, PV_NOT_RUN, "nobody looked"},
              {PV_CONCERN_APART, PV_NOT_APPLICABLE, "not about this model"}};
  pv_page_put(p, "<ul class=\"tally\" aria-label=\"Criteria\">\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const size_t count = pv_view_count(p->r, rows[i].concern);
    if (rows[i].concern == PV_CONCERN_APART && count == 0)
      continue; /* few contracts can have one */
    pv_page_put(p, count == 0 ? "<li class=\"zero\">" : "<li>");
    pv_html_icon(p, rows[i].look);
    pv_page_put(p, "<b>%zu</b> %s</li>\n", count, rows[i].words);
  }
  pv_page_put(p, "<li class=\"dim\">Evidence: %s</li>\n</ul>\n", pv_page_say(p, pv_view_where));
}

static void put_head(pv_page *p) {
  const pv_result *r = p->r;
  const pv_verdict look = pv_view_outcome_look(r);
  pv_page_put(p, "<header>\n<h1>%s<small>%s</small></h1>\n", r->contract->name,
              r->contract->version);
  if (pv_view_text(r->contract->description)[0] != '\0')
    pv_page_put(p, "<p class=\"dim\">%s</p>\n", r->contract->description);
  pv_page_put(p,
              "</header>\n<section class=\"card hero %s\" aria-label=\"Verdict\">\n"
              "<p class=\"word\">",
              pv_view_look(look)->css);
  pv_html_icon(p, look);
  pv_page_put(p, "%s</p>\n<p class=\"say\">%s</p>\n", pv_view_outcome(r),
              pv_page_say(p, pv_view_sentence));
  put_tally(p);
  put_status(p);
  pv_page_put(
      p,
      "<p class=\"dim about\">Model %s<br/>Commit %s<br/>Run %-s, %s, %f, exit code %d</p>\n"
      "</section>\n",
      pv_page_say(p, pv_view_model), pv_page_say(p, pv_view_commit), r->run_id, r->started,
      r->duration_s, r->exit_code);
}

static void put_criterion(pv_page *p, size_t i) {
  const pv_criterion_result *c = &p->r->criteria[i];
  const pv_strings names = pv_page_falsifiers(p, c);
  pv_html_row(p, c->verdict);
  pv_page_put(p,
              "<span class=\"claim\">%s</span><span class=\"sub\">%-s · <span title=\"the status "
              "that needs this criterion\">%s</span></span></th><td data-h=\"Source:\">%s</td>"
              "<td data-h=\"Falsifiers:\">",
              c->criterion->property, c->criterion->id,
              pv_contract_status_name(c->criterion->needed_for),
              pv_page_say_of(p, pv_view_criterion_source, i));
  pv_page_names(p, &names, 8, true, "<br/>");
  pv_page_put(p, c->falsifier_count == 0 ? "none</td></tr>\n" : "</td></tr>\n");
}

static void put_criteria(pv_page *p) {
  const pv_result *r = p->r;
  pv_html_table(p, "stack", "Criteria", "Verdict|Claim|Source|Falsifiers");
  pv_tally tally = pv_tally_begin(p, PV_HTML_PART);
  for (size_t i = 0; i < r->criterion_count; i++)
    if (pv_tally_row(&tally, p)) put_criterion(p, i);
  if (r->criterion_count == 0)
    pv_page_put(p, "<tr><td colspan=\"4\">The contract has no criteria.</td></tr>\n");
  pv_html_table_end(p, tally.omitted, "criteria were", 4);
}

static void put_divergence(pv_page *p) {
  pv_divergence d;
  if (pv_view_divergence(p->r, &d))
    pv_page_put(p, "<p class=\"div\"><b>First divergence:</b> %s %g (%s: %g, %-s)</p>\n", d.axis,
                d.x, d.series->name, d.y, d.falsifier->falsifier->id);
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
    pv_page_put(p, " %-s<span class=\"why\">%s</span></li>\n", c->criterion->id,
                pv_page_say_of(p, pv_view_criterion_reason, i));
  }
  if (tally.omitted > 0)
    pv_page_put(p, "<li>and %zu more criteria in evidence.json</li>\n", tally.omitted);
  pv_page_put(p, "</ul>\n");
  if (h->concern == PV_CONCERN_FALSE) put_divergence(p);
  pv_page_put(p, "</section>\n");
}

static void put_claims(pv_page *p) {
  const bool clean = pv_view_count(p->r, PV_CONCERN_NONE) == p->r->criterion_count;
  pv_page_put(p, "<h2>What was claimed, and what holds</h2>\n<div class=\"%s\">\n",
              clean ? "two one" : "two");
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
    pv_page_put(p, "<h2>Pictures</h2>\n<div class=\"figs\">\n");
    for (size_t i = 0; i < pictures.count; i++) {
      pv_page_put(p, "<figure class=\"card\"><h3>%s</h3>\n", pictures.items[i].title);
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
  put_head(&p);
  put_claims(&p);
  if (pv_view_count(result, PV_CONCERN_FALSE) == 0) put_divergence(&p);
  pv_stages_html(&p);
  code = put_pictures(&p, err);
  pv_html_falsifiers(&p);
  pv_history_html(&p);
  pv_fixed_html(&p);
  pv_html_foot(&p);
  pv_page_put(&p, "</main>\n</body>\n</html>\n");
  return pv_page_end(&p, code, err);
}
