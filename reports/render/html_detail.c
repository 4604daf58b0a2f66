/* The lower part of report.html: every falsifier with its numbers, then how to repeat the run. */
#include "reports/render/escape.h"
#include "reports/render/html_parts.h"

enum { METRICS_EACH = 64, AMENDMENTS = 5, OUTPUT_BYTES = 8 << 10, CRITERIA_EACH = 6 };

static void put_strings(pv_page *p, const char *title, const pv_strings *list) {
  if (list->count == 0) return;
  pv_page_put(p, "<dt>%s</dt><dd>", title);
  pv_page_names(p, list, 32, false, ", ");
  pv_page_put(p, "</dd>\n");
}

static void put_detail(pv_page *p, const pv_falsifier_result *f) {
  const char *prediction = pv_view_text(f->falsifier->prediction);
  const char *if_fails = pv_view_text(f->falsifier->if_fails);
  if (f->metric_count == 0 && f->backends.count == 0 && f->output == NULL &&
      f->faults_declared.count == 0 && prediction[0] == '\0')
    return;
  pv_page_put(p, pv_view_concern(f->verdict) == PV_CONCERN_FALSE
                     ? "<details open=\"\"><summary>Details</summary><dl class=\"m\">\n"
                     : "<details><summary>Details</summary><dl class=\"m\">\n");
  if (prediction[0] != '\0') pv_page_put(p, "<dt>prediction</dt><dd>%s</dd>\n", prediction);
  if (f->verdict == PV_FAIL && if_fails[0] != '\0')
    pv_page_put(p, "<dt>if it fails</dt><dd>%s</dd>\n", if_fails);
  for (size_t i = 0; i < f->metric_count && i < METRICS_EACH; i++)
    pv_page_put(p, "<dt>%s</dt><dd>%g</dd>\n", f->metrics[i].name, f->metrics[i].value);
  if (f->metric_count > METRICS_EACH)
    pv_page_put(p, "<dt>more</dt><dd>%zu in evidence.json</dd>\n", f->metric_count - METRICS_EACH);
  put_strings(p, "backends", &f->backends);
  put_strings(p, "faults declared", &f->faults_declared);
  put_strings(p, "faults caught", &f->faults_killed);
  pv_page_put(p, "</dl>\n");
  if (pv_view_text(f->output)[0] != '\0') {
    pv_page_put(p, "<pre>");
    pv_esc_xml_lines(p->out, f->output, OUTPUT_BYTES);
    pv_page_put(p, "</pre>\n");
  }
  pv_page_put(p, "</details>\n");
}

/* Up to what it judges, down to the record and to where it stands. */
static void put_ways(pv_page *p, size_t index) {
  const pv_falsifier *f = p->r->falsifiers[index].falsifier;
  const bool recorded = p->links != NULL && p->links->folder != NULL;
  size_t count = 0;
  pv_page_put(p, "<span class=\"sub ways\">");
  for (size_t i = 0; i < p->r->criterion_count; i++) {
    const pv_criterion_result *c = &p->r->criteria[i];
    for (size_t k = 0; k < c->falsifier_count; k++) {
      if (c->falsifiers[k] != index || count++ >= CRITERIA_EACH) continue;
      pv_page_put(p, count == 1 ? "judges " : ", ");
      pv_html_link(p, 'c', i, c->criterion->id);
    }
  }
  if (count > CRITERIA_EACH) pv_page_put(p, " and %zu more", count - CRITERIA_EACH);
  if (count > 0 && f->place.line > 0) pv_page_put(p, " · ");
  pv_html_source_link(p, &f->place);
  if (recorded) pv_page_put(p, count > 0 || f->place.line > 0 ? " · " : "");
  pv_html_file(p, "evidence.json");
  if (recorded) pv_page_put(p, " .falsifiers[%zu]", index);
  pv_page_put(p, "</span>");
}

static void put_row(pv_page *p, size_t i) {
  const pv_falsifier_result *f = &p->r->falsifiers[i];
  pv_html_row(p, 'f', i, f->verdict);
  pv_page_put(p, "%-s<span class=\"sub\">%s</span>", f->falsifier->id, f->falsifier->check);
  put_ways(p, i);
  if (pv_view_text(f->reason)[0] != '\0')
    pv_page_put(p, "<span class=\"claim\">%s</span>", f->reason);
  if (f->worst.present)
    pv_page_put(p, "<span class=\"sub\">worst: %s</span>", pv_page_say_of(p, pv_view_worst, i));
  put_detail(p, f);
  pv_page_put(
      p,
      "</th><td class=\"n\" data-h=\"Compared:\">%ju</td><td class=\"g\" data-h=\"Gate:\">%s"
      "</td><td class=\"g\" data-h=\"Measured:\">%s</td><td data-h=\"Faults:\">%s</td>"
      "<td data-h=\"Evidence:\">%s",
      f->compared, pv_page_say_of(p, pv_view_gate, i), pv_page_say_of(p, pv_view_measured, i),
      pv_page_say_of(p, pv_view_faults, i), pv_page_say_of(p, pv_view_falsifier_source, i));
  if (f->source == PV_FROM_RUN) pv_page_put(p, ", %f", f->duration_s);
  pv_page_put(p, "</td></tr>\n");
}

void pv_html_falsifiers(pv_page *p) {
  if (p->r->falsifier_count == 0) return;
  pv_page_put(p, "<h2 id=\"falsifiers\">Falsifiers</h2>\n");
  pv_html_table(p, "stack wide", "Falsifiers",
                "Verdict|Falsifier and check|#Compared|Gate|Measured|Faults caught|Evidence, time");
  pv_tally tally = pv_tally_begin(p, 2u * PV_HTML_PART);
  for (size_t i = 0; i < p->r->falsifier_count; i++)
    if (pv_tally_row(&tally, p)) put_row(p, i);
  pv_html_anchors(p, 'f', tally.omitted, p->r->falsifier_count);
  pv_html_table_end(p, tally.omitted, "falsifiers were", 7);
}

static void put_facts(pv_page *p, const char *title, const pv_fact *facts, size_t count) {
  if (count == 0) return;
  pv_page_put(p, "<section class=\"card\"><h3>%s</h3><dl class=\"f\">\n", title);
  pv_tally tally = pv_tally_begin(p, PV_HTML_PART / 4);
  for (size_t i = 0; i < count; i++)
    if (pv_tally_row(&tally, p))
      pv_page_put(p, "<dt>%s</dt><dd>%-s</dd>\n", facts[i].name, facts[i].value);
  if (tally.omitted > 0)
    pv_page_put(p, "<dt>more</dt><dd>%zu in evidence.json</dd>\n", tally.omitted);
  pv_page_put(p, "</dl></section>\n");
}

static void put_history(pv_page *p) {
  const pv_contract *c = p->r->contract;
  if (c->amendment_count == 0) return;
  const size_t shown = c->amendment_count < AMENDMENTS ? c->amendment_count : AMENDMENTS;
  pv_page_put(p, "<h2>Amendments</h2>\n");
  if (shown < c->amendment_count)
    pv_page_put(p, "<p class=\"dim\">The last %zu of %zu.</p>\n", shown, c->amendment_count);
  pv_html_table(p, "stack", "Amendments", "Version|Date|Kind|Title|Evidence");
  for (size_t i = c->amendment_count - shown; i < c->amendment_count; i++) {
    const pv_amendment *a = &c->amendments[i];
    pv_page_put(p,
                "<tr><th scope=\"row\">%s</th><td data-h=\"Date:\">%s</td><td data-h=\"Kind:\">%s"
                "</td><td data-h=\"Title:\">%s</td><td data-h=\"Evidence:\">%s</td></tr>\n",
                a->version, a->date, a->kind, a->title, a->evidence);
  }
  pv_html_table_end(p, 0, "", 5);
}

/* The other files of the folder: the page may have been handed on without them. */
static void put_files(pv_page *p) {
  static const char *const names[] = {"evidence.json", "report.md", "junit.xml", "statement.json"};
  if (p->links == NULL || p->links->folder == NULL) return;
  pv_page_put(p, "<p>Beside this page: ");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    pv_page_put(p, i > 0 ? ", " : "");
    pv_html_file(p, names[i]);
  }
  pv_page_put(p, ".</p>\n");
}

static void put_about(pv_page *p) {
  const pv_result *r = p->r;
  const pv_contract *c = r->contract;
  pv_page_put(p,
              "<section class=\"card\"><h3>Contract and run</h3><dl class=\"f\">\n"
              "<dt>contract</dt><dd>%-s %s</dd>\n<dt>file</dt><dd>%-s</dd>\n"
              "<dt>sha256</dt><dd>%-s</dd>\n<dt>run</dt><dd>%-s, %s, %f, exit code %d</dd>\n",
              c->name, c->version, c->path, c->sha256, r->run_id, r->started, r->duration_s,
              r->exit_code);
  if (p->links != NULL && p->links->evidence_sha256 != NULL)
    pv_page_put(p, "<dt>evidence.json</dt><dd>%-s</dd>\n", p->links->evidence_sha256);
  pv_page_put(p, "</dl></section>\n");
}

void pv_html_foot(pv_page *p) {
  const pv_result *r = p->r;
  pv_page_put(p, "<h2 id=\"reproduce\">How to reproduce</h2>\n<pre class=\"copy\">");
  pv_esc_xml(p->out, r->command, 4096);
  pv_page_put(p, "</pre>\n<h2>What computed it</h2>\n");
  put_files(p);
  pv_page_put(p, "<div class=\"cards\">\n");
  put_about(p);
  put_facts(p, "Environment", r->environment, r->environment_count);
  put_facts(p, "Model", r->model, r->model_count);
  put_facts(p, "Numerics identities", r->numerics, r->numerics_count);
  pv_page_put(p, "</div>\n");
  put_history(p);
}
