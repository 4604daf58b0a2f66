/* report.html: one file, no scripts, nothing fetched. The first screen answers: what was claimed,
 * what holds, what does not, what nobody looked at, and where each answer comes from. */
#include <string.h>

#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/html_parts.h"
#include "reports/render/pictures.h"
#include "reports/render/plot.h"
#include "reports/render/stages.h"
#include "reports/render/tally.h"

void pv_html_text(pv_text *out, const char *value) {
  pv_esc_xml(out, value, PV_ESC_CLIP);
}

void pv_html_code(pv_text *out, const char *value) {
  if (pv_view_text(value)[0] == '\0') return;
  pv_text_puts(out, "<code>");
  pv_html_text(out, value);
  pv_text_puts(out, "</code>");
}

void pv_html_icon(pv_text *out, pv_verdict verdict) {
  pv_text_printf(out, "<svg class=\"ic i %s\" aria-hidden=\"true\"><use href=\"#i-%s\"/></svg>",
                 pv_view_look(verdict)->css, pv_view_look(verdict)->css);
}

void pv_html_badge(pv_text *out, pv_verdict verdict) {
  const pv_look *look = pv_view_look(verdict);
  pv_text_printf(out,
                 "<span class=\"v %s\" title=\"%s\"><svg class=\"ic\" aria-hidden=\"true\"><use "
                 "href=\"#i-%s\"/></svg>%s</span>",
                 look->css, look->means, look->css, pv_verdict_name(verdict));
}

void pv_html_omitted(pv_text *out, size_t omitted, const char *what, unsigned columns) {
  if (omitted == 0) return;
  pv_text_printf(out,
                 "<tr><td colspan=\"%u\">%zu more %s left out of this report; "
                 "<code>evidence.json</code> has all.</td></tr>\n",
                 columns, omitted, what);
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

static void put_rung(pv_text *out, const pv_result *r, pv_contract_status rung) {
  const bool held = rung <= r->status_after, claimed = rung <= r->status_before;
  pv_text_printf(out, "<li class=\"%s\"><b>%s</b><span>%s</span></li>\n",
                 held      ? "held"
                 : claimed ? "gap"
                           : "above",
                 pv_contract_status_name(rung), rung_words(r, rung));
}

static bool on_ladder(pv_contract_status status) {
  return status <= PV_STATUS_ACTIVE_RUNTIME;
}

static void put_status(pv_text *out, const pv_result *r) {
  if (on_ladder(r->status_before) && on_ladder(r->status_after)) {
    pv_text_puts(out, "<ol class=\"ladder\" aria-label=\"Ladder of statuses\">\n");
    for (int s = PV_STATUS_DRAFT; s <= PV_STATUS_ACTIVE_RUNTIME; s++)
      put_rung(out, r, (pv_contract_status)s);
    pv_text_puts(out, "</ol>\n");
  }
  pv_text_printf(out, "<p class=\"dim\">Status <code>%s</code>",
                 pv_contract_status_name(r->status_before));
  if (r->status_after != r->status_before)
    pv_text_printf(out, " → <code>%s</code>", pv_contract_status_name(r->status_after));
  pv_text_puts(out, ": ");
  PV_HTML_VIEW(out, pv_view_transition(view, r));
  pv_text_puts(out, ".</p>\n");
}

static void put_tally(pv_text *out, const pv_result *r) {
  static const struct {
    pv_concern concern;
    pv_verdict look;
    const char *words;
  } rows[] = {{PV_CONCERN_NONE, PV_PASS, "hold"},
              {PV_CONCERN_FALSE, PV_FAIL, "false"},
              {PV_CONCERN_UNJUDGED, PV_ERROR, "could not be judged"},
              {PV_CONCERN_UNSEEN, PV_NOT_RUN, "nobody looked"}};
  pv_text_puts(out, "<ul class=\"tally\" aria-label=\"Criteria\">\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const size_t count = pv_view_count(r, rows[i].concern);
    pv_text_puts(out, count == 0 ? "<li class=\"zero\">" : "<li>");
    pv_html_icon(out, rows[i].look);
    pv_text_printf(out, "<b>%zu</b> %s</li>\n", count, rows[i].words);
  }
  pv_text_puts(out, "<li class=\"dim\">Evidence: ");
  PV_HTML_VIEW(out, pv_view_where(view, r));
  pv_text_puts(out, "</li>\n</ul>\n");
}

static void put_head(pv_text *out, const pv_result *r) {
  const pv_verdict look = pv_view_outcome_look(r);
  pv_text_puts(out, "<header>\n<h1>");
  pv_html_text(out, r->contract->name);
  pv_text_puts(out, "<small>");
  pv_html_text(out, r->contract->version);
  pv_text_puts(out, "</small></h1>\n");
  if (pv_view_text(r->contract->description)[0] != '\0') {
    pv_text_puts(out, "<p class=\"dim\">");
    pv_html_text(out, r->contract->description);
    pv_text_puts(out, "</p>\n");
  }
  pv_text_printf(out, "</header>\n<section class=\"card hero %s\" aria-label=\"Verdict\">\n",
                 pv_view_look(look)->css);
  pv_text_puts(out, "<p class=\"word\">");
  pv_html_icon(out, look);
  pv_text_printf(out, "%s</p>\n<p class=\"say\">", pv_view_outcome(r));
  PV_HTML_VIEW(out, pv_view_sentence(view, r));
  pv_text_puts(out, "</p>\n");
  put_tally(out, r);
  put_status(out, r);
  pv_text_puts(out, "<p class=\"dim about\">Model ");
  PV_HTML_VIEW(out, pv_view_model(view, r));
  pv_text_puts(out, "<br/>Commit ");
  PV_HTML_VIEW(out, pv_view_commit(view, r));
  pv_text_puts(out, "<br/>Run ");
  pv_html_code(out, r->run_id);
  pv_text_puts(out, ", ");
  pv_html_text(out, r->started);
  pv_text_puts(out, ", ");
  pv_fmt_seconds(out, r->duration_s);
  pv_text_printf(out, ", exit code %d</p>\n</section>\n", r->exit_code);
}

static const char *row_class(pv_verdict verdict) {
  const pv_concern concern = pv_view_concern(verdict);
  return concern == PV_CONCERN_FALSE ? "false" : concern == PV_CONCERN_NONE ? "good" : "open";
}

static void put_criterion(pv_text *out, const pv_result *r, size_t i) {
  const pv_criterion_result *c = &r->criteria[i];
  pv_text_printf(out, "<tr class=\"%s\"><td>", row_class(c->verdict));
  pv_html_badge(out, c->verdict);
  pv_text_puts(out, "</td><th scope=\"row\"><span class=\"claim\">");
  pv_html_text(out, c->criterion->property);
  pv_text_puts(out, "</span><span class=\"sub\">");
  pv_html_code(out, c->criterion->id);
  pv_text_printf(out,
                 " · <span title=\"the status that needs this criterion\">%s</span></span></th><td "
                 "data-h=\"Source:\">",
                 pv_contract_status_name(c->criterion->needed_for));
  PV_HTML_VIEW(out, pv_view_criterion_source(view, r, i));
  pv_text_puts(out, "</td><td data-h=\"Falsifiers:\">");
  for (size_t k = 0; k < c->falsifier_count && k < 8; k++) {
    if (k > 0) pv_text_puts(out, "<br/>");
    pv_html_code(out, r->falsifiers[c->falsifiers[k]].falsifier->id);
  }
  if (c->falsifier_count > 8) pv_text_printf(out, "<br/>and %zu more", c->falsifier_count - 8);
  pv_text_puts(out, c->falsifier_count == 0 ? "none</td></tr>\n" : "</td></tr>\n");
}

static void put_criteria(pv_text *out, const pv_result *r) {
  pv_text_puts(
      out,
      "<section class=\"card scroll\"><table class=\"stack\" aria-label=\"Criteria\"><thead>"
      "<tr><th scope=\"col\">Verdict</th><th scope=\"col\">Claim</th>"
      "<th scope=\"col\">Source</th><th scope=\"col\">Falsifiers</th></tr></thead>"
      "<tbody>\n");
  pv_tally tally = pv_tally_begin(out, PV_HTML_PART);
  for (size_t i = 0; i < r->criterion_count; i++)
    if (pv_tally_row(&tally, out)) put_criterion(out, r, i);
  pv_html_omitted(out, tally.omitted, "criteria were", 4);
  if (r->criterion_count == 0)
    pv_text_puts(out, "<tr><td colspan=\"4\">The contract has no criteria.</td></tr>\n");
  pv_text_puts(out, "</tbody></table></section>\n");
}

static void put_divergence(pv_text *out, const pv_result *r) {
  pv_divergence d;
  if (!pv_view_divergence(r, &d)) return;
  pv_text_puts(out, "<p class=\"div\"><b>First divergence:</b> ");
  pv_html_text(out, pv_view_text(d.series->x_label)[0] ? d.series->x_label : "layer");
  pv_text_puts(out, " ");
  pv_fmt_number(out, d.x);
  pv_text_puts(out, " (");
  pv_html_text(out, d.series->name);
  pv_text_puts(out, ": ");
  pv_fmt_number(out, d.y);
  pv_text_puts(out, ", ");
  pv_html_code(out, d.falsifier->falsifier->id);
  pv_text_puts(out, ")</p>\n");
}

static void put_concern(pv_text *out, const pv_result *r, pv_concern concern, const char *title,
                        const char *about) {
  if (pv_view_count(r, concern) == 0) return;
  pv_text_printf(out, "<section class=\"card%s\"><h3>%s</h3><p class=\"dim\">%s</p><ul>\n",
                 concern == PV_CONCERN_FALSE ? " isfalse" : "", title, about);
  pv_tally tally = pv_tally_begin(out, PV_HTML_PART / 4);
  for (size_t i = 0; i < r->criterion_count; i++) {
    const pv_criterion_result *c = &r->criteria[i];
    if (pv_view_concern(c->verdict) != concern || !pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "<li>");
    pv_html_badge(out, c->verdict);
    pv_text_puts(out, " ");
    pv_html_code(out, c->criterion->id);
    pv_text_puts(out, "<span class=\"why\">");
    PV_HTML_VIEW(out, pv_view_criterion_reason(view, r, i));
    pv_text_puts(out, "</span></li>\n");
  }
  if (tally.omitted > 0)
    pv_text_printf(out, "<li>and %zu more criteria in evidence.json</li>\n", tally.omitted);
  pv_text_puts(out, "</ul>\n");
  if (concern == PV_CONCERN_FALSE) put_divergence(out, r);
  pv_text_puts(out, "</section>\n");
}

static void put_claims(pv_text *out, const pv_result *r) {
  const bool clean = pv_view_count(r, PV_CONCERN_NONE) == r->criterion_count;
  pv_text_printf(out, "<h2>What was claimed, and what holds</h2>\n<div class=\"two%s\">\n",
                 clean ? " one" : "");
  put_criteria(out, r);
  if (!clean) {
    pv_text_puts(out, "<div class=\"side\">\n");
    put_concern(out, r, PV_CONCERN_FALSE, "What does not hold",
                "Refuted by a falsifier, or by one that tested nothing.");
    put_concern(out, r, PV_CONCERN_UNJUDGED, "What could not be judged",
                "A check was started and gave no answer. This is not a pass.");
    put_concern(out, r, PV_CONCERN_UNSEEN, "What nobody looked at",
                "Not run here and not held by a valid receipt. This is not a pass.");
    pv_text_puts(out, "</div>\n");
  }
  pv_text_puts(out, "</div>\n");
}

static pv_code put_pictures(pv_text *out, const pv_result *r, pv_error *err) {
  pv_pictures pictures;
  const pv_code code = pv_pictures_make(r, true, true, &pictures, err);
  if (code == PV_OK && pictures.count > 0) {
    pv_text_puts(out, "<h2>Pictures</h2>\n<div class=\"figs\">\n");
    for (size_t i = 0; i < pictures.count; i++) {
      pv_text_puts(out, "<figure class=\"card\"><h3>");
      pv_html_text(out, pictures.items[i].title);
      pv_text_puts(out, "</h3>\n");
      pv_text_add(out, pictures.items[i].svg, pictures.items[i].svg_length);
      pv_text_puts(out, "<figcaption>");
      pv_html_text(out, pictures.items[i].alt);
      pv_text_puts(out, "</figcaption></figure>\n");
    }
    pv_text_puts(out, "</div>\n");
  }
  pv_pictures_free(&pictures);
  return code;
}

pv_code pv_render_html(const pv_result *result, const pv_render_links *links, pv_text *out,
                       pv_error *err) {
  pv_code code = pv_render_check(result, err);
  if (code != PV_OK) return code;
  const size_t begin = out->length;
  pv_text_puts(out,
               "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'\"/>\n<title>");
  pv_text_printf(out, "%s: ", pv_view_outcome(result));
  pv_html_text(out, result->contract->name);
  pv_text_puts(out, "</title>\n<style>\n");
  pv_html_style(out);
  pv_plot_style(out);
  pv_text_puts(out, "</style>\n</head>\n<body>\n");
  pv_html_symbols(out);
  pv_text_puts(out, "<main>\n");
  put_head(out, result);
  put_claims(out, result);
  if (pv_view_count(result, PV_CONCERN_FALSE) == 0) put_divergence(out, result);
  pv_stages_html(out, result);
  code = put_pictures(out, result, err);
  pv_html_falsifiers(out, result);
  pv_html_foot(out, result, links);
  pv_text_puts(out, "</main>\n</body>\n</html>\n");
  return pv_view_end(out, begin, code, err);
}
