/* The lower part of report.html: every falsifier with its numbers, then how to repeat the run. */
#include "reports/render/escape.h"
#include "reports/render/fmt.h"
#include "reports/render/gate.h"
#include "reports/render/html_parts.h"
#include "reports/render/tally.h"

enum { METRICS_EACH = 64, AMENDMENTS = 5, OUTPUT_BYTES = 8 << 10 };

static void put_strings(pv_text *out, const char *title, const pv_strings *list) {
  if (list->count == 0) return;
  pv_text_printf(out, "<dt>%s</dt><dd>", title);
  for (size_t i = 0; i < list->count && i < 32; i++) {
    if (i > 0) pv_text_puts(out, ", ");
    pv_html_text(out, list->items[i]);
  }
  if (list->count > 32) pv_text_printf(out, " and %zu more", list->count - 32);
  pv_text_puts(out, "</dd>\n");
}

static void put_detail(pv_text *out, const pv_falsifier_result *f) {
  if (f->metric_count == 0 && f->backends.count == 0 && f->output == NULL &&
      f->faults_declared.count == 0 && pv_view_text(f->falsifier->prediction)[0] == '\0')
    return;
  pv_text_printf(out, "<details%s><summary>Details</summary><dl class=\"m\">\n",
                 pv_view_concern(f->verdict) == PV_CONCERN_FALSE ? " open=\"\"" : "");
  if (pv_view_text(f->falsifier->prediction)[0] != '\0') {
    pv_text_puts(out, "<dt>prediction</dt><dd>");
    pv_html_text(out, f->falsifier->prediction);
    pv_text_puts(out, "</dd>\n");
  }
  if (f->verdict == PV_FAIL && pv_view_text(f->falsifier->if_fails)[0] != '\0') {
    pv_text_puts(out, "<dt>if it fails</dt><dd>");
    pv_html_text(out, f->falsifier->if_fails);
    pv_text_puts(out, "</dd>\n");
  }
  for (size_t i = 0; i < f->metric_count && i < METRICS_EACH; i++) {
    pv_text_puts(out, "<dt>");
    pv_html_text(out, f->metrics[i].name);
    pv_text_puts(out, "</dt><dd>");
    pv_fmt_number(out, f->metrics[i].value);
    pv_text_puts(out, "</dd>\n");
  }
  if (f->metric_count > METRICS_EACH)
    pv_text_printf(out, "<dt>more</dt><dd>%zu in evidence.json</dd>\n",
                   f->metric_count - METRICS_EACH);
  put_strings(out, "backends", &f->backends);
  put_strings(out, "faults declared", &f->faults_declared);
  put_strings(out, "faults caught", &f->faults_killed);
  pv_text_puts(out, "</dl>\n");
  if (f->output != NULL && f->output[0] != '\0') {
    pv_text_puts(out, "<pre>");
    pv_esc_xml_lines(out, f->output, OUTPUT_BYTES);
    pv_text_puts(out, "</pre>\n");
  }
  pv_text_puts(out, "</details>\n");
}

/* What was allowed beside what was measured: two cells. */
static void put_gate(pv_text *out, const pv_falsifier_result *f) {
  pv_gate gate;
  const bool gated = pv_gate_find(f->falsifier, &gate);
  pv_text_puts(out, "</td><td class=\"g\" data-h=\"Gate:\">");
  if (gated) PV_HTML_VIEW(out, pv_gate_put(view, &gate));
  pv_text_puts(out, "</td><td class=\"g\" data-h=\"Measured:\">");
  if (f->has_needed_tolerance)
    PV_HTML_VIEW(out, pv_gate_put_measured(view, gated ? &gate : NULL, f->needed_tolerance));
}

static void put_row(pv_text *out, const pv_falsifier_result *f) {
  const pv_concern concern = pv_view_concern(f->verdict);
  pv_text_printf(out, "<tr class=\"%s\"><td>",
                 concern == PV_CONCERN_FALSE  ? "false"
                 : concern == PV_CONCERN_NONE ? "good"
                                              : "open");
  pv_html_badge(out, f->verdict);
  pv_text_puts(out, "</td><th scope=\"row\">");
  pv_html_code(out, f->falsifier->id);
  pv_text_puts(out, "<span class=\"sub\">");
  pv_html_text(out, f->falsifier->check);
  pv_text_puts(out, "</span>");
  if (pv_view_text(f->reason)[0] != '\0') {
    pv_text_puts(out, "<span class=\"claim\">");
    pv_html_text(out, f->reason);
    pv_text_puts(out, "</span>");
  }
  if (f->worst.present) {
    pv_text_puts(out, "<span class=\"sub\">worst: ");
    PV_HTML_VIEW(out, pv_view_worst(view, &f->worst));
    pv_text_puts(out, "</span>");
  }
  put_detail(out, f);
  pv_text_puts(out, "</th><td class=\"n\" data-h=\"Compared:\">");
  pv_fmt_count(out, f->compared);
  put_gate(out, f);
  pv_text_puts(out, "</td><td data-h=\"Faults:\">");
  pv_view_faults(out, f);
  pv_text_puts(out, "</td><td data-h=\"Source:\">");
  PV_HTML_VIEW(out, pv_view_falsifier_source(view, f));
  if (f->source == PV_FROM_RUN) {
    pv_text_puts(out, ", ");
    pv_fmt_seconds(out, f->duration_s);
  }
  pv_text_puts(out, "</td></tr>\n");
}

void pv_html_falsifiers(pv_text *out, const pv_result *r) {
  if (r->falsifier_count == 0) return;
  pv_text_puts(
      out,
      "<h2>Falsifiers</h2>\n<section class=\"card scroll\"><table class=\"stack wide\" "
      "aria-label=\"Falsifiers\"><thead><tr><th scope=\"col\">Verdict</th>"
      "<th scope=\"col\">Falsifier and check</th><th scope=\"col\" class=\"n\">Compared</th>"
      "<th scope=\"col\">Gate</th><th scope=\"col\">Measured</th>"
      "<th scope=\"col\">Faults caught</th><th scope=\"col\">Source, time</th></tr></thead>"
      "<tbody>\n");
  pv_tally tally = pv_tally_begin(out, 2u * PV_HTML_PART);
  for (size_t i = 0; i < r->falsifier_count; i++)
    if (pv_tally_row(&tally, out)) put_row(out, &r->falsifiers[i]);
  pv_html_omitted(out, tally.omitted, "falsifiers were", 7);
  pv_text_puts(out, "</tbody></table></section>\n");
}

static void put_facts(pv_text *out, const char *title, const pv_fact *facts, size_t count) {
  if (count == 0) return;
  pv_text_printf(out, "<section class=\"card\"><h3>%s</h3><dl class=\"f\">\n", title);
  pv_tally tally = pv_tally_begin(out, PV_HTML_PART / 4);
  for (size_t i = 0; i < count; i++) {
    if (!pv_tally_row(&tally, out)) continue;
    pv_text_puts(out, "<dt>");
    pv_html_text(out, facts[i].name);
    pv_text_puts(out, "</dt><dd>");
    pv_html_code(out, facts[i].value);
    pv_text_puts(out, "</dd>\n");
  }
  if (tally.omitted > 0)
    pv_text_printf(out, "<dt>more</dt><dd>%zu in evidence.json</dd>\n", tally.omitted);
  pv_text_puts(out, "</dl></section>\n");
}

static void put_history(pv_text *out, const pv_contract *c) {
  if (c->amendment_count == 0) return;
  const size_t shown = c->amendment_count < AMENDMENTS ? c->amendment_count : AMENDMENTS;
  pv_text_puts(out, "<h2>Amendments</h2>\n");
  if (shown < c->amendment_count)
    pv_text_printf(out, "<p class=\"dim\">The last %zu of %zu.</p>\n", shown, c->amendment_count);
  pv_text_puts(out,
               "<section class=\"card scroll\"><table class=\"stack\" aria-label=\"Amendments\">"
               "<thead><tr><th scope=\"col\">Version</th><th scope=\"col\">Date</th>"
               "<th scope=\"col\">Kind</th><th scope=\"col\">Title</th>"
               "<th scope=\"col\">Evidence</th></tr></thead><tbody>\n");
  for (size_t i = c->amendment_count - shown; i < c->amendment_count; i++) {
    const pv_amendment *a = &c->amendments[i];
    const char *cells[] = {a->date, a->kind, a->title, a->evidence};
    pv_text_puts(out, "<tr><th scope=\"row\">");
    pv_html_text(out, a->version);
    pv_text_puts(out, "</th>");
    for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++) {
      pv_text_puts(out, "<td>");
      pv_html_text(out, cells[k]);
      pv_text_puts(out, "</td>");
    }
    pv_text_puts(out, "</tr>\n");
  }
  pv_text_puts(out, "</tbody></table></section>\n");
}

void pv_html_foot(pv_text *out, const pv_result *r, const pv_render_links *links) {
  pv_text_puts(out, "<h2>How to reproduce</h2>\n<pre>");
  pv_esc_xml(out, r->command, 4096);
  pv_text_puts(out, "</pre>\n<h2>What computed it</h2>\n<div class=\"cards\">\n");
  put_facts(out, "Environment", r->environment, r->environment_count);
  put_facts(out, "Model", r->model, r->model_count);
  put_facts(out, "Numerics identities", r->numerics, r->numerics_count);
  pv_text_puts(out, "</div>\n");
  put_history(out, r->contract);
  pv_text_puts(out, "<footer>Contract ");
  pv_html_code(out, r->contract->path);
  pv_text_printf(out, ", sha256 <code>%s</code>", r->contract->sha256);
  if (links != NULL && links->evidence_sha256 != NULL) {
    pv_text_puts(out, ". Evidence <code>evidence.json</code>, sha256 ");
    pv_html_code(out, links->evidence_sha256);
  }
  pv_text_puts(out, ".</footer>\n");
}
